"""A filter that stacks patches, beside a network's estimate."""

import numpy as np
import pytest
import torch
from skimage import data

from napari_dip import Settings, restore
from napari_dip.prior.collaborate import collaborate
from napari_dip.prior.refine import refine_alone


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
    filtered = collaborate(guide, noisy, 0.1)
    assert mse(filtered, truth) < 0.5 * mse(noisy, truth)
    assert mse(filtered, truth) < 0.8 * mse(guide, truth)
    assert torch.equal(guide, before[0])
    assert torch.equal(noisy, before[1])


@pytest.mark.parametrize("shape", [(1, 1, 3, 40), (1, 3, 17, 9)], ids=str)
def test_any_shape_comes_back_finite(shape):
    guide, noisy = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    filtered = collaborate(guide, noisy, 0.1)
    assert filtered.shape == shape
    assert filtered.isfinite().all()


def test_best_averages_its_fits_with_it():
    _, noisy = (each[0, 0].numpy() for each in noisy_cloth())
    asked = {"noise": 0.1, "members": 1, "iterations": 20, "device": "cpu"}
    images = {}
    for preset in ("fast", "best"):
        steps = restore(noisy, Settings(preset=preset, **asked))
        try:
            while True:
                next(steps)
        except StopIteration as end:
            images[preset] = end.value.image
    seen = torch.from_numpy(noisy)[None, None]
    alone = collaborate(refine_alone(seen, 0.1, passes=2), seen, 0.1)[0, 0].numpy()
    # Patches of a range of intensities are alike in another: nearly, but not to the last digit.
    expected = (images["fast"] + alone) / 2
    assert np.abs(images["best"] - expected).mean() < 0.1 * np.abs(images["fast"] - alone).mean()
