"""Noise before super-resolution is removed first, and texture is not taken for noise."""

import numpy as np
import pytest

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.stages import has_noise

NEAR = ((0.4,), (0.4,))  # between neighbours along Y and X


def block(side=64, **noise):
    values = np.linspace(0, 1, side * side, dtype=np.float32).reshape(1, side, side)
    return Block(values, np.ones(values.shape, bool), (PoissonGaussian(**noise),))


@pytest.mark.parametrize(
    ("noise", "counts"),
    [
        pytest.param({"read": 0.01}, True, id="sure"),
        pytest.param({"read": 0.01, "sure": False}, False, id="weak"),
        pytest.param({"read": 0.04, "sure": False}, True, id="strong"),
        pytest.param({"read": 0.04, "sure": False, "correlation": NEAR}, True, id="correlated"),
        pytest.param({"gain": 0.008, "sure": False, "correlation": NEAR}, False, id="texture"),
        pytest.param({"gain": 0.02, "sure": False, "correlation": NEAR}, True, id="strongest"),
        pytest.param({"read": 0.04, "sure": False, "side": 24}, False, id="few pixels"),
    ],
)
def test_uncertain_noise_must_not_be_texture(noise, counts):
    assert has_noise(block(**noise)) == counts
