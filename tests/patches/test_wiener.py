"""A filter that stacks patches, beside a network's estimate."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip import Settings, restore
from napari_dip.generators import finished
from napari_dip.noise.model import NoiseModel
from napari_dip.patches.wiener import collaborative_filter
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.ensemble import plan_fits
from napari_dip.pipeline.member import Fit


def noisy_cloth(*, colours=1, sigma=0.1):
    truth = torch.from_numpy((data.brick()[100:164, 100:164] / 255).astype(np.float32))
    truth = truth.expand(1, colours, 64, 64)
    random = torch.Generator().manual_seed(0)
    return truth, truth + sigma * torch.randn(truth.shape, generator=random)


def mse(one, other):
    return (one - other).square().mean().item()


@pytest.mark.parametrize("colours", [1, 3])
def test_noise_is_removed_and_texture_stays(colours):
    truth, noisy = noisy_cloth(colours=colours)
    guide = torch.nn.functional.avg_pool2d(noisy, 3, 1, 1, count_include_pad=False)
    before = guide.clone(), noisy.clone()
    filtered = collaborative_filter(guide, noisy, 0.1)
    assert mse(filtered, truth) < 0.5 * mse(noisy, truth)
    assert mse(filtered, truth) < 0.8 * mse(guide, truth)
    assert torch.equal(guide, before[0])
    assert torch.equal(noisy, before[1])


@pytest.mark.parametrize("shape", [(1, 1, 3, 40), (1, 3, 17, 9)], ids=str)
def test_any_shape_comes_back_finite(shape):
    guide, noisy = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    filtered = collaborative_filter(guide, noisy, 0.1)
    assert filtered.shape == shape
    assert filtered.isfinite().all()


def test_noise_that_neighbours_share_is_told_by_its_frequencies():
    truth, _ = noisy_cloth()
    shared = gaussian_filter(np.random.default_rng(0).normal(size=truth.shape[2:]), 0.8)
    noisy = truth + 0.1 * torch.from_numpy(shared / shared.std()).float()
    correlation = (0.66, 0.2)
    told, untold = (
        collaborative_filter(truth, noisy, 0.1, (each, each)) for each in (correlation, ())
    )
    assert mse(told, truth) < 0.8 * mse(untold, truth)


def test_best_gives_it_half_of_the_word(monkeypatch):
    _, noisy = (each[0, 0].numpy() for each in noisy_cloth())
    asked = {"noise": 0.1, "members": 1, "iterations": 10, "device": "cpu", "refinement": 1}
    images = []
    for word in (0.25, 0.75):
        said = np.full((1, 64, 64), word, np.float32)
        monkeypatch.setattr(Fit, "second_opinion", lambda _, said=said: said)
        images.append(finished(restore(noisy, Settings(preset="best", **asked))).image)
    span = np.ptp(images[1] - images[0])
    assert span < 1e-5
    assert 0.2 < np.mean(images[1] - images[0]) < 0.6


def test_what_it_says_is_nearer_to_the_truth_than_the_noisy_image():
    truth, noisy = (each[0].numpy() for each in noisy_cloth())
    block = Block(noisy, np.ones(noisy.shape, bool), (NoiseModel(read=0.1),))
    (fit, *_) = plan_fits(block, Settings(preset="best", device="cpu"), "cpu", 0)
    said = fit.second_opinion()
    assert said.shape == noisy.shape
    assert np.mean((said - truth) ** 2) < 0.2 * np.mean((noisy - truth) ** 2)


@pytest.mark.parametrize("refinement", [0, 2])
def test_the_latest_average_is_refined_together_with_the_best(refinement):
    shape = (1, 8, 8)
    block = Block(np.zeros(shape, np.float32), np.ones(shape, bool), (NoiseModel(read=0.1),))
    asked = Settings(device="cpu", refinement=refinement)
    (fit,) = plan_fits(block, asked, "cpu", 0)
    chosen = fit.choose(latest=np.full(shape, 3.0), best=np.zeros(shape))
    assert np.allclose(chosen, 1.5 if refinement else 0)
