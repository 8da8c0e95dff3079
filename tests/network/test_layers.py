"""Layers in two and three dimensions."""

import pytest
import torch
from torch import nn

from napari_dip.network.layers import LAYERS, crop

IMAGES = {2: torch.rand(1, 3, 9, 12), 3: torch.rand(1, 3, 5, 9, 12)}


@pytest.mark.parametrize("ndim", LAYERS)
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_convolution_keeps_the_size(ndim, padding, kernel):
    image = IMAGES[ndim]
    convolved = LAYERS[ndim].convolve(3, 4, kernel, padding=padding)(image)
    assert convolved.shape == (1, 4, *image.shape[2:])


@pytest.mark.parametrize("ndim", LAYERS)
def test_stride_halves_and_rounds_up(ndim):
    image = IMAGES[ndim]
    strides = (1, 2, 2)[-ndim:]
    convolved = LAYERS[ndim].convolve(3, 4, 3, strides)(image)
    sizes = zip(image.shape[2:], strides, strict=True)
    assert convolved.shape[2:] == tuple(-(-size // stride) for size, stride in sizes)


@pytest.mark.parametrize("ndim", LAYERS)
def test_padding_decides_what_the_rim_sees(ndim):
    constant = torch.ones_like(IMAGES[ndim])
    reflected, padded = (
        LAYERS[ndim].convolve(3, 1, 3, padding=mode) for mode in ("reflect", "zeros")
    )
    for layer in (reflected, padded):
        nn.init.ones_(layer.weight)
    assert reflected(constant).std() < 1e-3
    assert padded(constant).std() > 1


@pytest.mark.parametrize("ndim", LAYERS)
def test_normalisation_gives_zero_mean_before_the_activation(ndim):
    norm, activation = LAYERS[ndim].normalise(3)
    normal = norm(7 + 3 * IMAGES[ndim]).detach()
    assert normal.mean().abs() < 1e-5
    assert normal.std() == pytest.approx(1, abs=0.01)
    assert activation(torch.tensor(-1.0)).item() == pytest.approx(-0.2)


@pytest.mark.parametrize("shape", [(9, 12), (8, 12), (1, 1), (20, 5)])
def test_crop_cuts_the_ends_alone(shape):
    image = IMAGES[2]
    cropped = crop(image, shape)
    height, width = min(shape[0], 9), min(shape[1], 12)
    assert torch.equal(cropped, image[:, :, :height, :width])


def test_gradient_of_a_crop_has_the_memory_format():
    image = torch.rand(1, 8, 9, 12).contiguous(memory_format=torch.channels_last).requires_grad_()
    crop(image, (9, 12)).square().sum().backward()
    assert image.grad.is_contiguous(memory_format=torch.channels_last)
