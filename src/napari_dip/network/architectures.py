"""Descriptions of the networks, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Network", "Pixels", "ResNet", "SkipNet", "UNet"]


@dataclass(frozen=True)
class SkipNet:
    """The encoder-decoder of the paper: one entry a level in each tuple, full resolution first.

    With ``skip_after_down`` a skip leaves *after* its down block and each up block ends with the
    upsampling, so that no 3x3 convolution runs at full resolution. With ``taper`` each up block
    narrows to the width of the one above before it is upsampled. ``mixed`` upsampling is bilinear
    into the full resolution and nearest below.
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


@dataclass(frozen=True)
class UNet:
    """U-Net of depth 5 with instance normalisation and transposed convolutions."""

    widths: tuple[int, ...] = (8, 16, 32, 64, 128, 128)


@dataclass(frozen=True)
class ResNet:
    """Residual blocks at full resolution, without any downsampling."""

    blocks: int = 8
    width: int = 32


@dataclass(frozen=True)
class Pixels:
    """No network: the pixels themselves are optimised, starting from the code."""


Network = SkipNet | UNet | ResNet | Pixels
