"""Filter by the collaborative filter, alone and as a part of the preset `best`."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from tensors import mse

from napari_dip import Settings, restore
from napari_dip.generators import finished
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.patches.wiener import collaborative_filter
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.filter_steps import AverageWithFilter
from napari_dip.pipeline.restore_block import prepare_member


def noisy_cloth(*, colours=1, sigma=0.1):
    truth = torch.from_numpy((data.brick()[100:164, 100:164] / 255).astype(np.float32))
    truth = truth.expand(1, colours, 64, 64)
    random = torch.Generator().manual_seed(0)
    return truth, truth + sigma * torch.randn(truth.shape, generator=random)


@pytest.mark.parametrize("colours", [1, 3])
def test_noise_is_removed_and_texture_is_kept(colours):
    truth, noisy = noisy_cloth(colours=colours)
    guide = torch.nn.functional.avg_pool2d(noisy, 3, 1, 1, count_include_pad=False)
    before = guide.clone(), noisy.clone()
    filtered = collaborative_filter(guide, noisy, 0.1)
    assert mse(filtered, truth) < 0.5 * mse(noisy, truth)
    assert mse(filtered, truth) < 0.8 * mse(guide, truth)
    assert torch.equal(guide, before[0])
    assert torch.equal(noisy, before[1])


@pytest.mark.parametrize("shape", [(1, 1, 3, 40), (1, 3, 17, 9)], ids=str)
def test_any_shape_gives_finite_values(shape):
    guide, noisy = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    filtered = collaborative_filter(guide, noisy, 0.1)
    assert filtered.shape == shape
    assert filtered.isfinite().all()


def test_correlated_noise_is_filtered_by_its_spectrum():
    truth, _ = noisy_cloth()
    noise = gaussian_filter(np.random.default_rng(0).normal(size=truth.shape[2:]), 0.8)
    noisy = truth + 0.1 * torch.from_numpy(noise / noise.std()).float()
    along = (0.66, 0.2)
    correlated, white = (
        collaborative_filter(truth, noisy, 0.1, (each, each)) for each in (along, ())
    )
    assert mse(correlated, truth) < 0.8 * mse(white, truth)


def test_best_averages_the_filtered_image_and_the_fits(monkeypatch):
    _, noisy = (each[0, 0].numpy() for each in noisy_cloth())
    options = {"noise": 0.1, "members": 1, "iterations": 10, "device": "cpu", "refinement": 1}
    images = []
    for level in (0.25, 0.75):
        filtered = np.full((1, 64, 64), level, np.float32)
        monkeypatch.setattr(AverageWithFilter, "filter_alone", lambda *_, image=filtered: image)
        images.append(finished(restore(noisy, Settings(preset="best", **options))).image)
    span = np.ptp(images[1] - images[0])
    assert span < 1e-5
    assert 0.2 < np.mean(images[1] - images[0]) < 0.6


def test_filtered_image_is_nearer_to_the_truth():
    truth, noisy = (each[0].numpy() for each in noisy_cloth())
    block = Block(noisy, np.ones(noisy.shape, bool), (PoissonGaussian(read=0.1),))
    one = prepare_member(block, Settings(preset="best", device="cpu"), "cpu", 0)
    (step,) = (step for step in one.pipeline.steps if isinstance(step, AverageWithFilter))
    filtered = step.filter_alone(one.data.observation)
    assert filtered.shape == noisy.shape
    assert np.mean((filtered - truth) ** 2) < 0.2 * np.mean((noisy - truth) ** 2)


@pytest.mark.parametrize("refinement", [0, 2])
def test_refinement_starts_from_both_averages(refinement):
    shape = (1, 8, 8)
    block = Block(np.zeros(shape, np.float32), np.ones(shape, bool), (PoissonGaussian(read=0.1),))
    settings = Settings(device="cpu", refinement=refinement)
    fit = prepare_member(block, settings, "cpu", 0).pipeline.fit
    chosen = fit.choose(latest=np.full(shape, 3.0), best=np.zeros(shape))
    assert np.allclose(chosen, 1.5 if refinement else 0)
