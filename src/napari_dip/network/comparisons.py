"""Build priors for comparison: a U-Net, a ResNet, and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_dip.network.layers import LAYERS, Layers, crop
from napari_dip.network.weights import draw_weights

if TYPE_CHECKING:
    from napari_dip.network.layers import Strides
    from napari_dip.settings.architectures import ResNet

__all__ = ["FreePixels", "UNetwork", "residual_network"]


class UNetwork(nn.Module):
    """U-Net: max pooling down, transposed convolutions up, and skips between equal sizes.

    Examples
    --------
    >>> network = UNetwork((4, 8, 8), inputs=3, outputs=1, strides=((2, 2), (2, 2)))
    >>> network(torch.zeros(1, 3, 11, 8)).shape
    torch.Size([1, 1, 11, 8])
    """

    def __init__(
        self, widths: tuple[int, ...], inputs: int, outputs: int, strides: Strides
    ) -> None:
        super().__init__()
        layers = LAYERS[len(strides[0])]
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
    def _double(layers: Layers, inputs: int, outputs: int, *, norm: bool) -> nn.Sequential:
        """Return two 3x3 convolutions."""
        block: list[nn.Module] = []
        for source in (inputs, outputs):
            block.append(layers.convolve(source, outputs, 3))
            block.extend([layers.instance_norm(outputs)] if norm else [])
            block.append(nn.ReLU(inplace=True))
        return nn.Sequential(*block)

    def forward(self, x: Tensor) -> Tensor:
        """Return the image of a code."""
        levels = [self.start(x)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up, join in zip(reversed(self.ups), reversed(self.joins), strict=True):
            skip = levels.pop()
            x = join(torch.cat([crop(up(x), skip.shape[2:]), skip], dim=1))
        image: Tensor = self.end(x)
        return image


class _Residual(nn.Module):
    """Residual block: x + block(x)."""

    def __init__(self, *block: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*block)

    def forward(self, x: Tensor) -> Tensor:
        image: Tensor = x + self.block(x)
        return image


def residual_network(spec: ResNet, inputs: int, outputs: int, ndim: int) -> nn.Module:
    """Build residual blocks, all at full resolution.

    Examples
    --------
    >>> from napari_dip.settings.architectures import ResNet
    >>> network = residual_network(ResNet(blocks=2, width=4), inputs=3, outputs=1, ndim=2)
    >>> network(torch.zeros(1, 3, 11, 8)).shape
    torch.Size([1, 1, 11, 8])
    """
    layers, width = LAYERS[ndim], spec.width

    def block() -> nn.Module:
        return _Residual(
            layers.conv(width, width, 3, padding=1, bias=False),
            *layers.normalise(width),
            layers.conv(width, width, 3, padding=1, bias=False),
            layers.batch_norm(width),
        )

    return nn.Sequential(
        layers.convolve(inputs, width, 3, padding="reflect"),
        # Not in place: the first block adds its input to its output.
        nn.LeakyReLU(0.2),
        *(block() for _ in range(spec.blocks)),
        layers.convolve(width, width, 3),
        layers.batch_norm(width),
        layers.convolve(width, outputs, 3, padding="reflect"),
        nn.Sigmoid(),
    )


class FreePixels(nn.Module):
    """No prior: the image is the parameter, and the code is ignored.

    Examples
    --------
    >>> FreePixels(torch.full((1, 1, 2, 2), 0.5))(torch.zeros(1, 8, 2, 2)).mean().item()
    0.5
    """

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.image = nn.Parameter(start)

    def forward(self, _code: Tensor) -> Tensor:
        """Return the image, in a new tensor each time."""
        return self.image.clone()


@draw_weights.register(FreePixels)
def _draw_pixels(network: FreePixels, generator: torch.Generator) -> None:
    start = torch.rand(network.image.shape, generator=generator, dtype=torch.float32)
    network.image.data.copy_(0.1 * start)
