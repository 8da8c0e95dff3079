"""Test that a projected estimate agrees with the observation within its noise."""

import numpy as np
import pytest
import torch

from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Downsample
from napari_dip.dip.projection import project


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.fixture
def observation():
    operator = Downsample((3, 1), "gaussian")
    y = operator(random(1, 2, 24, 10))
    return Observation(y, operator, (random(*y.shape, seed=1) > -1).double())


def test_projection_meets_the_data_and_the_truth(observation):
    truth, estimate = random(1, 2, 24, 10), random(1, 2, 24, 10, seed=2)
    before = estimate.clone()
    nearer = project(estimate, observation, 0.0, 10)
    assert (
        observation.residual(nearer).abs().max() < 1e-2 * observation.residual(estimate).abs().max()
    )
    assert (nearer - truth).norm() < (estimate - truth).norm()
    assert torch.equal(estimate, before)


def test_a_residual_of_noise_is_not_corrected(observation):
    estimate = random(1, 2, 24, 10, seed=2)
    size = float((observation.residual(estimate).square().sum() / observation.known.sum()).sqrt())
    assert torch.equal(project(estimate, observation, 1.01 * size, 3), estimate)
    whole = project(estimate, observation, 0.0, 3) - estimate
    half = project(estimate, observation, size / np.sqrt(2), 3) - estimate
    assert torch.allclose(half, whole / 2)
