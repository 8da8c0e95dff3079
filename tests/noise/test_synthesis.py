"""Synthetic noise has the variance, correlation and limits of its model."""

import numpy as np
import pytest

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.noise.synthesis import add_noise, unit_noise

WHITE = ((), ())


@pytest.mark.parametrize("level", [20.0, 500.0])
def test_variance_follows_the_intensity(level):
    clean = np.full((300, 300), level, np.float32)
    model = PoissonGaussian(gain=2.0, read=3.0)
    noisy = add_noise(clean, model, unit_noise(clean.shape, WHITE, 0))
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(level, rel=0.01)
    assert noisy.var() == pytest.approx(2 * level + 9, rel=0.03)


def test_neighbours_are_correlated_along_both_axes():
    noise = unit_noise((2, 400, 300), ((0.5, 0.2), (0.3,)), 0)
    assert noise.var() == pytest.approx(1, rel=0.03)
    pairs = {
        0.5: noise[:, 1:] * noise[:, :-1],
        0.2: noise[:, 2:] * noise[:, :-2],
        0.3: noise[..., 1:] * noise[..., :-1],
        0.15: noise[:, 1:, 1:] * noise[:, :-1, :-1],
        0.0: noise[0] * noise[1],
    }
    for expected, products in pairs.items():
        assert products.mean() == pytest.approx(expected, abs=0.03)


def test_an_impossible_correlation_keeps_the_variance():
    noise = unit_noise((400, 400), ((0.9,), ()), 0)
    assert noise.var() == pytest.approx(1, rel=0.05)


def test_clipped_values_stay_within_the_limits():
    clean = np.full((50, 50), 0.02, np.float32)
    noisy = add_noise(clean, PoissonGaussian(read=0.1, low=0.0), unit_noise(clean.shape, WHITE, 0))
    assert noisy.min() == 0


def test_the_seed_decides():
    first, same, other = (unit_noise((8, 9), ((0.3,), ()), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
