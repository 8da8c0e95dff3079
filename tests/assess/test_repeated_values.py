"""A median filter is told from raw noise by the neighbours with equal values."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, median_filter

from napari_dip.assess.repeated_values import repeated_values


def plane(sigma, seed=0):
    random = np.random.default_rng(seed)
    structure = gaussian_filter(random.normal(0, 1, (192, 192)), 6) * 12
    return np.rint(500 + 20 * structure + random.normal(0, sigma, structure.shape)).astype(int)


def ratio(values):
    equal, by_chance = repeated_values(values, np.ones(values.shape, bool))
    return equal / by_chance if by_chance else 0.0


@pytest.mark.parametrize("sigma", [20, 60])
@pytest.mark.parametrize("side", [3, 5])
def test_median_filter_repeats_values(sigma, side):
    values = plane(sigma)
    assert ratio(values) < 1.6
    assert ratio(median_filter(values, side)) > 3


def test_stretched_image_does_not_repeat():
    assert ratio(plane(4) * 7) < 1.6


def test_dark_without_photons_does_not_count():
    random = np.random.default_rng(0)
    photons = random.poisson(np.where(np.arange(192) < 96, 0.01, 300), (192, 192))
    assert ratio(photons) < 1.6
