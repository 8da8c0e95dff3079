"""Build the encoder-decoder with skips, used by the paper and the presets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_dip.network.layers import LAYERS, Layers, crop

if TYPE_CHECKING:
    from napari_dip.network.layers import Strides
    from napari_dip.settings.architectures import SkipNet

__all__ = ["SkipLevel", "skip_network"]


def skip_network(spec: SkipNet, inputs: int, outputs: int, strides: Strides) -> nn.Module:
    """Build an encoder-decoder with skips.

    Parameters
    ----------
    spec
        The architecture.
    inputs, outputs
        Channels of the code and of the image.
    strides
        Stride of each level along each axis.

    Examples
    --------
    >>> from napari_dip.settings.architectures import SkipNet
    >>> spec = SkipNet(down=(4, 8), up=(4, 8), skip=(2, 2))
    >>> network = skip_network(spec, inputs=3, outputs=1, strides=((2, 2), (2, 2)))
    >>> network(torch.zeros(1, 3, 16, 12)).shape
    torch.Size([1, 1, 16, 12])
    """
    layers = LAYERS[len(strides[0])]
    return nn.Sequential(
        SkipLevel(spec, 0, inputs, strides, layers),
        layers.convolve(spec.up[0], outputs, 1),
        nn.Sigmoid(),
    )


def _output_width(spec: SkipNet, level: int) -> int:
    """Return the channels that a level passes to the one above."""
    return spec.up[max(level - 1, 0)] if spec.taper else spec.up[level]


class SkipLevel(nn.Module):
    """One level: a down block, the levels below, an up block, and a skip beside them."""

    def __init__(
        self,
        spec: SkipNet,
        level: int,
        inputs: int,
        strides: Strides,
        layers: Layers,
    ) -> None:
        super().__init__()
        down, up, skip = spec.down[level], spec.up[level], spec.skip[level]
        deepest = level == len(spec.down) - 1
        pad = spec.padding
        self.after_down = spec.skip_after_down
        self.stride = tuple(float(step) for step in strides[level])
        linear = spec.upsampling == "bilinear" or (spec.upsampling == "mixed" and level == 0)
        self.mode = layers.linear if linear else "nearest"
        self.down = nn.Sequential(
            layers.convolve(inputs, down, spec.kernel_down, strides[level], pad),
            *layers.normalise(down),
            layers.convolve(down, down, spec.kernel_down, 1, pad),
            *layers.normalise(down),
        )
        self.below = nn.Identity() if deepest else SkipLevel(spec, level + 1, down, strides, layers)
        self.skip = None
        if skip:
            source = down if self.after_down else inputs
            self.skip = nn.Sequential(layers.convolve(source, skip, 1), *layers.normalise(skip))
        joined = skip + (down if deepest else _output_width(spec, level + 1))
        self.up = nn.Sequential(
            layers.batch_norm(joined),
            layers.convolve(joined, up, spec.kernel_up, 1, pad),
            *layers.normalise(up),
        )
        if spec.pointwise_up:
            narrow = _output_width(spec, level)
            self.up.extend([layers.convolve(up, narrow, 1), *layers.normalise(narrow)])

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of this level."""
        reduced = self.down(x)
        below = self.below(reduced)
        if self.after_down:
            return self._upsample(self.up(self._join(reduced, below)), x)
        image: Tensor = self.up(self._join(x, self._upsample(below, x)))
        return image

    def _join(self, source: Tensor, below: Tensor) -> Tensor:
        return below if self.skip is None else torch.cat([self.skip(source), below], dim=1)

    def _upsample(self, x: Tensor, like: Tensor) -> Tensor:
        x = functional.interpolate(x, scale_factor=self.stride, mode=self.mode)
        if x.requires_grad and x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
            # The gradient is a slice of that of the joined tensor. From a slice that is not
            # contiguous, torch 2.13 takes five times as long.
            x.register_hook(partial(Tensor.contiguous, memory_format=torch.channels_last))
        return crop(x, like.shape[2:])
