"""Neighbouring planes take noise from one another, where they show the same."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip.patches.nl_bayes import fill_gaps, refine
from napari_dip.patches.stack_filter import map_planes, refine_stack


def mse(one, other):
    return (one - other).square().mean().item()


@pytest.fixture(scope="module")
def texture():
    """Woven cloth, 40 x 40, in 0..1."""
    return data.brick()[100:140, 100:140] / 255


def volumes(texture, shift):
    """Ten planes, each moved from the one before: the truth, a noisy look, and an estimate."""
    truth = np.stack([np.roll(texture, (k * shift, k * shift), (0, 1)) for k in range(10)])
    noisy = truth + np.random.default_rng(0).normal(0, 0.08, truth.shape)
    smooth = gaussian_filter(noisy, (0, 1.2, 1.2))
    return (torch.from_numpy(x.astype(np.float32))[None, None] for x in (truth, noisy, smooth))


def by_plane(estimate, seen):
    return map_planes(partial(refine, sigma=0.08, passes=2), estimate, seen)


@pytest.mark.parametrize(("shift", "part_left"), [(0, 0.6), (1, 0.7)], ids=["still", "drifting"])
def test_planes_of_a_volume_that_are_alike_help_each_other(texture, shift, part_left):
    truth, seen, smooth = volumes(texture, shift)
    refined = refine_stack(smooth, seen, 0.08, passes=2)
    assert mse(refined, truth) < part_left * mse(by_plane(smooth, seen), truth)


def test_a_plane_is_told_by_the_same_thing_in_planes_far_from_it(texture):
    """Not by those beside it alone, which show other things in half of the image."""
    truth, seen, smooth = volumes(texture, 0)
    beside = torch.arange(10) % 2 == 1
    for volume in (truth, seen, smooth):
        volume[:, :, beside, :20] = volume[:, :, beside, :20].flip(-1)
    refined = refine_stack(smooth, seen, 0.08, passes=2)
    lone = by_plane(smooth, seen)
    assert mse(refined[..., :20, :], truth[..., :20, :]) < 0.8 * mse(
        lone[..., :20, :], truth[..., :20, :]
    )


def test_planes_of_a_volume_that_could_not_help_are_let_be(texture):
    _, seen, smooth = volumes(texture, 9)
    refined = refine_stack(smooth, seen, 0.08, passes=2)
    assert torch.allclose(refined, by_plane(smooth, seen), atol=1e-6)


def test_each_plane_is_filled_in_from_itself_and_one_without_gaps_is_let_be(texture):
    truth, _, smooth = volumes(texture, 0)
    known = torch.ones_like(truth)
    known[:, :, 1, ::3, ::3] = 0
    known[:, :, 4, 1::3, ::3] = 0
    fill = partial(fill_gaps, sigma=0.0, passes=2)
    filled = map_planes(fill, smooth, truth, known)
    holed = torch.tensor([1, 4])
    whole = [number for number in range(10) if number not in holed]
    assert torch.equal(filled[:, :, whole], smooth[:, :, whole])
    for number in holed:
        plane = (volume[:, :, number] for volume in (smooth, truth, known))
        assert torch.equal(filled[:, :, number], fill(*plane))
    missing = known == 0
    assert mse(filled[missing], truth[missing]) < 0.7 * mse(smooth[missing], truth[missing])


def test_planes_are_refined_whatever_their_number_and_their_neighbours():
    for shape in [(1, 1, 1, 12, 11), (1, 1, 4, 12, 11), (1, 3, 5, 9, 17), (1, 2, 2, 6, 6)]:
        random = torch.Generator().manual_seed(0)
        estimate, seen = (torch.rand(shape, generator=random) for _ in range(2))
        estimate[:, :, 1:3] = estimate[:, :, :1]
        before = estimate.clone()
        refined = refine_stack(estimate, seen, 0.1, passes=1)
        assert refined.shape == shape
        assert refined.isfinite().all()
        assert torch.equal(estimate, before)
        assert torch.equal(refine_stack(estimate, seen, 0.1, passes=0), before)
