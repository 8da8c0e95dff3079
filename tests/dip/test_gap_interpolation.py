"""Test that missing pixels of planes are interpolated smoothly."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.restoration import inpaint_biharmonic

from napari_dip.dip.gap_interpolation import interpolate_gaps


@pytest.fixture(scope="module")
def spots():
    """Return bright spots on a dark field, 64 x 64, from 0 to 1; most pixels are near 0."""
    field = np.zeros((64, 64))
    field[12::20, 12::20] = 1
    field[32] = 0
    field = gaussian_filter(field, 2)
    return (field / field.max()).astype(np.float32)


def test_known_pixels_are_unchanged_and_gaps_smooth(spots):
    known = np.ones(spots.shape, bool)
    known[10:13] = False
    before = spots.copy()
    filled = interpolate_gaps(np.where(known, spots, np.float32(9)), known)
    assert np.array_equal(filled[known], spots[known])
    assert np.square(filled - spots)[~known].mean() < 0.1 * np.square(spots)[~known].mean()
    assert np.array_equal(spots, before)


def test_very_large_gaps_are_filled_from_fewer_pixels(spots, monkeypatch):
    known = np.random.default_rng(0).random(spots.shape) > 0.6
    whole = interpolate_gaps(spots, known)
    monkeypatch.setattr("napari_dip.dip.gap_interpolation.MAX_SOLVED_PIXELS", 100)
    coarse = interpolate_gaps(spots, known)
    assert np.array_equal(coarse[known], spots[known])
    assert np.square(coarse - spots).mean() < 0.1 * np.square(spots)[~known].mean()
    assert not np.array_equal(coarse, whole)


@pytest.mark.parametrize("pattern", ["rows", "chessboard"])
def test_large_gaps_without_coarse_pixels_are_filled(pattern, monkeypatch):
    monkeypatch.setattr("napari_dip.dip.gap_interpolation.MAX_SOLVED_PIXELS", 500)
    y, x = np.mgrid[:64, :64].astype(np.float32)
    known = (y if pattern == "rows" else y + x) % 2 == 0
    ramp = y + 2 * x
    filled = interpolate_gaps(np.where(known, ramp, 0), known)
    inside = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(filled[inside], ramp[inside], atol=1.5)


@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 1, 7), (2, 3, 9, 1)], ids=str)
def test_small_shapes_give_finite_values(shape, monkeypatch):
    monkeypatch.setattr("napari_dip.dip.gap_interpolation.MAX_SOLVED_PIXELS", 2)
    random = np.random.default_rng(0)
    values = random.random(shape).astype(np.float32)
    known = random.random(shape) > 0.5
    known[0] = False
    filled = interpolate_gaps(values, known)
    assert filled.shape == shape
    assert filled.dtype == np.float32
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[known], values[known])
    assert np.array_equal(filled[0], values[0])


@pytest.mark.parametrize("gap", [np.s_[:8], np.s_[20:34, 20:34]], ids=["at the border", "inside"])
def test_noise_does_not_grow_across_a_gap(gap):
    ramp = np.linspace(0.2, 0.8, 48) * np.ones((48, 1))
    noisy = (ramp + np.random.default_rng(0).normal(0, 0.1, ramp.shape)).astype(np.float32)
    known = np.ones(ramp.shape, bool)
    known[gap] = False
    error = np.abs(interpolate_gaps(noisy, known, 0.1) - ramp)[gap].mean()
    assert error < 0.06
    assert error < 0.5 * np.abs(interpolate_gaps(noisy, known) - ramp)[gap].mean()


def test_remnants_at_the_edge_do_not_spread():
    rows, columns = np.indices((48, 48)) - 24
    distance = np.hypot(rows, columns)
    missing = distance < 12
    remnant = (distance < 13) & ~missing & (rows < -4)
    field = (0.3 + 0.2 * remnant + 0.004 * columns).astype(np.float32)
    error = np.abs(interpolate_gaps(field, ~missing) - field)[missing]
    thin_plate = inpaint_biharmonic(np.where(missing, 0, field), missing)
    assert error.mean() < 0.85 * np.abs(thin_plate - field)[missing].mean()


def test_values_stay_in_the_known_range():
    steep = np.zeros((32, 32), np.float32)
    steep[:, :12] = np.linspace(0, 1, 12)
    steep[:, 20:] = 1
    known = np.ones(steep.shape, bool)
    known[:, 12:20] = False
    filled = interpolate_gaps(np.where(known, steep, np.float32(-7)), known)
    assert filled.min() >= 0
    assert filled.max() <= 1
