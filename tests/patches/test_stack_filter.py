"""Refine stacks whose neighbouring planes are similar, moved or different."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from tensors import mse

from napari_dip.patches.fill_gaps import fill_gaps
from napari_dip.patches.refine import first_estimate, refine
from napari_dip.patches.stack_filter import first_of_stack, map_planes, refine_stack


@pytest.fixture(scope="module")
def texture():
    """Woven cloth, 40 x 40, in 0..1."""
    return data.brick()[100:140, 100:140] / 255


def volumes(texture, shift):
    """Truth, noisy stack and estimate of ten planes, each shifted from the one before."""
    truth = np.stack([np.roll(texture, (k * shift, k * shift), (0, 1)) for k in range(10)])
    noisy = truth + np.random.default_rng(0).normal(0, 0.08, truth.shape)
    smooth = gaussian_filter(noisy, (0, 1.2, 1.2))
    return (torch.from_numpy(x.astype(np.float32))[None, None] for x in (truth, noisy, smooth))


def by_plane(estimate, seen):
    return map_planes(partial(refine, sigma=0.08, passes=2), estimate, seen)


@pytest.mark.parametrize(("shift", "ratio"), [(0, 0.6), (1, 0.7)], ids=["still", "drifting"])
def test_similar_planes_reduce_the_error(texture, shift, ratio):
    truth, seen, smooth = volumes(texture, shift)
    refined = refine_stack(smooth, seen, 0.08, passes=2)
    assert mse(refined, truth) < ratio * mse(by_plane(smooth, seen), truth)


def test_similar_patches_are_found_in_distant_planes(texture):
    """Half of every second plane is mirrored: the next similar plane is two planes away."""
    truth, seen, smooth = volumes(texture, 0)
    odd = torch.arange(10) % 2 == 1
    for volume in (truth, seen, smooth):
        volume[:, :, odd, :20] = volume[:, :, odd, :20].flip(-1)
    refined, alone = refine_stack(smooth, seen, 0.08, passes=2), by_plane(smooth, seen)
    top = np.s_[..., :20, :]
    assert mse(refined[top], truth[top]) < 0.9 * mse(alone[top], truth[top])


def test_uncorrelated_planes_are_refined_separately(texture):
    _, seen, smooth = volumes(2 * texture, 9)
    refined = refine_stack(smooth, seen, 0.08, passes=2)
    assert torch.allclose(refined, by_plane(smooth, seen), atol=1e-6)


def test_planes_are_filled_separately(texture):
    truth, _, smooth = volumes(texture, 0)
    known = torch.ones_like(truth)
    known[:, :, 1, ::3, ::3] = 0
    known[:, :, 4, 1::3, ::3] = 0
    fill = partial(fill_gaps, sigma=0.0, passes=2)
    filled = map_planes(fill, smooth, truth, known)
    with_gaps = torch.tensor([1, 4])
    others = [number for number in range(10) if number not in with_gaps]
    assert torch.equal(filled[:, :, others], smooth[:, :, others])
    for number in with_gaps:
        plane = (volume[:, :, number] for volume in (smooth, truth, known))
        assert torch.equal(filled[:, :, number], fill(*plane))
    missing = known == 0
    assert mse(filled[missing], truth[missing]) < 0.7 * mse(smooth[missing], truth[missing])


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 12, 11), (1, 1, 4, 12, 11), (1, 3, 5, 9, 17), (1, 2, 2, 6, 6)], ids=str
)
def test_any_shape_gives_finite_values(shape):
    random = torch.Generator().manual_seed(0)
    estimate, seen = (torch.rand(shape, generator=random) for _ in range(2))
    estimate[:, :, 1:3] = estimate[:, :, :1]
    before = estimate.clone()
    refined = refine_stack(estimate, seen, 0.1, passes=1)
    assert refined.shape == shape
    assert refined.isfinite().all()
    assert torch.equal(estimate, before)
    assert torch.equal(refine_stack(estimate, seen, 0.1, passes=0), before)


def test_weak_noisy_planes_are_refined_together(texture):
    """Their structure is a sixth of the noise, so its correlation cannot be told."""
    random = torch.Generator().manual_seed(0)
    truth = torch.from_numpy(0.3 * (texture - texture.mean())).float().expand(1, 1, 6, 40, 40)
    seen = truth + 0.08 * torch.randn(truth.shape, generator=random)
    together = first_of_stack(seen, 0.08).fine
    alone = map_planes(lambda plane: first_estimate(plane, 0.08).fine, seen)
    assert mse(together, truth) < 0.8 * mse(alone, truth)


def test_given_first_estimate_gives_the_same_bytes(texture):
    _, seen, smooth = volumes(texture, 0)
    given_first = refine_stack(smooth, seen, 0.08, passes=1, first=first_of_stack(seen, 0.08))
    assert torch.equal(given_first, refine_stack(smooth, seen, 0.08, passes=1))
