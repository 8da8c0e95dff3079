"""Layers of two and of three dimensions, from one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

__all__ = ["LAYERS", "Layers", "Strides", "crop"]

Layer = Callable[..., nn.Module]

Strides = tuple[tuple[int, ...], ...]
"""Of each level, along each axis."""


@dataclass(frozen=True)
class Layers:
    """The layers that depend on the number of dimensions."""

    conv: Layer
    transposed: Layer
    batch_norm: Layer
    instance_norm: Layer
    pool: Layer
    linear: str

    def convolve(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int | tuple[int, ...] = 1,
        padding: str = "zeros",
    ) -> nn.Module:
        """Convolve, and keep the size but for the stride."""
        mode = padding if kernel > 1 else "zeros"
        return self.conv(inputs, outputs, kernel, stride, kernel // 2, padding_mode=mode)

    def normalise(self, channels: int) -> list[nn.Module]:
        """BatchNorm and LeakyReLU, which follow every convolution of the skip network."""
        return [self.batch_norm(channels), nn.LeakyReLU(0.2, inplace=True)]


LAYERS = {
    2: Layers(
        nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, "bilinear"
    ),
    3: Layers(
        nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.InstanceNorm3d, nn.MaxPool3d, "trilinear"
    ),
}
"""By the number of spatial axes."""


def crop(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Cut the far end of each axis down to the given spatial shape."""
    for axis, size in enumerate(shape, start=2):
        if x.shape[axis] > size:  # the gradient of a cut is a copy, which loses the memory format
            x = x.narrow(axis, 0, size)
    return x
