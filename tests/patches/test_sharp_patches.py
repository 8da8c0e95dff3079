"""Groups of patches of a blurred image remove the noise of a sharpened one."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_dip.patches.constants import SHARP_SEARCH, PatchSearch
from napari_dip.patches.sharp_patches import filter_sharp

SIGMA = 0.05


def tensor(image):
    return torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None]


def images(shape):
    """Return a sharp image, its blur, a noisy blur, and a sharp guide with noise."""
    random = np.random.default_rng(0)
    y, x = np.indices(shape[-2:])
    sharp = np.broadcast_to(((x // 6 + y // 6) % 2).astype(float), shape)
    blurred = gaussian_filter(sharp, (0, 1.2, 1.2))
    guide = gaussian_filter(sharp, (0, 0.4, 0.4)) + gaussian_filter(
        random.normal(0, 0.5, shape), (0, 1, 1)
    )
    noisy = blurred + random.normal(0, SIGMA, shape)
    return [tensor(image) for image in (sharp, blurred, noisy, guide)]


@pytest.mark.parametrize(
    ("shape", "search"),
    [
        pytest.param((1, 48, 50), SHARP_SEARCH, id="plane"),
        pytest.param((5, 32, 32), PatchSearch(7, 6, 8, 30, planes=2, plane_radius=2), id="stack"),
    ],
)
def test_noise_of_the_guide_is_removed(shape, search):
    sharp, _, noisy, guide = images(shape)
    blurred = tensor(gaussian_filter(guide[0, 0].numpy(), (0, 1.2, 1.2)))
    found = filter_sharp(guide, blurred, noisy, SIGMA, search=search)
    before, after = (float((image - sharp).square().mean()) for image in (guide, found))
    assert found.shape == sharp.shape
    assert after < 0.5 * before


def test_intensities_of_sharp_and_blurred_may_differ():
    _, blurred, noisy, guide = images((1, 40, 40))
    found = filter_sharp(guide, blurred, noisy, SIGMA)
    scaled = filter_sharp(100 * guide + 7, blurred, noisy, SIGMA)
    torch.testing.assert_close(scaled, 100 * found + 7, rtol=1e-4, atol=1e-2)


def test_without_noise_a_consistent_guide_is_kept():
    sharp, blurred, _, _ = images((1, 40, 40))
    found = filter_sharp(sharp, blurred, blurred, 1e-3)
    assert float((found - sharp).abs().mean()) < 0.02


def test_the_guide_is_not_modified():
    _, blurred, noisy, guide = images((1, 32, 32))
    before = guide.clone()
    filter_sharp(guide, blurred, noisy, SIGMA)
    assert torch.equal(guide, before)
