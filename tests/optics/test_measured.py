"""The image of a bead becomes a point spread function."""

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, shift
from scipy.special import ndtr

from napari_dip import gaussian_psf, measured_psf
from napari_dip.errors import BadImage


def bead(widths, *, at=0.0, noise=0.0, background=100.0, margin=5):
    values = np.pad(gaussian_psf(widths).values.astype(float), margin)
    values = shift(5000 * values / values.max(), at, order=3)
    return values + background + np.random.default_rng(0).normal(0, noise, values.shape)


@pytest.mark.parametrize("widths", [(4.0, 4.0), (5.0, 3.0, 3.0)], ids=["plane", "stack"])
def test_a_bead_gives_its_psf(widths):
    psf = measured_psf(bead(widths, at=0.4, noise=10))
    assert all(size % 2 for size in psf.values.shape)
    assert psf.values.sum() == pytest.approx(1, abs=1e-5)
    expected = gaussian_psf(widths).values
    cut = tuple(
        slice((have - want) // 2, (have - want) // 2 + want)
        for have, want in zip(expected.shape, psf.values.shape, strict=True)
    )
    np.testing.assert_allclose(psf.values, expected[cut], atol=0.1 * expected.max())


def test_it_says_what_it_did():
    psf = measured_psf(bead((4.0, 4.0), at=(1, -2)), (0.1, 0.1), target=(0.05, 0.05))
    background, moved, resampled, cut = psf.notes
    assert background == "Its background of 100 was subtracted."
    assert moved.startswith("It was moved by -1, 2 pixels")
    assert "0.5 × 0.5 times as large" in resampled
    assert "cut from" in cut
    assert psf.describe().startswith("measured, ")


def test_finer_pixels_make_it_wider():
    fine = measured_psf(bead((4.0, 4.0)), (0.1, 0.1), target=(0.05, 0.05)).values
    expected = gaussian_psf((8.0, 8.0)).values
    assert fine.max() == pytest.approx(expected.max(), rel=0.06)


def test_a_clean_psf_is_left_unchanged():
    given = gaussian_psf((3.0, 3.0)).values
    found = measured_psf(np.pad(given, 1)).values
    rest = (len(given) - len(found)) // 2
    np.testing.assert_allclose(
        found, given[rest : rest + len(found), rest : rest + len(found)], atol=1e-3
    )


def test_the_input_is_not_modified():
    given = bead((3.0, 3.0), noise=5)
    before = given.copy()
    measured_psf(given)
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        pytest.param(np.random.default_rng(0).normal(0, 1, (20, 20)), "shows no bead", id="noise"),
        pytest.param(np.ones((9, 9)), "shows no bead", id="flat"),
        pytest.param(np.ones(9), "shape \\(9,\\)", id="line"),
        pytest.param(np.full((9, 9), np.nan), "not finite", id="nan"),
        pytest.param(np.full((9, 9), "a"), "image of numbers", id="text"),
    ],
)
def test_an_image_without_bead_is_refused(image, words):
    with pytest.raises(BadImage, match=words):
        measured_psf(image)


def test_an_overexposed_bead_is_told():
    bead = np.pad(1e5 * gaussian_psf((5.0, 5.0)).values, 4) + 20
    told = measured_psf(bead.clip(0, 255).astype(np.uint8)).notes
    assert any("brightest pixels are equal (255)" in note for note in told)
    assert not any("equal" in note for note in measured_psf(bead.astype(np.uint16)).notes)


def test_the_centre_is_found_between_pixels():
    for at in ((0.3, -0.4), (0.5, 0.2), (-0.25, 0.1)):
        edges = [(np.arange(-9, 11) - 0.5 - each) * 2.355 / 2.5 for each in at]
        image = 1000 * np.multiply.outer(*(np.diff(ndtr(each)) for each in edges))
        values = measured_psf(image).values
        middle = [(size - 1) / 2 for size in values.shape]
        assert center_of_mass(values) == pytest.approx(middle, abs=0.04)
