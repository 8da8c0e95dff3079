"""Noise is made even, and the mean comes back without bias."""

import json

import numpy as np
import pytest

from napari_dip.noise.model import NoiseModel

GAIN, OFFSET = 3.0, 100.0


@pytest.mark.parametrize("read", [0.0, 4.0, 20.0])
def test_stabilised_noise_has_unit_variance(read):
    noise = NoiseModel(gain=GAIN, offset=OFFSET, read=read)
    rng = np.random.default_rng(0)
    for photons in (2.0, 5.0, 20.0, 200.0):
        x = OFFSET + GAIN * photons
        y = OFFSET + GAIN * rng.poisson(photons, 200_000) + rng.normal(0, read, 200_000)
        stabilised = noise.stabilise(y)
        if photons >= 5:
            assert stabilised.std() == pytest.approx(1, abs=0.06)
        assert noise.unstabilise(stabilised.mean()) == pytest.approx(x, abs=0.1 * GAIN)


def test_the_same_noise_in_other_units():
    noise = NoiseModel(gain=2.0, offset=100.0, read=3.0, low=0.0, high=4095.0)
    scaled = noise.rescaled(low=50.0, span=1000.0)
    assert scaled.sigma(0.35) == pytest.approx(noise.sigma(400.0) / 1000)
    assert (scaled.low, scaled.high) == pytest.approx((-0.05, 4.045))


def test_a_report_of_it_can_be_json():
    assert json.loads(json.dumps(NoiseModel(read=1.0).as_dict()))["high"] is None
