"""Select layers for two or three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

__all__ = ["LAYERS", "Layers", "Strides", "crop"]

Layer = Callable[..., nn.Module]

Strides = tuple[tuple[int, ...], ...]
"""Stride of each level along each axis."""


@dataclass(frozen=True)
class Layers:
    """Layers for one number of dimensions; ``linear`` is the name of the interpolation."""

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
        """Return a convolution that changes the size by the stride alone."""
        mode = padding if kernel > 1 else "zeros"
        return self.conv(inputs, outputs, kernel, stride, kernel // 2, padding_mode=mode)

    def normalise(self, channels: int) -> list[nn.Module]:
        """Return batch normalisation and LeakyReLU, as after each convolution of a skip network."""
        return [self.batch_norm(channels), nn.LeakyReLU(0.2, inplace=True)]


LAYERS = {
    2: Layers(
        nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, "bilinear"
    ),
    3: Layers(
        nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.InstanceNorm3d, nn.MaxPool3d, "trilinear"
    ),
}
"""Layers by the number of spatial axes."""


def crop(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Cut the end of each axis to the given spatial shape.

    Examples
    --------
    >>> import torch
    >>> crop(torch.zeros(1, 2, 6, 4), (5, 4)).shape
    torch.Size([1, 2, 5, 4])
    """
    for axis, size in enumerate(shape, start=2):
        if x.shape[axis] > size:  # the gradient of a crop is a copy in another memory format
            x = x.narrow(axis, 0, size)
    return x
