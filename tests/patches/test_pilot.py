"""Weights of the network's estimate and of the filtered image in the pilot estimate."""

import pytest
import torch

from napari_dip.patches.pilot import pilot

SIGMA = 0.1


@pytest.fixture
def truth():
    """Flat on the left, fine stripes as strong as the noise on the right; 64 x 128."""
    stripes = 0.15 * (2 * torch.arange(128.0)).sin()
    return (stripes * (torch.arange(128) >= 64)).expand(1, 1, 64, 128)


@pytest.fixture
def noisy(truth):
    return truth + SIGMA * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))


def test_weights_are_equal_where_no_texture_was_missed(truth, noisy):
    estimate = truth.lerp(noisy, 0.1)
    mixed = pilot(estimate, estimate + 1, noisy, SIGMA)
    assert torch.allclose((mixed - estimate).mean(), torch.tensor(0.5), atol=0.01)


def test_filtered_image_replaces_missed_texture(truth, noisy):
    flat = torch.zeros_like(truth)
    mixed = pilot(flat, truth, noisy, SIGMA)
    assert torch.equal(mixed[..., 80:], truth[..., 80:])
    # Elsewhere the estimate keeps a weight.
    assert pilot(flat, flat + 1, noisy, SIGMA)[..., :48].mean() < 0.7


def test_hot_pixel_is_not_texture(truth, noisy):
    noisy[..., 32, 32] = 1e3
    filtered = truth.clone()
    filtered[..., 32, 32] = 1e3
    mixed = pilot(truth, filtered, noisy, SIGMA)
    assert mixed[..., 32, 32] < 700


def test_channels_have_the_same_weights(truth, noisy):
    several, seen = (x.expand(1, 3, 64, 128).clone() for x in (truth, noisy))
    several[:, 1] = 0
    mixed = pilot(several, several + 1, seen, SIGMA)
    assert torch.allclose(mixed[:, 0] - several[:, 0], mixed[:, 1] - several[:, 1], atol=1e-6)
    assert torch.allclose(mixed[:, 0], mixed[:, 2])


def test_correlated_noise_gives_equal_weights(truth, noisy):
    mixed = pilot(torch.zeros_like(truth), truth, noisy, SIGMA, ((0.4,), ()))
    assert torch.equal(mixed, truth / 2)
