"""All that a fit needs to know, as plain data: a network, rates and numbers of iterations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_dip.settings import Fixed, Stopping

__all__ = ["Network", "Pixels", "Recipe", "ResNet", "SkipNet", "UNet"]


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


@dataclass(frozen=True)
class Recipe:
    """What a fit does, nothing left open, with intensities scaled to about [0, 1].

    With ``warm_up`` the average of the outputs forgets the first ones sooner. ``noise_pool`` uses
    the noise on the code again and again, from another place each time. ``precision="auto"`` is
    settled by the machine. ``second_opinion`` averages the mean of the fits with a filter that
    knows nothing of them. ``window`` planes share a network, and see ``context`` more of them on
    either side; ``shared_iterations`` are the most that it then takes, if not 0. ``spacing`` is the
    distance of two pixels of the result along each spatial axis, ``None`` where it is the same
    along all. ``projection`` is the number of steps in which an estimate is brought into agreement
    with what was seen. Missing pixels are drawn to a smooth interpolation at first; ``guidance`` is
    the part of that which an iteration leaves. In the end ``filling`` passes fill them in from
    patches alike, and ``refinement`` passes take out the noise.
    """

    network: Network
    iterations: int
    stopping: Stopping = Fixed()
    code: Literal["noise", "meshgrid"] = "noise"
    code_channels: int = 32
    code_noise: float = 1 / 30
    noise_pool: bool = False
    optimiser: Literal["adam", "muon"] = "adam"
    learning_rate: float = 0.01
    tv_weight: float = 0.0
    averaging: float = 0.99
    warm_up: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    members: int = 1
    refinement: int = 0
    filling: int = 0
    second_opinion: bool = False
    window: int = 1
    context: int = 0
    shared_iterations: int = 0
    spacing: tuple[float, ...] | None = None
    projection: int = 0
    guidance: float = 0.0
