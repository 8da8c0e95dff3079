"""Where the network has missed texture, the noisy image's own estimate takes its place."""

import pytest
import torch

from napari_dip.patches.pilot import pilot

SIGMA = 0.1


@pytest.fixture
def truth():
    """Flat on the left, fine stripes as strong as the noise on the right; 64 x 128."""
    stripes = 0.15 * (2 * torch.arange(128.0)).sin()
    return (stripes * (torch.arange(128) >= 64)).expand(1, 1, 1, 64, 128)


@pytest.fixture
def noisy(truth):
    return truth + SIGMA * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))


def test_each_is_half_where_some_of_the_noise_was_fitted_and_nothing_missed(truth, noisy):
    estimate = truth.lerp(noisy, 0.1)
    mixed = pilot(estimate, estimate + 1, noisy, SIGMA)
    assert torch.allclose((mixed - estimate).mean(), torch.tensor(0.5), atol=0.01)


def test_the_noisy_image_tells_of_texture_that_was_missed(truth, noisy):
    blind = torch.zeros_like(truth)
    mixed = pilot(blind, truth, noisy, SIGMA)
    assert torch.equal(mixed[..., 80:], truth[..., 80:])
    # and elsewhere the estimate still counts
    assert pilot(blind, blind + 1, noisy, SIGMA)[..., :48].mean() < 0.7


def test_a_hot_pixel_is_no_texture(truth, noisy):
    noisy[..., 32, 32] = 1e3
    alone = truth.clone()
    alone[..., 32, 32] = 1e3
    mixed = pilot(truth, alone, noisy, SIGMA)
    assert mixed[..., 32, 32] < 700


def test_planes_and_colours_have_their_own_places_and_one_answer(truth, noisy):
    several, seen = (x.expand(1, 3, 2, 64, 128).clone() for x in (truth, noisy))
    blind = several.clone()
    blind[:, :, 1] = 0
    mixed = pilot(blind, several + 1, seen, SIGMA)
    assert torch.equal(mixed[:, :, 1, :, 80:], (several + 1)[:, :, 1, :, 80:])
    assert torch.equal(mixed[:, 0], mixed[:, 2])
    assert torch.allclose(mixed[:, :1, :1], pilot(truth, truth + 1, noisy, SIGMA))
    assert torch.equal(blind[:, :, 1], torch.zeros_like(blind[:, :, 1]))


def test_noise_that_neighbours_share_is_not_asked_for_texture(truth, noisy):
    mixed = pilot(torch.zeros_like(truth), truth, noisy, SIGMA, ((0.4,), ()))
    assert torch.equal(mixed, truth / 2)
