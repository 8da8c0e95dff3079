"""Fill missing pixels of images, gaps and shapes of many kinds."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from tensors import mse, tensor

from napari_dip.patches.fill_gaps import fill_gaps
from napari_dip.patches.refine import refine


def random_mask(like, missing):
    random = torch.Generator().manual_seed(0)
    return (torch.rand(like.shape, generator=random) >= missing).float()


def test_pixels_are_filled_from_patches_that_have_them(texture):
    truth = tensor(texture)
    known = random_mask(truth, 0.4)
    weight = gaussian_filter(known[0, 0].numpy(), 1.5)
    guess = tensor(gaussian_filter((truth * known)[0, 0].numpy(), 1.5) / weight)
    filled = fill_gaps(guess, truth * known, known, 0.0, passes=3)
    hidden = known == 0
    assert mse(filled[hidden], truth[hidden]) < 0.7 * mse(guess[hidden], truth[hidden])


def test_passes_improve_a_smooth_image():
    random = np.random.default_rng(0)
    smooth = gaussian_filter(random.normal(size=(64, 64)), 6)
    smooth = 0.3 + 0.4 * (smooth - smooth.min()) / np.ptp(smooth)
    error = gaussian_filter(random.normal(size=(64, 64)), 2)
    error *= 0.003 / error.std()
    mask = np.ones((64, 64))
    mask[::8] = mask[1::8] = mask[:, 5::20] = 0
    image, wrong, known = (tensor(each) for each in (smooth, error, mask))
    estimate = image + wrong * (1 - known)
    filled = fill_gaps(estimate, image * known, known, 0.0, passes=6)
    hidden = known == 0
    assert mse(filled[hidden], image[hidden]) < 0.5 * mse(estimate[hidden], image[hidden])


def test_middle_of_a_wide_gap_is_left_unchanged(texture):
    truth = tensor(texture)
    known = torch.ones_like(truth)
    known[..., 20:44, 20:44] = 0
    filled = fill_gaps(truth, truth * known, known, 0.0, passes=6)
    middle = np.s_[..., 26:38, 26:38]
    assert torch.allclose(filled[middle], truth[middle], atol=1e-5)


def test_values_of_missing_pixels_have_no_influence(texture):
    seen = tensor(texture + np.random.default_rng(0).normal(0, 0.08, texture.shape))
    known = random_mask(seen, 0.3)
    estimate = tensor(gaussian_filter(texture, 1))
    results = [
        fill_gaps(estimate, seen.where(known == 1, torch.tensor(value)), known, 0.08, passes=1)
        for value in (0.0, 9.0)
    ]
    assert torch.equal(*results)


def test_correlated_noise_is_not_taken_for_texture(texture):
    noise = gaussian_filter(np.random.default_rng(0).normal(size=texture.shape), 0.6)
    seen, truth = tensor(texture + 0.08 * noise / noise.std()), tensor(texture)
    smooth = tensor(gaussian_filter(seen[0, 0].numpy(), 1.2))
    known = torch.ones_like(seen)
    known[..., ::5, ::5] = 0
    along = (0.46, 0.07)
    correlated, white = (
        fill_gaps(smooth, seen, known, 0.08, correlation, passes=2)
        for correlation in ((along, along), ((), ()))
    )
    assert mse(correlated, truth) < 0.9 * mse(white, truth)
    assert mse(correlated, truth) < 0.5 * mse(seen, truth)


def test_estimate_without_gaps_is_returned(texture):
    estimate, seen = tensor(texture), tensor(texture + 1)
    assert fill_gaps(estimate, seen, torch.ones_like(seen), 0.1, passes=2) is estimate


@pytest.mark.parametrize("shape", [(1, 1, 3, 40), (1, 3, 17, 9), (1, 2, 6, 6)], ids=str)
@pytest.mark.parametrize("missing", [0, 0.3])
def test_any_shape_gives_finite_values(shape, missing):
    random = torch.Generator().manual_seed(0)
    estimate, seen = (torch.rand(shape, generator=random) for _ in range(2))
    before = estimate.clone()
    known = random_mask(seen, missing)
    refined = refine(fill_gaps(estimate, seen, known, 0.1, passes=1), seen, 0.1, passes=1)
    assert refined.shape == shape
    assert refined.isfinite().all()
    assert torch.equal(estimate, before)
