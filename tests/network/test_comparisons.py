"""Priors for comparison: U-Net, ResNet and free pixels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.network.comparisons import FreePixels, UNetwork, residual_network
from napari_dip.settings.architectures import ResNet


@given(st.tuples(st.integers(5, 20), st.integers(5, 20)))
def test_u_net_keeps_any_shape(shape):
    network = UNetwork((2, 4, 4), 3, 2, ((2, 2), (2, 2)))
    image = network(torch.rand(1, 3, *shape))
    assert image.shape == (1, 2, *shape)
    assert 0 <= image.min() <= image.max() <= 1


def test_u_net_of_a_volume_keeps_its_shape():
    network = UNetwork((2, 4, 4), 3, 1, ((1, 2, 2), (2, 2, 2)))
    assert network(torch.rand(1, 3, 4, 9, 8)).shape == (1, 1, 4, 9, 8)


def test_u_net_uses_all_of_its_levels():
    network = UNetwork((2, 4, 4), 3, 1, ((2, 2), (2, 2)))
    network(torch.rand(1, 3, 16, 16)).square().sum().backward()
    gradients = [each.grad for each in network.parameters()]
    assert all(each is not None and each.isfinite().all() for each in gradients)
    deepest = network.downs[-1]
    assert max(each.grad.abs().max() for each in deepest.parameters()) > 0


@pytest.mark.parametrize("shape", [(7, 9), (3, 7, 9)], ids=str)
def test_resnet_sees_a_few_pixels_around(shape):
    network = residual_network(ResNet(blocks=1, width=4), 3, 1, len(shape)).eval()
    code = torch.rand(1, 3, *shape)
    image = network(code)
    assert image.shape == (1, 1, *shape)
    code = torch.rand(1, 3, *(31,) * len(shape))
    changed = code.clone()
    changed[(..., *(15,) * len(shape))] += 1
    difference = (network(code) - network(changed)).abs()
    assert difference[..., 0, :].max() == 0 < difference.max()


def test_free_pixels_are_the_parameter():
    start = torch.rand(1, 1, 4, 5)
    network = FreePixels(start.clone())
    image = network(torch.rand(1, 8, 4, 5))
    assert torch.equal(image, start)
    image.sum().backward()
    assert torch.equal(network.image.grad, torch.ones_like(start))
    with torch.no_grad():
        network(torch.zeros(1)).add_(1)  # a change of the output is none of the parameter
    assert torch.equal(network.image, start)
