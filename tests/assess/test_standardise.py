"""A standardised residual has a mean of 0 and a variance of 1 where it is noise."""

import numpy as np
import pytest

from napari_dip.assess.standardise import equalise, has_visible_noise, standardise
from napari_dip.noise.poisson_gaussian import PoissonGaussian


@pytest.mark.parametrize("photons", [0.3, 1.0, 3.0, 10.0, 100.0])
def test_few_photons_do_not_shift_the_mean(photons):
    clean = np.full((400, 400), photons)
    counts = np.random.default_rng(0).poisson(clean)
    residual = standardise(5.0 * counts, 5.0 * clean, PoissonGaussian(gain=5.0))
    assert abs(residual.mean()) < 0.04
    assert residual.var() < 1.1
    assert residual.var() > (0.9 if photons > 3 else 0.2)


def test_gaussian_noise_is_divided_by_sigma():
    residual = standardise(np.array([[7, 4]]), np.array([[1.0, 1.0]]), PoissonGaussian(read=3.0))
    assert residual.tolist() == [[2.0, 1.0]]


def test_underestimated_noise_is_equalised():
    predicted = np.repeat(np.linspace(0, 1, 100), 100).reshape(100, 100)
    noise = np.random.default_rng(0).standard_normal((100, 100)) * (1 + 2 * predicted)
    known = np.ones(noise.shape, bool)
    equal = equalise(noise, predicted, known)
    assert equal[-10:].std() == pytest.approx(1, abs=0.1)
    assert equal[:10].std() == pytest.approx(1, abs=0.15)


def test_overestimated_noise_is_kept():
    noise = np.random.default_rng(0).standard_normal((50, 50)) / 2
    known = np.ones(noise.shape, bool)
    np.testing.assert_allclose(equalise(noise, noise * 0, known), noise)


def test_clipped_pixels_near_the_limit_do_not_count():
    noise = PoissonGaussian(read=2.0, high=255.0)
    observed = np.array([255.0, 255.0, 250.0])
    assert has_visible_noise(observed, np.array([254.0, 240.0, 254.0]), noise).tolist() == [
        False,
        True,
        True,
    ]
