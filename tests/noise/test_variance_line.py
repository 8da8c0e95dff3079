"""Fit the variance over the intensity, for photon counts, clipped values and constant noise."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from napari_dip.noise.variance_line import ValueLimits, fit_variance_line

FREE = ValueLimits(low=-math.inf, high=math.inf, dark=100.0, step=1e-9)


def samples(gain, read, offset=100.0, top=500.0, size=40_000, seed=0):
    random = np.random.default_rng(seed)
    level = random.uniform(offset, top, size)
    return level, random.normal(0, np.sqrt(gain * (level - offset) + read**2))


@pytest.mark.parametrize(("gain", "read"), [(0.5, 4.0), (2.0, 3.0), (10.0, 1.0)])
def test_gain_and_read_noise_are_found(gain, read):
    noise = fit_variance_line(*samples(gain, read), FREE)
    assert noise.gain == pytest.approx(gain, rel=0.1)
    for level in (110.0, 300.0, 480.0):
        expected = math.sqrt(gain * (level - 100) + read**2)
        assert noise.sigma(level) == pytest.approx(expected, rel=0.1)


def test_constant_noise_has_no_line():
    assert fit_variance_line(*samples(0.0, 5.0), FREE) is None


def test_noise_that_falls_with_intensity_has_no_line():
    level, differences = samples(2.0, 3.0)
    assert fit_variance_line(600 - level, differences, FREE) is None


def test_equal_intensities_have_no_line():
    _, differences = samples(0.0, 5.0)
    assert fit_variance_line(np.full(differences.shape, 100.0), differences, FREE) is None


def test_bins_with_texture_change_little():
    level, differences = samples(2.0, 3.0)
    textured = (level > 200) & (level < 230)
    differences[textured] *= 4
    noise = fit_variance_line(level, differences, FREE)
    assert noise.gain == pytest.approx(2, rel=0.15)


def test_variance_is_not_negative_at_the_darkest_level():
    level, differences = samples(2.0, 0.0)
    dark = ValueLimits(-math.inf, math.inf, dark=50.0, step=1e-9)
    noise = fit_variance_line(level, differences, dark)
    assert noise.offset == pytest.approx(50, abs=0.1)
    assert noise.sigma(0.0) >= 0


@pytest.mark.parametrize("size", [300, 40_000])
def test_step_above_the_noise_is_a_photon(size):
    random = np.random.default_rng(0)
    level = random.uniform(0, 3, size)
    photons = 5.0 * (random.poisson(level) - level)
    counted = ValueLimits(low=0.0, high=math.inf, dark=0.0, step=5.0)
    noise = fit_variance_line(5 * level, photons, counted)
    assert noise.gain == pytest.approx(5, rel=0.15)
    assert noise.low == -math.inf


def test_few_pixels_without_photon_steps_have_no_line():
    level, differences = samples(2.0, 3.0, size=300)
    assert fit_variance_line(level, differences, FREE) is None


def test_clipped_constant_noise_is_found_whole():
    random = np.random.default_rng(0)
    mean = random.uniform(-20, 60, 60_000)
    expected = norm.cdf(mean / 15) * mean + 15 * norm.pdf(mean / 15)
    values = (mean + random.normal(0, 15, mean.shape)).clip(0)
    clipped = ValueLimits(low=0.0, high=math.inf, dark=0.0, step=1e-9)
    noise = fit_variance_line(expected, values - expected, clipped)
    assert noise.gain == 0
    assert noise.low == 0
    assert noise.read == pytest.approx(15, rel=0.15)


def test_noise_that_clipping_cannot_leave_is_unclipped():
    random = np.random.default_rng(0)
    level = random.gamma(3, 3, 40_000) + 1
    clipped = ValueLimits(low=0.0, high=math.inf, dark=0.0, step=1e-9)
    noise = fit_variance_line(level, random.normal(0, 1.5 * level), clipped)
    assert noise.low == -math.inf
    assert noise.sigma(10.0) == pytest.approx(15, rel=0.2)
