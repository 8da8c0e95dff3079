"""Test that the weights of each layer come from the given generator."""

import pytest
import torch
from torch import nn

from napari_dip.errors import BadSettings
from napari_dip.network.weights import draw_weights


def drawn(layer, seed):
    """Return the parameters after drawing them; they were NaN before."""
    for parameter in layer.parameters():
        parameter.data.fill_(torch.nan)
    draw_weights(layer, torch.Generator().manual_seed(seed))
    return nn.utils.parameters_to_vector(layer.parameters()).detach()


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(3, 4, 3), nn.Conv3d(2, 4, 3, bias=False), nn.ConvTranspose2d(3, 4, 4)],
    ids=lambda layer: type(layer).__name__,
)
def test_weights_follow_the_seed_as_in_torch(layer):
    torch.manual_seed(5)
    layer.reset_parameters()
    expected = nn.utils.parameters_to_vector(layer.parameters()).detach()
    assert torch.equal(drawn(layer, 5), expected)
    assert not torch.equal(drawn(layer, 6), expected)


def test_linear_layers_follow_the_seed():
    layer = nn.Linear(3, 4)
    one, same, other = (drawn(layer, seed).clone() for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.abs().max() <= 1 / 3**0.5


@pytest.mark.parametrize(
    "layer",
    [nn.BatchNorm2d(3), nn.InstanceNorm3d(3, affine=True), nn.GroupNorm(1, 3), nn.LayerNorm(3)],
    ids=lambda layer: type(layer).__name__,
)
def test_normalisation_starts_with_one_and_zero(layer):
    assert drawn(layer, 0).tolist() == [1, 1, 1, 0, 0, 0]


def test_a_layer_that_nothing_draws_is_named():
    with pytest.raises(BadSettings, match="nothing draws the weights of PReLU; register it"):
        draw_weights(nn.PReLU(), torch.Generator())


def test_layers_without_weights_draw_nothing():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    draw_weights(nn.Sequential(nn.PReLU()), generator)
    assert torch.equal(generator.get_state(), before)
