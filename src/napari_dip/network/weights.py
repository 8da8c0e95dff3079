"""Draw the weights of each layer from a given generator."""

from __future__ import annotations

import math
from functools import singledispatch
from itertools import chain
from typing import TYPE_CHECKING

from torch import nn

from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from torch import Generator

__all__ = ["draw_weights"]


@singledispatch
def draw_weights(layer: nn.Module, _generator: Generator) -> None:
    """Draw the weights of one layer, but not those of the layers in it.

    torch's layers draw from the global generator, which other threads may use at the same time.
    ``draw_weights.register`` adds a function for another kind of layer.

    Raises
    ------
    BadSettings
        If the layer has weights, and no function is registered for its class.
    """
    for _tensor in chain(layer.parameters(recurse=False), layer.buffers(recurse=False)):
        kind = type(layer).__name__
        raise BadSettings(f"nothing draws the weights of {kind}; register it with draw_weights")


@draw_weights.register(nn.Conv2d)
@draw_weights.register(nn.Conv3d)
@draw_weights.register(nn.ConvTranspose2d)
@draw_weights.register(nn.ConvTranspose3d)
@draw_weights.register(nn.Linear)
def _as_torch(
    layer: nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d | nn.Linear,
    generator: Generator,
) -> None:
    """Draw from the distributions of torch."""
    nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    if layer.bias is not None:
        bound = 1 / math.sqrt(layer.weight[0].numel())
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


@draw_weights.register(nn.BatchNorm2d)
@draw_weights.register(nn.BatchNorm3d)
@draw_weights.register(nn.InstanceNorm2d)
@draw_weights.register(nn.InstanceNorm3d)
@draw_weights.register(nn.GroupNorm)
@draw_weights.register(nn.LayerNorm)
def _constants(
    layer: nn.BatchNorm2d
    | nn.BatchNorm3d
    | nn.InstanceNorm2d
    | nn.InstanceNorm3d
    | nn.GroupNorm
    | nn.LayerNorm,
    _generator: Generator,
) -> None:
    """Set the weights to 1 and 0, as torch does."""
    layer.reset_parameters()
