"""The filter and the projection that follow the fit to a decimated image."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip import Settings, SuperResolve
from napari_dip.dip.operators import Downsample
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.filter_and_project import FilterAndProject
from napari_dip.pipeline.restore_block import prepare_member

FACTOR = 2
SIGMAS = (0.08, 0.05, 0.03, 0.016)


@pytest.fixture(scope="module")
def truth():
    """Woven cloth, 64 x 48, in 0..1."""
    return (data.brick()[100:164, 100:148] / 255).astype(np.float32)


@pytest.fixture(scope="module")
def member(truth):
    """Prepare the super-resolution of the decimated cloth, from a blurred estimate."""
    values = Downsample((FACTOR, FACTOR))(torch.from_numpy(truth)[None, None])[0].numpy()
    block = Block(values, np.ones(values.shape, bool), (PoissonGaussian(),))
    made = prepare_member(block, Settings(task=SuperResolve(factor=FACTOR)), "cpu", seed=0)
    blurred = gaussian_filter(truth, 1)[None]
    return replace(made, data=replace(made.data, estimate=blurred))


def mse(image, truth):
    return float(np.mean((image - truth) ** 2))


def test_estimate_comes_nearer_to_the_truth(member, truth):
    before = member.data.estimate.copy()
    refined = FilterAndProject(SIGMAS, factor=FACTOR).apply(member.data, member.context).estimate
    assert mse(refined[0], truth) < 0.5 * mse(before[0], truth)
    assert np.array_equal(member.data.estimate, before)


def test_estimate_agrees_with_the_data(member):
    refined = FilterAndProject(SIGMAS, factor=FACTOR).apply(member.data, member.context).estimate
    seen = member.data.observation
    before, after = (
        float(seen.residual(torch.from_numpy(image)[None]).square().mean())
        for image in (member.data.estimate, refined)
    )
    assert after < 0.01 * before


def test_colours_are_filtered_together(truth):
    colours = np.stack([truth, 0.5 * truth, 1 - truth])
    values = Downsample((FACTOR, FACTOR))(torch.from_numpy(colours)[None])[0].numpy()
    block = Block(values, np.ones(values.shape, bool), (PoissonGaussian(),) * 3)
    member = prepare_member(block, Settings(task=SuperResolve(factor=FACTOR)), "cpu", seed=0)
    blurred = gaussian_filter(colours, (0, 1, 1))
    held = replace(member.data, estimate=blurred)
    refined = FilterAndProject(SIGMAS, factor=FACTOR).apply(held, member.context).estimate
    assert mse(refined, colours) < 0.5 * mse(blurred, colours)
