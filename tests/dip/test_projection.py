"""An estimate is brought into agreement with what was seen, as far as the noise lets it."""

import numpy as np
import pytest
import torch

from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Downsample
from napari_dip.dip.projection import project


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.fixture
def seen():
    operator = Downsample((3, 1), "gaussian")
    y = operator(random(1, 2, 24, 10))
    return Observation(y, operator, (random(*y.shape, seed=1) > -1).double())


def test_projection_meets_the_data_and_the_truth(seen):
    truth, estimate = random(1, 2, 24, 10), random(1, 2, 24, 10, seed=2)
    before = estimate.clone()
    nearer = project(estimate, seen, 0.0, 10)
    assert seen.residual(nearer).abs().max() < 1e-2 * seen.residual(estimate).abs().max()
    assert (nearer - truth).norm() < (estimate - truth).norm()
    assert torch.equal(estimate, before)


def test_the_noise_is_not_made_up_for(seen):
    estimate = random(1, 2, 24, 10, seed=2)
    size = float((seen.residual(estimate).square().sum() / seen.known.sum()).sqrt())
    assert torch.equal(project(estimate, seen, 1.01 * size, 3), estimate)
    whole = project(estimate, seen, 0.0, 3) - estimate
    half = project(estimate, seen, size / np.sqrt(2), 3) - estimate
    assert torch.allclose(half, whole / 2)
