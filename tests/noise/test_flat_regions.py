"""Select flat pixels, and measure noise in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_dip.noise.flat_regions import (
    flat_pixels,
    intensity_bins,
    robust_sigma,
    second_differences,
)


def noise(*shape, sigma=1.0, seed=0):
    return np.random.default_rng(seed).normal(0, sigma, shape)


@pytest.mark.parametrize("steps", [(1, 0), (0, 1), (1, 1), (2, 3)])
def test_second_differences_keep_white_noise(steps):
    differences = second_differences(noise(1, 200, 200, sigma=3), steps)
    assert np.nanstd(differences) == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("steps", [(1, 0), (0, 2), (2, 1)])
def test_second_differences_of_a_plane_are_zero(steps):
    y, x = np.indices((9, 11))
    differences = second_differences((3.0 * y - 2 * x)[None], steps)
    rim = np.s_[:, steps[0] : 9 - steps[0], steps[1] : 11 - steps[1]]
    assert differences[rim] == pytest.approx(0, abs=1e-9)
    assert np.isnan(differences).sum() == 99 - differences[rim].size


def test_unknown_neighbours_make_differences_nan():
    values = np.zeros((1, 5, 5))
    values[0, 2, 2] = np.nan
    unknown = np.isnan(second_differences(values, (1, 1)))[0, 1:-1, 1:-1]
    assert unknown.all()


@pytest.mark.parametrize("outliers", [0, 0.01, 0.05])
@pytest.mark.parametrize("sigma", [1e-6, 2.0, 1e6])
def test_robust_sigma_ignores_outliers(sigma, outliers):
    values = noise(20_000, sigma=sigma)
    values[: int(outliers * len(values))] = 100 * sigma
    assert robust_sigma(values) == pytest.approx(sigma, rel=0.05)


def test_robust_sigma_of_few_photons_is_not_zero():
    photons = np.random.default_rng(0).poisson(0.02, 20_000) - 0.0
    assert robust_sigma(photons) == pytest.approx(np.sqrt(0.02), rel=0.2)


def test_robust_sigma_of_nothing_is_zero():
    assert robust_sigma(np.zeros(0)) == robust_sigma(np.zeros(9)) == 0


@given(st.integers(1, 3000), st.integers(0, 2**31))
def test_bins_contain_each_pixel_once_in_order(size, seed):
    level = np.random.default_rng(seed).exponential(size=size)
    bins = intensity_bins(level)
    assert sorted(np.concatenate(bins)) == list(range(size))
    assert all(len(members) >= 200 for members in bins[:-1])
    means = [level[members].mean() for members in bins]
    assert means == sorted(means)


def test_bright_minority_has_bins_of_its_own():
    level = np.concatenate([noise(100_000), 1000 + 10 * noise(1000)])
    bins = intensity_bins(level)
    assert sum(level[members].min() > 500 for members in bins) >= 1


def test_edges_are_mostly_excluded():
    image = 100.0 * (np.indices((1, 60, 60))[2] > 30) + noise(1, 60, 60)
    flat = flat_pixels(image, np.ones(image.shape, bool))
    near_edge = np.abs(flat.indices % 60 - 30.5) < 4
    assert near_edge.mean() < 0.6 * 8 / 60
    assert robust_sigma(flat.differences((1, 1))) == pytest.approx(1, rel=0.1)


def test_flat_pixels_are_found_at_every_intensity():
    ramp = np.linspace(0, 1000, 300) * np.ones((1, 300, 1)) + noise(1, 300, 300)
    flat = flat_pixels(ramp, np.ones(ramp.shape, bool))
    share = np.histogram(flat.level, 5, (0, 1000))[0] / flat.level.size
    assert share == pytest.approx(0.2, abs=0.05)


def test_unknown_pixels_are_not_flat():
    image = noise(1, 40, 40)
    known = np.ones(image.shape, bool)
    known[:, :20] = False
    flat = flat_pixels(np.where(known, image, 1e9), known)
    assert (flat.indices // 40 >= 20).all()
    assert np.abs(flat.level).max() < 3


def test_image_without_known_pixels_has_no_flat_ones():
    flat = flat_pixels(noise(1, 8, 8), np.zeros((1, 8, 8), bool))
    assert flat.level.size == flat.differences((1, 1)).size == 0


# sqrt((6 - 8 r(3) + 2 r(6)) / (6 - 8 r(1) + 2 r(2))), with the correlation r(k) = exp(-k² / 4)
@pytest.mark.parametrize(("blur", "ratio"), [(0, 1.0), (1, 3.19)], ids=["white", "correlated"])
def test_growth_is_that_of_correlated_noise_alone(blur, ratio):
    image = gaussian_filter(noise(1, 256, 256), (0, blur, blur))
    flat = flat_pixels(image, np.ones(image.shape, bool))
    (growth,) = flat.growth((1, 0), [3])
    assert np.median(growth) == pytest.approx(ratio, rel=0.05)
