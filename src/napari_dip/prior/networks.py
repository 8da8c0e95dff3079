"""The priors f_theta, in two and three dimensions from one table of layers.

A network takes a code of any spatial shape and returns an image of the same shape: where a level
halves an odd size, the way back is cropped, so that no image needs padding to a power of two.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, assert_never

import torch
from torch import Tensor, nn

from napari_dip.prior.comparisons import FreePixels, UNetwork, residual_network
from napari_dip.prior.recipes import Network, Pixels, ResNet, SkipNet, UNet
from napari_dip.prior.skip import skip_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.prior.layers import Strides

__all__ = ["build_network"]

_one_at_a_time = threading.Lock()
"""Layers draw their weights from torch's global generator, which all threads share."""

_NEARLY = 2**0.5
"""Pixels that are wider by less than this count as equally wide: halving goes by 2."""


def build_network(
    network: Network,
    code: Tensor,
    channels: int,
    seed: int,
    spacing: Sequence[float] | None = None,
    *,
    shortest_last: bool = False,
) -> nn.Module:
    """Build f_theta with random weights, in training mode, on the CPU.

    Parameters
    ----------
    network
        What to build.
    code
        ``(1, code channels, *spatial)``: its shape settles the first layer and the strides.
    channels
        Of the image.
    seed
        Of the weights. torch's global generator is left as it was.
    spacing
        Distance of two pixels along each spatial axis, in any unit; ``None`` where it is the same.
        An axis is not halved while its pixels are wider than those of the others.
    shortest_last
        Compute with the shortest axis of a volume behind the others, and turn the result back: on
        the CPU torch convolves flat volumes up to three times as fast that way.
    """
    shape = tuple(code.shape[2:])
    spacing = tuple(spacing or [1.0] * len(shape))
    shortest = shape.index(min(shape))
    if shortest_last and len(shape) == 3 and shortest < 2:
        axes = [axis for axis in range(3) if axis != shortest] + [shortest]
        turned = code.movedim(2 + shortest, -1)
        inner = build_network(network, turned, channels, seed, [spacing[axis] for axis in axes])
        return _Turned(inner, 2 + shortest)
    with _one_at_a_time, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed seeds every GPU as well
        match network:
            case SkipNet():
                kernel, levels = network.kernel_down, len(network.down)
                strides = _strides(shape, levels, kernel, spacing)
                return skip_network(network, code.shape[1], channels, strides)
            case UNet():
                strides = _strides(shape, len(network.widths) - 1, 3, spacing)
                return UNetwork(network.widths, code.shape[1], channels, strides)
            case ResNet():
                return residual_network(network, code.shape[1], channels, len(shape))
            case Pixels():
                return FreePixels(0.1 * torch.rand(1, channels, *shape))
    assert_never(network)


def _strides(shape: Sequence[int], levels: int, kernel: int, spacing: Sequence[float]) -> Strides:
    """Halve each axis once a level, as long as the padding of the next level still fits in.

    Axes whose pixels are wider than those of the others wait until these have caught up with them:
    a network that coarsens in pixels would otherwise see much farther along Z than along Y and X.
    """
    strides = []
    for _ in range(levels):
        halves = [-(-size // 2) for size in shape]
        fits = [half > kernel // 2 for half in halves]
        finest = min((s for s, fit in zip(spacing, fits, strict=True) if fit), default=0)
        stride = tuple(
            2 if fit and step <= _NEARLY * finest else 1
            for fit, step in zip(fits, spacing, strict=True)
        )
        shape = [
            half if s == 2 else size for half, size, s in zip(halves, shape, stride, strict=True)
        ]
        spacing = [step * s for step, s in zip(spacing, stride, strict=True)]
        strides.append(stride)
    return tuple(strides)


class _Turned(nn.Module):
    """A network that has one of the axes last."""

    def __init__(self, network: nn.Module, axis: int) -> None:
        super().__init__()
        self.network, self.axis = network, axis

    def forward(self, code: Tensor) -> Tensor:
        image: Tensor = self.network(code.movedim(self.axis, -1).contiguous())
        return image.movedim(-1, self.axis)
