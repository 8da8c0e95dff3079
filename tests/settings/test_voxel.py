"""Voxel sizes, and the factor that makes voxels isotropic."""

import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import Settings
from napari_dip.settings.voxel import describe_voxel_change, format_voxel, isotropic_factor


@pytest.mark.parametrize(
    ("voxel", "factor"),
    [((4, 0.83, 0.83), 5), ((1.5, 1, 1), 2), ((8.4, 1, 1), 8), ((3, 0.5, 1.5), 3)],
)
def test_factor_makes_voxels_most_isotropic(voxel, factor):
    assert isotropic_factor(voxel) == factor


@pytest.mark.parametrize(
    ("voxel", "message"),
    [
        (None, r"needs the voxel size, which is unknown; give voxel=\(Z, Y, X\)"),
        ((1, 0.8, 0.8), "1 × 0.8 × 0.8 .* are 1.25 times as long as wide, and no factor"),
        ((10, 1, 1), "10 times as long as wide, and the largest factor is 8; give factor=8"),
    ],
)
def test_impossible_factor_is_refused(voxel, message):
    with pytest.raises(BadSettings, match=message):
        isotropic_factor(voxel)


@pytest.mark.parametrize(
    ("voxel", "message"),
    [
        ((0, 1, 1), "three sizes above 0"),
        ((1, -1, 1), "three sizes above 0"),
        ((1e7, 1, 1), r"differ by a factor of 1e\+06 or more; give all three in one unit"),
        ((1, 1, float("nan")), "voxel.2=nan"),
    ],
)
def test_invalid_sizes_are_refused(voxel, message):
    with pytest.raises(BadSettings, match=message):
        Settings(voxel=voxel)


@pytest.mark.parametrize(
    ("voxel", "factors", "words"),
    [
        (None, {"Z": 3, "X": 1}, "3 times finer along Z"),
        (None, {"Y": 1, "X": 1}, ""),
        ((4, 2, 1), {"Z": 2, "X": 2}, "voxels of 4 × 2 × 1"),
        (
            (4, 1, 1),
            {"Z": 4, "Y": 1, "X": 1},
            "4 times finer along Z: voxels of 4 × 1 × 1 become 1 × 1 × 1",
        ),
    ],
)
def test_change_along_z_is_described(voxel, factors, words):
    assert describe_voxel_change(voxel, factors) == words


def test_sizes_are_written_with_four_digits():
    assert format_voxel((4, 0.8300001, 1e-7)) == "4 × 0.83 × 1e-07"
