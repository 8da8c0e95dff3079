"""Refine estimates and noisy images by groups of similar patches."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from tensors import mse, tensor

from napari_dip.patches import search
from napari_dip.patches.nl_bayes import two_passes
from napari_dip.patches.refine import first_estimate, refine


def test_smoothed_texture_comes_back(texture, noisy):
    truth, seen = tensor(texture), tensor(noisy)
    smooth = tensor(gaussian_filter(noisy, 1.2))
    refined = refine(smooth, seen, 0.08, passes=2)
    assert mse(refined, truth) < 0.8 * mse(smooth, truth)
    assert mse(refined, truth) < 0.5 * mse(seen, truth)


def test_batch_size_does_not_change_the_result(noisy, monkeypatch):
    smooth, seen = tensor(gaussian_filter(noisy, 1.2)), tensor(noisy)
    many = refine(smooth, seen, 0.08, passes=2)
    monkeypatch.setattr(search, "MAX_VALUES", 20_000)
    few = refine(smooth, seen, 0.08, passes=2)
    assert torch.allclose(many, few, atol=1e-4)


def test_correlated_noise_is_not_taken_for_texture(texture):
    noise = gaussian_filter(np.random.default_rng(0).normal(size=texture.shape), 0.6)
    seen, truth = tensor(texture + 0.08 * noise / noise.std()), tensor(texture)
    smooth = tensor(gaussian_filter(seen[0, 0].numpy(), 1.2))
    along = (0.46, 0.07)
    correlated, white = (
        refine(smooth, seen, 0.08, correlation, passes=2)
        for correlation in ((along, along), ((), ()))
    )
    assert mse(correlated, truth) < 0.9 * mse(white, truth)
    assert mse(correlated, truth) < 0.5 * mse(seen, truth)


def test_without_noise_the_observation_is_returned(texture):
    seen = tensor(texture)
    blurred = tensor(gaussian_filter(texture, 1))
    refined = refine(blurred, seen, 1e-5, passes=2)
    assert mse(refined, seen) < 1e-2 * mse(blurred, seen)


def test_no_pass_returns_the_estimate(noisy):
    seen, estimate = tensor(noisy), tensor(gaussian_filter(noisy, 1))
    assert torch.allclose(refine(estimate, seen, 0.08, passes=0), estimate)


def test_inputs_are_not_changed(noisy):
    seen, estimate = tensor(noisy), tensor(gaussian_filter(noisy, 1))
    before = estimate.clone(), seen.clone()
    refine(estimate, seen, 0.08, passes=1)
    assert torch.equal(estimate, before[0])
    assert torch.equal(seen, before[1])


def test_grey_colour_image_is_refined_as_grey(noisy):
    seen = tensor(noisy)
    estimate = tensor(gaussian_filter(noisy, 0.6))  # less than the noise is left of it
    grey = refine(estimate, seen, 0.08, passes=1)
    three = [x.expand(1, 3, -1, -1) for x in (estimate, seen)]
    # The noise of three equal channels is sqrt(3) times as strong in their brightness.
    colour = refine(*three, 0.08 * 3**0.5, passes=1)
    assert torch.allclose(colour, grey.expand_as(colour), atol=1e-4)


def test_given_first_estimate_gives_the_same_bytes(noisy):
    seen, estimate = tensor(noisy), tensor(gaussian_filter(noisy, 1))
    first = first_estimate(seen, 0.08)
    given_first = refine(estimate, seen, 0.08, passes=2, first=first)
    assert torch.equal(given_first, refine(estimate, seen, 0.08, passes=2))


def test_smooth_image_keeps_little_slow_noise():
    rows, columns = np.indices((96, 96)) / 96
    truth = tensor(0.5 + 0.3 * np.sin(4 * rows) * np.cos(3 * columns))
    seen = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    fine = two_passes(seen, 0.2)
    assert mse(first_estimate(seen, 0.2).fine, truth) < 0.9 * mse(fine, truth)


@given(
    rate=st.floats(0.001, 5),
    brightest=st.sampled_from([1, 30]),
    sigma=st.floats(0.01, 2),
    seed=st.integers(0, 2**31),
)
def test_photon_counts_give_finite_values(rate, brightest, sigma, seed):
    random = torch.Generator().manual_seed(seed)
    light = rate * brightest ** torch.rand(1, 1, 24, 28, generator=random)
    photons = torch.poisson(light, generator=random)
    refined = refine(0.9 * photons, photons, sigma, passes=1)
    assert refined.isfinite().all()
