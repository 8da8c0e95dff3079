"""Patches that are alike tell texture from noise, and what is missing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip.patches import search as patches
from napari_dip.patches.nl_bayes import fill_gaps, nl_bayes, refine


def tensor(array):
    planes = np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))[None]


def mse(one, other):
    return (one - other).square().mean().item()


@pytest.fixture(scope="module")
def texture():
    """Woven cloth, 64 x 64, in 0..1."""
    return data.brick()[100:164, 100:164] / 255


@pytest.fixture
def noisy(texture):
    return texture + np.random.default_rng(0).normal(0, 0.08, texture.shape)


def test_texture_that_was_smoothed_away_comes_back(texture, noisy):
    truth, seen = tensor(texture), tensor(noisy)
    smooth = tensor(gaussian_filter(noisy, 1.2))
    refined = refine(smooth, seen, 0.08, passes=2)
    assert mse(refined, truth) < 0.8 * mse(smooth, truth)
    assert mse(refined, truth) < 0.5 * mse(seen, truth)


def test_it_is_the_same_however_many_patches_are_worked_on_at_a_time(noisy, monkeypatch):
    smooth, seen = tensor(gaussian_filter(noisy, 1.2)), tensor(noisy)
    many = refine(smooth, seen, 0.08, passes=2)
    monkeypatch.setattr(patches, "_AT_ONCE", 20_000)
    few = refine(smooth, seen, 0.08, passes=2)
    assert torch.allclose(many, few, atol=1e-4)


def with_gaps(estimate, seen, *told, passes):
    known = torch.ones_like(seen)
    known[..., ::5, ::5] = 0
    return fill_gaps(estimate, seen, known, *told, passes=passes)


@pytest.mark.parametrize("better", [refine, with_gaps], ids=["whole", "with gaps"])
def test_noise_that_neighbours_share_is_not_taken_for_texture(texture, better):
    shared = gaussian_filter(np.random.default_rng(0).normal(size=texture.shape), 0.6)
    seen, truth = tensor(texture + 0.08 * shared / shared.std()), tensor(texture)
    smooth = tensor(gaussian_filter(seen[0, 0].numpy(), 1.2))
    correlation = (0.46, 0.07)
    told, untold = (
        better(smooth, seen, 0.08, what, passes=2)
        for what in ((correlation, correlation), ((), ()))
    )
    assert mse(told, truth) < 0.9 * mse(untold, truth)
    assert mse(told, truth) < 0.5 * mse(seen, truth)


def test_missing_pixels_are_found_from_patches_that_have_them(texture):
    truth = tensor(texture)
    known = (torch.rand(truth.shape, generator=torch.Generator().manual_seed(0)) > 0.4).float()
    weight = gaussian_filter(known[0, 0].numpy(), 1.5)
    guess = tensor(gaussian_filter((truth * known)[0, 0].numpy(), 1.5) / weight)
    refined = fill_gaps(guess, truth * known, known, 0.0, passes=3)
    hidden = known == 0
    assert mse(refined[hidden], truth[hidden]) < 0.7 * mse(guess[hidden], truth[hidden])


def test_what_is_smooth_is_not_made_worse_by_passes():
    random = np.random.default_rng(0)
    smooth = gaussian_filter(random.normal(size=(64, 64)), 6)
    smooth = 0.3 + 0.4 * (smooth - smooth.min()) / np.ptp(smooth)
    error = gaussian_filter(random.normal(size=(64, 64)), 2)
    error *= 0.003 / error.std()
    known = np.ones((64, 64))
    known[::8] = known[1::8] = known[:, 5::20] = 0
    image, wrong, there = (
        torch.tensor(each, dtype=torch.float32)[None, None] for each in (smooth, error, known)
    )
    estimate = image + wrong * (1 - there)
    filled = fill_gaps(estimate, image * there, there, 0.0, passes=6)
    before, after = ((each - image)[there == 0].square().mean() for each in (estimate, filled))
    assert after < 0.5 * before


def test_the_middle_of_a_gap_wider_than_a_patch_stays_as_the_estimate_has_it(texture):
    truth = tensor(texture)
    known = torch.ones_like(truth)
    known[..., 20:44, 20:44] = 0
    filled = fill_gaps(truth, truth * known, known, 0.0, passes=6)
    middle = np.s_[..., 26:38, 26:38]
    assert torch.allclose(filled[middle], truth[middle], atol=1e-5)


def test_what_is_said_to_be_unknown_has_no_influence(texture, noisy):
    seen = tensor(noisy)
    known = (torch.rand(seen.shape, generator=torch.Generator().manual_seed(0)) > 0.3).float()
    estimate = tensor(gaussian_filter(noisy, 1))
    results = [
        fill_gaps(estimate, seen.where(known == 1, torch.tensor(lie)), known, 0.08, passes=1)
        for lie in (0.0, 9.0)
    ]
    assert torch.equal(*results)


def test_without_noise_to_remove_the_observation_is_returned(texture):
    seen = tensor(texture)
    blurred = tensor(gaussian_filter(texture, 1))
    refined = refine(blurred, seen, 1e-5, passes=2)
    assert mse(refined, seen) < 1e-2 * mse(blurred, seen)


def test_no_pass_changes_nothing_and_the_input_is_never_changed(noisy):
    seen = tensor(noisy)
    estimate = tensor(gaussian_filter(noisy, 1))
    before = estimate.clone(), seen.clone()
    assert torch.allclose(refine(estimate, seen, 0.08, passes=0), estimate)
    refine(estimate, seen, 0.08, passes=1)
    assert torch.equal(estimate, before[0])
    assert torch.equal(seen, before[1])


@pytest.mark.parametrize("shape", [(1, 1, 3, 40), (1, 3, 17, 9), (1, 2, 6, 6)], ids=str)
@pytest.mark.parametrize("part_missing", [0, 0.3])
def test_any_shape_comes_back_finite(shape, part_missing):
    random = torch.Generator().manual_seed(0)
    estimate, seen = (torch.rand(shape, generator=random) for _ in range(2))
    known = (torch.rand(shape, generator=random) >= part_missing).float()
    refined = refine(fill_gaps(estimate, seen, known, 0.1, passes=1), seen, 0.1, passes=1)
    assert refined.shape == shape
    assert refined.isfinite().all()


def test_grey_as_a_colour_image_is_refined_as_grey(noisy):
    seen = tensor(noisy)
    estimate = tensor(gaussian_filter(noisy, 0.6))  # less than the noise is left of it
    grey = refine(estimate, seen, 0.08, passes=1)
    three = [x.expand(1, 3, -1, -1) for x in (estimate, seen)]
    # Three equal channels carry the same noise, which is that much stronger in their brightness.
    colour = refine(*three, 0.08 * 3**0.5, passes=1)
    assert torch.allclose(colour, grey.expand_as(colour), atol=1e-4)


def test_an_image_of_few_photons_that_is_nearly_all_black_stays_finite_and_gets_smoother():
    random = torch.Generator().manual_seed(4)
    photons = torch.poisson(torch.full((1, 1, 48, 48), 0.05), generator=random)
    refined = nl_bayes(photons, 0.3)
    assert torch.isfinite(refined).all()
    assert refined.std() < photons.std()


@given(
    rate=st.floats(0.001, 5),
    brightest=st.sampled_from([1, 30]),
    sigma=st.floats(0.01, 2),
    seed=st.integers(0, 2**31),
)
def test_photons_come_back_finite_however_few_they_are(rate, brightest, sigma, seed):
    random = torch.Generator().manual_seed(seed)
    light = rate * brightest ** torch.rand(1, 1, 24, 28, generator=random)
    photons = torch.poisson(light, generator=random)
    refined = refine(0.9 * photons, photons, sigma, passes=1)
    assert refined.isfinite().all()
