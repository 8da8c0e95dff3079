"""Build the network f_theta for a code of any spatial shape.

The image has the shape of the code. Where a level halves an odd size, the way up is cropped, so no
image needs padding to a power of two.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

import torch
from torch import Tensor, nn

from napari_dip.network.architectures import Network, Pixels, ResNet, SkipNet, UNet
from napari_dip.network.comparisons import FreePixels, UNetwork, residual_network
from napari_dip.network.skip import skip_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.network.layers import Strides

__all__ = ["build_network"]

MAX_SPACING_RATIO = 2**0.5
"""Ratio of pixel sizes: an axis with wider pixels is not halved yet, because halving changes the
ratio by 2. Not measured."""


def build_network(
    network: Network,
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
    if isinstance(network, Pixels):
        start = torch.rand(1, channels, *shape, generator=generator, dtype=torch.float32)
        return FreePixels(0.1 * start)
    with torch.device("meta"):  # elsewhere, layers draw weights from the global generator
        layers = _layers(network, code.shape[1], channels, shape, spacing)
    network_on_cpu = layers.float().to_empty(device="cpu")
    _initialise(network_on_cpu, generator)
    return network_on_cpu


def _layers(
    network: SkipNet | UNet | ResNet,
    inputs: int,
    channels: int,
    shape: Sequence[int],
    spacing: Sequence[float],
) -> nn.Module:
    match network:
        case SkipNet():
            strides = _strides(shape, len(network.down), network.kernel_down, spacing)
            return skip_network(network, inputs, channels, strides)
        case UNet():
            strides = _strides(shape, len(network.widths) - 1, 3, spacing)
            return UNetwork(network.widths, inputs, channels, strides)
        case ResNet():
            return residual_network(network, inputs, channels, len(shape))
    assert_never(network)


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights as torch's layers do, but from the given generator."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel())
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            layer.reset_parameters()


def _strides(shape: Sequence[int], levels: int, kernel: int, spacing: Sequence[float]) -> Strides:
    """Halve each axis once a level, while the padding of the next level fits.

    An axis with wider pixels is halved only when the others are as coarse. Otherwise the network
    would see much farther along Z than along Y and X.
    """
    strides = []
    for _ in range(levels):
        halves = [-(-size // 2) for size in shape]
        fits = [half > kernel // 2 for half in halves]
        finest = min((s for s, fit in zip(spacing, fits, strict=True) if fit), default=0)
        stride = tuple(
            2 if fit and step <= MAX_SPACING_RATIO * finest else 1
            for fit, step in zip(fits, spacing, strict=True)
        )
        shape = [
            half if s == 2 else size for half, size, s in zip(halves, shape, stride, strict=True)
        ]
        spacing = [step * s for step, s in zip(spacing, stride, strict=True)]
        strides.append(stride)
    return tuple(strides)


class _AxisLast(nn.Module):
    """A network that computes with one of the axes last."""

    def __init__(self, network: nn.Module, axis: int) -> None:
        super().__init__()
        self.network, self.axis = network, axis

    def forward(self, code: Tensor) -> Tensor:
        image: Tensor = self.network(code.movedim(self.axis, -1).contiguous())
        return image.movedim(-1, self.axis)
