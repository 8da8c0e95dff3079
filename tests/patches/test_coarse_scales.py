"""Denoise the coarse scales of an image."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_dip.patches.coarse_scales import estimate_coarse, noise_of_means, with_coarse

SIGMA = 0.2


def noise(*shape, seed=0):
    return SIGMA * torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def smooth():
    """Slow waves, 64 x 63."""
    rows, columns = np.indices((64, 63)) / 64
    waves = 0.5 + 0.3 * np.sin(4 * rows) * np.cos(3 * columns)
    return torch.from_numpy(waves.astype(np.float32))[None, None]


def test_estimate_is_nearer_to_the_means(smooth):
    def means(image):
        return torch.nn.functional.avg_pool2d(image, 2, ceil_mode=True)

    noisy = smooth + noise(64, 63)
    error = (estimate_coarse(noisy, SIGMA) - means(smooth)).square().mean()
    assert error < 0.1 * (means(noisy) - means(smooth)).square().mean()


@pytest.mark.parametrize("shape", [(5, 7), (16, 33), (1, 40)])
def test_small_and_odd_images_keep_their_shape(shape):
    fine = noise(*shape)
    coarse = estimate_coarse(fine, SIGMA)
    assert coarse.shape[2:] == tuple(-(-side // 2) for side in shape)
    assert with_coarse(fine, coarse, fine, SIGMA).shape == fine.shape


def test_fine_structure_keeps_its_own_means():
    stripes = torch.arange(64.0).remainder(2).expand(1, 1, 64, 64)
    coarse = torch.full((1, 1, 32, 32), 0.6)
    kept = with_coarse(stripes, coarse, stripes, SIGMA)
    assert (kept - stripes).abs().max() < 0.01


def test_missed_coarse_texture_is_not_removed(smooth):
    texture = smooth + (0.5 * torch.arange(63.0)).sin()
    noisy = texture + noise(64, 63)
    flat = torch.zeros(1, 1, 32, 32)
    assert torch.allclose(with_coarse(texture, flat, noisy, SIGMA), texture, atol=1e-3)


def test_inputs_are_not_changed(smooth):
    coarse = estimate_coarse(smooth, SIGMA)
    images = smooth, coarse, smooth + noise(64, 63)
    before = [image.clone() for image in images]
    with_coarse(*images, SIGMA)
    assert all(map(torch.equal, images, before))


def test_noise_of_means_agrees_with_drawn_noise():
    drawn = gaussian_filter(np.random.default_rng(0).normal(size=(2000, 2000)), (0, 0.8))
    drawn /= drawn.std()
    along = [(drawn[:, lag:] * drawn[:, :-lag]).mean() for lag in range(1, 5)]
    means = drawn.reshape(1000, 2, 1000, 2).mean(axis=(1, 3))
    sigma, (rows, columns) = noise_of_means(1.0, ((), tuple(along)))
    assert sigma == pytest.approx(means.std(), rel=0.01)
    assert rows == ()
    measured = (means[:, 1:] * means[:, :-1]).mean() / means.var()
    assert columns[0] == pytest.approx(measured, abs=0.01)
