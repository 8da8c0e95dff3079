"""Point spread functions of microscopes have the widths of the optics."""

import numpy as np
import pytest

from napari_dip import Optics, optical_psf
from napari_dip.errors import BadSettings

OIL = {"na": 1.4, "ri": 1.518, "wavelength": 520, "pixel_size": 0.05, "z_step": 0.1}


def width(line):
    """Return the full width at half maximum, interpolated, in samples."""
    half = line.max() / 2
    above = np.flatnonzero(line >= half)
    first, last = above[0], above[-1]
    left = first - (line[first] - half) / (line[first] - line[first - 1])
    right = last + (line[last] - half) / (line[last] - line[last + 1])
    return right - left


def lines(values):
    """Return the profiles through the centre along each axis."""
    centre = [size // 2 for size in values.shape]
    return [
        values[tuple(slice(None) if a == axis else c for a, c in enumerate(centre))]
        for axis in range(values.ndim)
    ]


def test_pixels_agree_with_psfmodels():
    optics = Optics(na=1.2, ri=1.33, wavelength=520, pixel_size=0.1, z_step=0.5)
    z, y, x = (line / line.max() for line in lines(optical_psf(optics, (8, 160, 160)).values))
    # psfmodels 0.3.3: make_psf(5, 41, dxy=0.1, dz=0.5, NA=1.2, wvl=0.52, ns=1.33, ni=1.33)
    radial = [1.0, 0.6476, 0.1547, 0.0225, 0.0164, 0.0056]
    np.testing.assert_allclose(x[len(x) // 2 :][:6], radial, atol=0.003)
    np.testing.assert_allclose(
        z[len(z) // 2 - 2 :][:5], [0.0489, 0.1374, 1, 0.1374, 0.0489], atol=0.003
    )
    np.testing.assert_allclose(x, y)


@pytest.mark.parametrize("sides", [(96, 90), (12, 96, 90)], ids=["plane", "stack"])
@pytest.mark.parametrize("modality", ["widefield", "confocal", "two-photon", "light-sheet"])
def test_a_kernel_is_odd_positive_and_normalised(modality, sides):
    more = {"excitation": 800} if modality == "two-photon" else {"sheet": 2.0}
    values = optical_psf(Optics(modality=modality, **OIL, **more), sides).values
    assert values.dtype == np.float32
    assert all(size % 2 for size in values.shape)
    assert all(size <= side + 1 for size, side in zip(values.shape, sides, strict=True))
    assert values.min() >= 0
    assert values.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(values, values[..., ::-1, ::-1], atol=1e-7)


def test_widefield_width_is_that_of_the_airy_disc():
    psf = optical_psf(Optics(na=0.5, ri=1.0, wavelength=500, pixel_size=0.1), (200, 200))
    assert width(lines(psf.values)[1]) * 0.1 == pytest.approx(0.51 * 0.5 / 0.5, rel=0.05)


def test_only_a_small_pinhole_sharpens():
    narrow, open_, wide = (
        width(
            lines(
                optical_psf(Optics(modality=m, pinhole=p, excitation=490, **OIL), (128, 128)).values
            )[1]
        )
        for m, p in (("confocal", 0.2), ("confocal", 10), ("widefield", 1))
    )
    assert narrow < 0.8 * wide
    assert open_ == pytest.approx(wide * 490 / 520, rel=0.05)


def test_confocal_sections_and_widefield_does_not():
    confocal, widefield = (
        optical_psf(Optics(modality=m, **OIL), (21, 96, 96)).values.sum(axis=(1, 2))
        for m in ("confocal", "widefield")
    )
    assert confocal[0] < 0.05 * confocal.max()
    assert widefield[0] > 0.5 * widefield.max()


def test_a_light_sheet_is_as_thick_as_given():
    sheet, widefield = (
        optical_psf(Optics(modality=m, sheet=0.4, **OIL), (21, 96, 96)).values[:, 24, 24]
        for m in ("light-sheet", "widefield")
    )
    ratio = sheet / sheet.max() / (widefield / widefield.max())
    assert ratio[10 + 2] == pytest.approx(0.5, abs=0.01)


def test_coarse_pixels_are_noted():
    assert not optical_psf(Optics(**OIL), (64, 64)).losses
    coarse = Optics(**OIL | {"pixel_size": 0.2, "z_step": 0.5})
    pixels, planes = optical_psf(coarse, (8, 64, 64)).losses
    assert "pixels are 0.2 µm apart, and more than 0.0929 µm" in pixels
    assert "planes are 0.5 µm apart" in planes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"na": None}, "needs na; give na=1.4 \\(--na 1.4\\)", id="na"),
        pytest.param({"ri": None}, "--ri 1.518; air 1", id="index"),
        pytest.param({"modality": "two-photon"}, "needs excitation", id="excitation"),
        pytest.param({"modality": "light-sheet"}, "needs sheet", id="sheet"),
        pytest.param({"pixel_size": None}, "pixel size is unknown.*--pixel-size", id="pixel"),
        pytest.param({"z_step": None}, "distance of the planes is unknown.*--z-step", id="planes"),
    ],
)
def test_what_is_unknown_is_asked_for(changes, words):
    with pytest.raises(BadSettings, match=words):
        optical_psf(Optics(**OIL | changes), (8, 64, 64))
