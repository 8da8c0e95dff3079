"""Periodic noise, row noise and missing high frequencies are measured."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from napari_dip.assess.spectrum import high_frequency_ratio, line_noise, periodic_noise


def white(shape=(128, 160), seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(("period", "amplitude"), [(3.3, 0.6), (8.0, 0.5), (17.0, 0.8)])
def test_period_and_amplitude_are_measured(period, amplitude):
    rows, columns = np.indices((128, 160))
    pattern = amplitude * np.sin(2 * np.pi * (0.6 * rows + 0.8 * columns) / period)
    found = periodic_noise(white() + pattern)
    assert found.period == pytest.approx(period, rel=0.1)
    assert found.amplitude == pytest.approx(amplitude, rel=0.35)


def test_white_noise_has_no_period():
    assert [seed for seed in range(20) if periodic_noise(white(seed=seed))] == []


def test_local_texture_is_no_periodic_noise():
    plane = white()
    plane[:50, :60] += 2 * np.sin(np.arange(60) * 1.1)
    assert periodic_noise(plane) is None


def test_interpolation_along_one_axis_is_seen():
    plane = white((64, 160))
    down, across = high_frequency_ratio(resize(plane, (128, 160), order=1))
    assert down < 0.04 < 0.5 < across


def test_offsets_of_lines_are_measured():
    offsets = 0.4 * np.random.default_rng(1).standard_normal((128, 1))
    found, chance = line_noise(white() + offsets, 0)
    assert found == pytest.approx(0.4, rel=0.3)
    assert found > 3 * chance
    without, chance = line_noise(white() + offsets, 1)
    assert without < 3 * chance


@pytest.mark.parametrize("sigma", [1.2, 2.0])
def test_rounding_does_not_hide_a_filter(sigma):
    random = np.random.default_rng(0)
    counts = random.poisson(150 + 60 * np.sin(np.arange(128) / 9) * np.ones((128, 1)))
    filtered = np.round(gaussian_filter(counts.astype(float), sigma))
    assert min(high_frequency_ratio(filtered, 1.0)) < 0.02
    assert min(high_frequency_ratio(counts.astype(float), 1.0)) > 0.5


def test_few_photons_are_not_taken_for_rounding():
    counts = np.random.default_rng(0).poisson(0.08, (128, 128)).astype(float)
    assert min(high_frequency_ratio(counts, 1.0)) > 0.5
