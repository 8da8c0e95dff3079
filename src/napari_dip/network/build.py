"""Build the network f_theta for a code of any spatial shape.

The image has the shape of the code. Where a level halves an odd size, the way up is cropped, so no
image needs padding to a power of two.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_dip.errors import BadSettings
from napari_dip.network.comparisons import FreePixels, UNetwork, residual_network
from napari_dip.network.size import NetworkSize
from napari_dip.network.skip import skip_network
from napari_dip.network.weights import draw_weights
from napari_dip.settings.architectures import Architecture, Pixels, ResNet, SkipNet, UNet

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_layers", "build_network"]


def build_network(
    network: Architecture,
    code: Tensor,
    channels: int,
    seed: int,
    spacing: Sequence[float] | None = None,
    *,
    shortest_last: bool = False,
) -> nn.Module:
    """Build a network with random weights, in training mode, on the CPU.

    Parameters
    ----------
    network
        The architecture.
    code
        ``(1, code channels, *spatial)``: its shape determines the first layer and the strides.
    channels
        Channels of the image.
    seed
        Seed of the weights. They are drawn from a generator of their own, because other threads
        may use torch's global one at the same time.
    spacing
        Distance of two pixels along each spatial axis, in any unit; ``None`` for equal distances.
        An axis is not halved while its pixels are wider than those of the others.
    shortest_last
        Whether the shortest axis of a volume is moved behind the others inside the network. On the
        CPU, torch convolves flat volumes up to three times as fast that way.

    Returns
    -------
    Module
        It takes a code and returns an image, ``(1, channels, *spatial)``.

    Examples
    --------
    >>> spec = SkipNet(down=(4, 8), up=(4, 8), skip=(2, 2))
    >>> code = torch.zeros(1, 3, 21, 16)
    >>> build_network(spec, code, channels=2, seed=0)(code).shape
    torch.Size([1, 2, 21, 16])
    """
    shape = tuple(code.shape[2:])
    spacing = tuple(spacing or [1.0] * len(shape))
    shortest = shape.index(min(shape))
    if shortest_last and len(shape) == 3 and shortest < 2:
        axes = [axis for axis in range(3) if axis != shortest] + [shortest]
        moved = code.movedim(2 + shortest, -1)
        inner = build_network(network, moved, channels, seed, [spacing[axis] for axis in axes])
        return _AxisLast(inner, 2 + shortest)
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):  # elsewhere, layers draw weights from the global generator
        layers = build_layers(network, NetworkSize(code.shape[1], channels, shape, spacing))
    network_on_cpu = layers.float().to_empty(device="cpu")
    for layer in network_on_cpu.modules():
        draw_weights(layer, generator)
    return network_on_cpu


class _AxisLast(nn.Module):
    """A network that computes with one of the axes last."""

    def __init__(self, network: nn.Module, axis: int) -> None:
        super().__init__()
        self.network, self.axis = network, axis

    def forward(self, code: Tensor) -> Tensor:
        image: Tensor = self.network(code.movedim(self.axis, -1).contiguous())
        return image.movedim(-1, self.axis)


@singledispatch
def build_layers(network: Architecture, size: NetworkSize) -> nn.Module:
    """Build the layers of an architecture; their weights are drawn later.

    ``build_layers.register`` adds a builder for another architecture. Layers other than
    convolutions, linear layers and normalisations need a function in
    :func:`~napari_dip.network.weights.draw_weights`.

    Parameters
    ----------
    network
        The architecture.
    size
        Sizes of the code and the image.

    Returns
    -------
    Module
        It takes a code, ``(1, inputs, *shape)``, and returns an image, ``(1, outputs, *shape)``.

    Raises
    ------
    BadSettings
        If no builder is registered for the architecture.
    """
    kind = type(network).__name__
    raise BadSettings(f"nothing builds the network {kind}; register a builder with build_layers")


@build_layers.register(SkipNet)
def _skip(network: SkipNet, size: NetworkSize) -> nn.Module:
    strides = size.strides(len(network.down), network.kernel_down)
    return skip_network(network, size.inputs, size.outputs, strides)


@build_layers.register(UNet)
def _unet(network: UNet, size: NetworkSize) -> nn.Module:
    strides = size.strides(len(network.widths) - 1)
    return UNetwork(network.widths, size.inputs, size.outputs, strides)


@build_layers.register(ResNet)
def _resnet(network: ResNet, size: NetworkSize) -> nn.Module:
    return residual_network(network, size.inputs, size.outputs, len(size.shape))


@build_layers.register(Pixels)
def _pixels(_: Pixels, size: NetworkSize) -> nn.Module:
    return FreePixels(torch.empty(1, size.outputs, *size.shape))
