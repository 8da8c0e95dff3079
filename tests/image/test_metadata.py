"""Units have one spelling; smaller pixels cover the same area."""

import numpy as np
import pytest

from napari_dip.image.metadata import MICROMETRES, SECONDS, Channel, StoredImage, canonical_unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("micron", "µm"),
        ("\\u00B5m", "µm"),
        ("μm", "µm"),  # Greek mu
        (" Micrometers\0", "µm"),
        ("msec", "ms"),
        ("inch", "in"),
        ("furlong", "furlong"),
        ("pixel", None),
        ("", None),
        (None, None),
    ],
)
def test_each_unit_has_one_spelling(name, unit):
    assert canonical_unit(name) == unit


def stored(shape=(4, 8, 9), axes="ZYX", **changes):
    sizes = {"Z": 2000.0, "Y": 0.5, "X": 0.25}
    units = {"Z": "nm", "Y": "µm", "X": "µm"}
    return StoredImage(np.zeros(shape), axes, sizes, units, **changes)


def test_the_voxel_has_the_unit_of_x():
    assert stored().voxel == pytest.approx((2.0, 0.5, 0.25))


def test_an_unknown_pixel_size_means_no_voxel():
    assert StoredImage(np.zeros((8, 9)), "YX", {"Y": 1.0, "X": 1.0}).voxel is None


@pytest.mark.parametrize(
    ("axis", "table", "unit", "expected"),
    [
        ("Z", MICROMETRES, "mm", 0.002),
        ("Z", MICROMETRES, "nm", 2000.0),
        ("Z", SECONDS, "s", None),
        ("Z", MICROMETRES, None, None),
        ("T", SECONDS, "s", None),
    ],
)
def test_pixel_sizes_are_converted(axis, table, unit, expected):
    assert stored().size_in(axis, table, unit) == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_smaller_pixels_cover_the_same_area(factor):
    old = stored(translate={"X": 3.0})
    new = old.refined({"X": factor})
    assert new.pixel_size["X"] * factor == old.pixel_size["X"]
    edges = [image.translate["X"] - image.pixel_size["X"] / 2 for image in (old, new)]
    assert edges[0] == pytest.approx(edges[1])
    assert old.translate == {"X": 3.0}


def test_another_image_belongs_to_no_file(tmp_path):
    new = stored(files=(tmp_path / "a.tif",)).with_image(np.zeros((8, 9)), "YX")
    assert (new.axes, new.files) == ("YX", ())


def test_channels_count_if_their_number_fits():
    names = Channel("DNA", "0000FF"), Channel()
    two = StoredImage(np.zeros((2, 8, 9)), "CYX", channels=names)
    assert two.known_channels == names
    assert StoredImage(np.zeros((3, 8, 9)), "CYX", channels=names).known_channels == ()
    assert StoredImage(np.zeros((8, 9, 3)), "YXS").channel_count == 1
    assert [bool(name) for name in names] == [True, False]
