"""Stabilised intensities: noise of one strength going in, no bias coming out."""

import numpy as np
import pytest

from napari_dip.prior.domain import make_domain
from napari_dip.prior.noise import NoiseModel

PHOTONS = NoiseModel(gain=0.02, offset=0.1, read=0.01)
GAUSSIAN = NoiseModel(read=0.1)


def seen(x, seed=0):
    rng = np.random.default_rng(seed)
    photons = rng.poisson((x - PHOTONS.offset) / PHOTONS.gain)
    y = PHOTONS.offset + PHOTONS.gain * photons + rng.normal(0, PHOTONS.read, x.shape)
    return y.astype(np.float32)


def domain_of(noise, values, *, stabilised=True):
    return make_domain((noise,), values, np.ones(values.shape, bool), stabilised=stabilised)


@pytest.fixture
def ramp():
    return np.linspace(0.15, 0.9, 400, dtype=np.float32) * np.ones((1, 400, 1), np.float32)


def test_the_noise_is_as_strong_everywhere(ramp):
    domain = domain_of(PHOTONS, ramp)
    entered = domain.enter(seen(ramp))
    assert entered.dtype == np.float32
    sigmas = entered[0].std(axis=0)
    assert sigmas[10:].mean() == pytest.approx(domain.sigma(ramp, ramp > 0), rel=0.05)
    assert sigmas[20:60].mean() == pytest.approx(sigmas[-60:].mean(), rel=0.1)
    assert domain.enter(np.array([[0.0, 1.0]], np.float32))[0] == pytest.approx([0, 1])


def test_the_mean_comes_back_without_bias(ramp):
    domain = domain_of(PHOTONS, ramp)
    mean = domain.enter(seen(ramp)).mean(axis=1)
    assert domain.leave(mean)[0] == pytest.approx(ramp[0, 0], abs=0.03)


def test_elsewhere_intensities_stay_as_they_are(ramp):
    domain = domain_of(GAUSSIAN, ramp)
    assert np.array_equal(domain.enter(ramp), ramp)
    assert np.array_equal(domain.leave(ramp), ramp)
    assert domain.sigma(ramp, ramp > 0) == pytest.approx(0.1)
    assert domain.weight(ramp) is None


def test_behind_an_operator_pixels_are_weighed_by_their_noise(ramp):
    domain = domain_of(PHOTONS, ramp, stabilised=False)
    weight = domain.weight(ramp)
    assert weight.shape == ramp.shape
    assert weight.mean() == pytest.approx(1, rel=1e-3)
    expected = PHOTONS.sigma(0.75) ** 2 / PHOTONS.sigma(0.25) ** 2
    dark, bright = (np.abs(ramp[0, 0] - level).argmin() for level in (0.25, 0.75))
    assert weight[0, 9, dark] / weight[0, 9, bright] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("stabilised", [True, False])
def test_the_noise_is_as_strong_in_all_channels(ramp, stabilised):
    noises = (PHOTONS, GAUSSIAN, NoiseModel(read=0.02))
    truth = np.concatenate([ramp] * 3)
    gaussian = np.random.default_rng(1).normal(0, 1, truth.shape)
    values = truth + gaussian * np.array([0, 0.1, 0.02])[:, None, None]
    values[0] = seen(ramp)[0]
    domain = make_domain(noises, truth, truth > 0, stabilised=stabilised)
    entered = domain.enter(values.astype(np.float32))
    sigmas = [np.sqrt(channel.var(axis=0).mean()) for channel in entered]
    assert sigmas == pytest.approx([domain.sigma(truth, truth > 0)] * 3, rel=0.1)
    assert entered.mean() == pytest.approx(0.5, abs=0.05)
    assert 0 < entered[1].mean(axis=0).min() < entered[1].mean(axis=0).max() < 1
    assert domain.leave(entered.mean(axis=1))[1:] == pytest.approx(truth[1:, 0], abs=0.03)
