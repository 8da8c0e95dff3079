"""Describe the architecture of a network by a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = ["Architecture", "NoNetwork", "Pixels", "ResNet", "SkipNet", "UNet"]


@dataclass(frozen=True)
class Architecture:
    """Base of the architectures: all numbers that determine the layers, but for the image's size.

    ``napari_dip.network.build.build_layers`` builds the layers.

    Attributes
    ----------
    words
        What is fitted, in the sentence that describes the fit.
    """

    words: ClassVar[str] = "a network"

    @property
    def width(self) -> int:
        """Filters at full resolution; the estimates of time and memory depend on them."""
        return 0

    @property
    def is_half_resolution(self) -> bool:
        """Whether no convolution larger than one pixel runs at full resolution."""
        return False


@dataclass(frozen=True)
class SkipNet(Architecture):
    """Encoder-decoder with skips, as in the paper.

    Parameters
    ----------
    down, up, skip
        Number of filters in each level, full resolution first; 0 for no skip.
    kernel_down, kernel_up
        Side of the convolutions, in pixels.
    upsampling
        Interpolation of the way up; ``"mixed"`` is bilinear into the full resolution and nearest
        below.
    padding
        Padding of the convolutions.
    pointwise_up
        Whether a convolution of one pixel follows in each up block.
    skip_after_down
        Whether a skip starts *after* its down block and each up block ends with the upsampling.
        Then no convolution larger than one pixel runs at full resolution.
    taper
        Whether each up block reduces its filters to those of the level above before upsampling.

    Examples
    --------
    >>> SkipNet(down=(16, 32), up=(16, 32), skip=(4, 4)).upsampling
    'bilinear'
    """

    down: tuple[int, ...] = (128,) * 5
    up: tuple[int, ...] = (128,) * 5
    skip: tuple[int, ...] = (4,) * 5
    kernel_down: int = 3
    kernel_up: int = 3
    upsampling: Literal["nearest", "bilinear", "mixed"] = "bilinear"
    padding: Literal["reflect", "zeros"] = "reflect"
    pointwise_up: bool = True
    skip_after_down: bool = False
    taper: bool = False

    @property
    def width(self) -> int:
        """Filters at full resolution."""
        return self.down[0]

    @property
    def is_half_resolution(self) -> bool:
        """Whether the skips start after the down blocks."""
        return self.skip_after_down


@dataclass(frozen=True)
class UNet(Architecture):
    """U-Net with instance normalisation and transposed convolutions.

    ``widths`` are the filters of each level, full resolution first.

    Examples
    --------
    >>> len(UNet().widths)
    6
    """

    widths: tuple[int, ...] = (8, 16, 32, 64, 128, 128)

    @property
    def width(self) -> int:
        """Filters at full resolution."""
        return self.widths[0]


@dataclass(frozen=True)
class ResNet(Architecture):
    """Residual blocks at full resolution, without downsampling.

    ``width`` is the number of filters.

    Examples
    --------
    >>> ResNet(blocks=4).width
    32
    """

    blocks: int = 8
    width: int = 32


@dataclass(frozen=True)
class Pixels(Architecture):
    """No network: the pixels themselves are optimised, from small random values."""

    words: ClassVar[str] = "the pixels themselves"


@dataclass(frozen=True)
class NoNetwork(Architecture):
    """No network and no fit: the patch filter denoises the image alone."""
