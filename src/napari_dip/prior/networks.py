"""The priors f_theta, in two and three dimensions from one table of layers.

A network takes a code of any spatial shape and returns an image of the same shape: where a level
halves an odd size, the way back is cropped, so that no image needs padding to a power of two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_dip.prior.recipes import Network, Pixels, ResNet, SkipNet, UNet

__all__ = ["build_network"]

Strides = tuple[tuple[int, ...], ...]
Layer = Callable[..., nn.Module]

_NEARLY = 2**0.5
"""Pixels that are wider by less than this count as equally wide: halving goes by 2."""


def build_network(
    network: Network,
    code: Tensor,
    channels: int,
    seed: int,
    spacing: Sequence[float] | None = None,
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
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        shape = tuple(code.shape[2:])
        spacing = tuple(spacing or [1.0] * len(shape))
        match network:
            case SkipNet():
                kernel, levels = network.kernel_down, len(network.down)
                strides = _strides(shape, levels, kernel, spacing)
                return _skip_network(network, code.shape[1], channels, strides)
            case UNet():
                strides = _strides(shape, len(network.widths) - 1, 3, spacing)
                return _UNet(network.widths, code.shape[1], channels, strides)
            case ResNet():
                return _resnet(network, code.shape[1], channels, _LAYERS[len(shape)])
            case Pixels():
                return _PixelPrior(0.1 * torch.rand(1, channels, *shape))
    assert_never(network)


@dataclass(frozen=True)
class _Layers:
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
        mode = padding if kernel > 1 else "zeros"
        return self.conv(inputs, outputs, kernel, stride, kernel // 2, padding_mode=mode)

    def normalise(self, channels: int) -> list[nn.Module]:
        """BatchNorm and LeakyReLU, which follow every convolution of the skip network."""
        return [self.batch_norm(channels), nn.LeakyReLU(0.2, inplace=True)]


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


def _crop(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Cut the far end of each axis down to the given spatial shape."""
    for axis, size in enumerate(shape, start=2):
        x = x.narrow(axis, 0, size)
    return x


def _skip_network(spec: SkipNet, inputs: int, outputs: int, strides: Strides) -> nn.Module:
    layers = _LAYERS[len(strides[0])]
    return nn.Sequential(
        _SkipLevel(spec, 0, inputs, strides, layers),
        layers.convolve(spec.up[0], outputs, 1),
        nn.Sigmoid(),
    )


def _narrowed(spec: SkipNet, level: int) -> int:
    """Channels that a level hands up."""
    return spec.up[max(level - 1, 0)] if spec.taper else spec.up[level]


class _SkipLevel(nn.Module):
    """Down, everything below, up again, joined by a skip of a few filters."""

    def __init__(
        self, spec: SkipNet, level: int, inputs: int, strides: Strides, layers: _Layers
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
        self.below = (
            nn.Identity() if deepest else _SkipLevel(spec, level + 1, down, strides, layers)
        )
        self.skip = None
        if skip:
            source = down if self.after_down else inputs
            self.skip = nn.Sequential(layers.convolve(source, skip, 1), *layers.normalise(skip))
        joined = skip + (down if deepest else _narrowed(spec, level + 1))
        self.up = nn.Sequential(
            layers.batch_norm(joined),
            layers.convolve(joined, up, spec.kernel_up, 1, pad),
            *layers.normalise(up),
        )
        if spec.pointwise_up:
            narrowed = _narrowed(spec, level)
            self.up.extend([layers.convolve(up, narrowed, 1), *layers.normalise(narrowed)])

    def forward(self, x: Tensor) -> Tensor:
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
        return _crop(x, like.shape[2:])


class _UNet(nn.Module):
    """Max-pooling down, transposed convolutions up, features of the same size joined."""

    def __init__(
        self, widths: tuple[int, ...], inputs: int, outputs: int, strides: Strides
    ) -> None:
        super().__init__()
        layers = _LAYERS[len(strides[0])]
        self.start = self._double(layers, inputs, widths[0], norm=True)
        self.downs, self.ups, self.joins = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for narrow, wide, stride in zip(widths, widths[1:], strides, strict=False):
            self.downs.append(
                nn.Sequential(
                    layers.pool(stride, ceil_mode=True),
                    self._double(layers, narrow, wide, norm=True),
                )
            )
            kernel = tuple(4 if step == 2 else 3 for step in stride)
            self.ups.append(layers.transposed(wide, narrow, kernel, stride, padding=1))
            self.joins.append(self._double(layers, 2 * narrow, narrow, norm=False))
        self.end = nn.Sequential(layers.convolve(widths[0], outputs, 1), nn.Sigmoid())

    @staticmethod
    def _double(layers: _Layers, inputs: int, outputs: int, *, norm: bool) -> nn.Sequential:
        """Two 3x3 convolutions."""
        block: list[nn.Module] = []
        for source in (inputs, outputs):
            block.append(layers.convolve(source, outputs, 3))
            block.extend([layers.instance_norm(outputs)] if norm else [])
            block.append(nn.ReLU(inplace=True))
        return nn.Sequential(*block)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.start(x)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up, join in zip(reversed(self.ups), reversed(self.joins), strict=True):
            beside = levels.pop()
            x = join(torch.cat([_crop(up(x), beside.shape[2:]), beside], dim=1))
        image: Tensor = self.end(x)
        return image


class _Residual(nn.Module):
    """x + block(x)."""

    def __init__(self, *block: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*block)

    def forward(self, x: Tensor) -> Tensor:
        image: Tensor = x + self.block(x)
        return image


def _resnet(spec: ResNet, inputs: int, outputs: int, layers: _Layers) -> nn.Module:
    width = spec.width

    def block() -> nn.Module:
        return _Residual(
            layers.conv(width, width, 3, padding=1, bias=False),
            *layers.normalise(width),
            layers.conv(width, width, 3, padding=1, bias=False),
            layers.batch_norm(width),
        )

    return nn.Sequential(
        layers.convolve(inputs, width, 3, padding="reflect"),
        # Not in place: the first block's sum needs its input.
        nn.LeakyReLU(0.2),
        *(block() for _ in range(spec.blocks)),
        layers.convolve(width, width, 3),
        layers.batch_norm(width),
        layers.convolve(width, outputs, 3, padding="reflect"),
        nn.Sigmoid(),
    )


class _PixelPrior(nn.Module):
    """No prior at all: the image is the parameter, and the code is ignored."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.image = nn.Parameter(start)

    def forward(self, _code: Tensor) -> Tensor:
        # A new tensor each time, as from a network.
        return self.image.clone()


_LAYERS = {
    2: _Layers(
        nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, "bilinear"
    ),
    3: _Layers(
        nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.InstanceNorm3d, nn.MaxPool3d, "trilinear"
    ),
}
