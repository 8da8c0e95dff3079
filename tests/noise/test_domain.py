"""Transform intensities: constant variance in the domain, no bias after the inverse."""

import numpy as np
import pytest

from napari_dip.noise.domain import ChannelDomain, Domain
from napari_dip.noise.poisson_gaussian import PoissonGaussian

PHOTONS = PoissonGaussian(gain=0.02, offset=0.1, read=0.01)
GAUSSIAN = PoissonGaussian(read=0.1)


def camera_image(x, seed=0):
    rng = np.random.default_rng(seed)
    photons = rng.poisson((x - PHOTONS.offset) / PHOTONS.gain)
    y = PHOTONS.offset + PHOTONS.gain * photons + rng.normal(0, PHOTONS.read, x.shape)
    return y.astype(np.float32)


def domain_of(noise, *, stabilised=True):
    return Domain((ChannelDomain(noise, stabilised and noise.gain > 0),))


@pytest.fixture
def ramp():
    return np.linspace(0.15, 0.9, 400, dtype=np.float32) * np.ones((1, 400, 1), np.float32)


def test_variance_is_constant_in_the_domain(ramp):
    domain = domain_of(PHOTONS)
    transformed = domain.transform(camera_image(ramp))
    assert transformed.dtype == np.float32
    sigmas = transformed[0].std(axis=0)
    assert sigmas[10:].mean() == pytest.approx(domain.sigma(ramp, ramp > 0), rel=0.05)
    assert sigmas[20:60].mean() == pytest.approx(sigmas[-60:].mean(), rel=0.1)
    assert domain.transform(np.array([[0.0, 1.0]], np.float32))[0] == pytest.approx([0, 1])


def test_mean_has_no_bias_after_the_inverse(ramp):
    domain = domain_of(PHOTONS)
    mean = domain.transform(camera_image(ramp)).mean(axis=1)
    assert domain.inverse_transform(mean)[0] == pytest.approx(ramp[0, 0], abs=0.03)


def test_gaussian_noise_needs_no_transform(ramp):
    domain = domain_of(GAUSSIAN)
    assert np.array_equal(domain.transform(ramp), ramp)
    assert np.array_equal(domain.inverse_transform(ramp), ramp)
    assert domain.sigma(ramp, ramp > 0) == pytest.approx(0.1)
    assert domain.channel_weights(ramp, ramp > 0) is None


def test_pixels_of_one_channel_have_equal_weight(ramp):
    domain = domain_of(PHOTONS, stabilised=False)
    assert domain.channel_weights(ramp, ramp > 0) is None


def test_channels_have_weights_by_their_noise(ramp):
    noises = (PHOTONS, GAUSSIAN, PoissonGaussian(read=0.02))
    domain = Domain(tuple(ChannelDomain(noise, noise.gain > 0) for noise in noises))
    truth = np.concatenate([ramp] * 3)
    values = truth + np.random.default_rng(1).normal(0, [[[0]], [[0.1]], [[0.02]]], truth.shape)
    values[0] = camera_image(ramp)[0]
    transformed = domain.transform(values.astype(np.float32))
    sigmas = domain.sigmas(truth, truth > 0)
    assert np.sqrt(transformed.var(axis=1).mean(axis=1)) == pytest.approx(sigmas, rel=0.1)
    assert domain.inverse_transform(transformed.mean(axis=1)) == pytest.approx(
        truth[:, 0], abs=0.03
    )
    weights = domain.channel_weights(truth, truth > 0)
    assert (weights * np.square(sigmas)[:, None, None]).std() < 1e-6
    assert weights.mean() == pytest.approx(1)
