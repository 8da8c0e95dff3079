"""Distinguish texture from correlated noise."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip.noise.flat_regions import flat_pixels
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.noise.texture import (
    has_expected_minimum,
    is_weaker_diagonally,
    quietest_variance_ratio,
)

WHITE = ((), ())
BLURRED = ((0.78, 0.37, 0.10), (0.78, 0.37, 0.10))


def noise(blur=0, sigma=5.0, shape=(1, 192, 192)):
    drawn = gaussian_filter(np.random.default_rng(0).normal(size=shape), (0, blur, blur))
    return sigma * drawn / drawn.std()


def everywhere(image):
    return np.ones(image.shape, bool)


@pytest.mark.parametrize(
    ("blur", "correlation"), [(0, WHITE), (1, BLURRED)], ids=["white", "correlated"]
)
def test_noise_of_the_model_has_ratio_one(blur, correlation):
    image = 100 + noise(blur)
    model = PoissonGaussian(read=5.0, correlation=correlation)
    assert quietest_variance_ratio(image, everywhere(image), model) == pytest.approx(1, abs=0.12)
    assert has_expected_minimum(image, everywhere(image), model)


def test_ratio_is_that_of_the_variances():
    image = noise()
    ratios = [
        quietest_variance_ratio(image, everywhere(image), PoissonGaussian(read=read))
        for read in (5.0, 10.0)
    ]
    assert ratios[1] == pytest.approx(ratios[0] / 4)


def test_photon_noise_is_compared_at_its_intensity():
    ramp = np.linspace(5, 200, 192) * np.ones((1, 192, 1))
    photons = 2.0 * np.random.default_rng(0).poisson(ramp)
    model = PoissonGaussian(gain=2.0)
    assert quietest_variance_ratio(photons, everywhere(photons), model) == pytest.approx(1, abs=0.3)


def test_texture_in_one_half_has_a_quiet_half():
    image = noise(sigma=1.0)
    image[:, :96] = noise(1, sigma=15.0)[:, :96]
    model = PoissonGaussian(read=15.0, correlation=BLURRED)
    assert quietest_variance_ratio(image, everywhere(image), model) < 0.05
    assert not has_expected_minimum(image, everywhere(image), model)


def test_unknown_squares_are_ignored():
    image = noise()
    known = everywhere(image)
    image[:, :60], known[:, :60] = 0, False
    assert has_expected_minimum(image, known, PoissonGaussian(read=5.0))
    assert not has_expected_minimum(image, everywhere(image), PoissonGaussian(read=5.0))
    assert quietest_variance_ratio(image, np.zeros_like(known), PoissonGaussian(read=5.0)) == 1


def test_correlated_noise_is_weaker_diagonally():
    image = 100 + noise(1)
    flat = flat_pixels(image, everywhere(image))
    assert is_weaker_diagonally(flat, PoissonGaussian(read=5.0, correlation=BLURRED))


def test_white_noise_on_texture_is_not_weaker():
    grass = data.grass()[None, :192, :192].astype(float)
    image = gaussian_filter(grass, (0, 2, 2)) + noise(sigma=10.0)
    flat = flat_pixels(image, everywhere(image))
    assert not is_weaker_diagonally(flat, PoissonGaussian(read=12.0, correlation=BLURRED))
