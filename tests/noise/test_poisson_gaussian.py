"""Variance-stabilising transform, and change of units, of Poisson-Gaussian noise."""

import numpy as np
import pytest

from napari_dip.noise.poisson_gaussian import PoissonGaussian

GAIN, OFFSET = 3.0, 100.0


@pytest.mark.parametrize("read", [0.0, 4.0, 20.0])
def test_transform_gives_unit_variance_and_no_bias(read):
    noise = PoissonGaussian(gain=GAIN, offset=OFFSET, read=read)
    rng = np.random.default_rng(0)
    for photons in (2.0, 5.0, 20.0, 200.0):
        x = OFFSET + GAIN * photons
        y = OFFSET + GAIN * rng.poisson(photons, 200_000) + rng.normal(0, read, 200_000)
        stabilised = noise.stabilise(y)
        if photons >= 5:
            assert stabilised.std() == pytest.approx(1, abs=0.06)
        assert noise.unstabilise(stabilised.mean()) == pytest.approx(x, abs=0.1 * GAIN)


def test_rescaled_model_describes_the_same_noise():
    noise = PoissonGaussian(gain=2.0, offset=100.0, read=3.0, low=0.0, high=4095.0)
    scaled = noise.rescaled(low=50.0, span=1000.0)
    assert scaled.sigma(0.35) == pytest.approx(noise.sigma(400.0) / 1000)
    assert (scaled.low, scaled.high) == pytest.approx((-0.05, 4.045))


def test_weakened_model_has_a_fraction_of_the_variance():
    noise = PoissonGaussian(gain=2.0, offset=100.0, read=3.0)
    weak = noise.weakened(0.25)
    assert weak.sigma(400.0) ** 2 == pytest.approx(0.25 * noise.sigma(400.0) ** 2)
    assert (noise.sure, weak.sure) == (True, False)


def test_intensities_below_the_offset_have_read_noise():
    noise = PoissonGaussian(gain=2.0, offset=100.0, read=3.0)
    assert noise.sigma(np.array([0.0, 100.0, 108.0])).tolist() == [3, 3, 5]
