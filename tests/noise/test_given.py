"""Given noise becomes a noise model, or is refused where it cannot fit the image."""

import math
from dataclasses import replace
from typing import Literal

import pytest

from napari_dip.errors import BadSettings
from napari_dip.noise.given import given_noise, noise_model
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.settings import GivenNoise, SensorNoise

LIMITS = (100.0, 1100.0)


class Readout(GivenNoise):
    kind: Literal["test-readout"] = "test-readout"
    level: float


class Unregistered(GivenNoise):
    kind: Literal["test-unregistered"] = "test-unregistered"


@noise_model.register(Readout)
def _(given, limits):
    return replace(PoissonGaussian(), read=given.level)


def test_constant_channel_is_not_checked():
    assert given_noise(1e9, None) == PoissonGaussian(read=1e9)
    assert given_noise(SensorNoise(gain=1, offset=1e9), None).offset == 1e9


@pytest.mark.parametrize(
    ("level", "model"),
    [(20.0, PoissonGaussian(read=20.0)), (1e-8, PoissonGaussian())],
    ids=["kept", "negligible"],
)
def test_own_noise_is_built(level, model):
    assert given_noise(Readout(level=level), LIMITS) == model


def test_own_noise_in_another_unit_is_refused():
    with pytest.raises(BadSettings, match=r"level=200000.* at the brightest pixel, 1100"):
        given_noise(Readout(level=200_000), LIMITS)


def test_class_without_a_model_is_refused():
    with pytest.raises(BadSettings, match="no noise model is registered for Unregistered"):
        given_noise(Unregistered(), LIMITS)


def test_weak_photon_noise_is_dropped():
    model = given_noise(SensorNoise(gain=1e-12, read=3), LIMITS)
    assert model == PoissonGaussian(read=3.0)
    assert model.limits == (-math.inf, math.inf)
