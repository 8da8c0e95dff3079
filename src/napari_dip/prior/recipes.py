"""What each preset does for each task: networks, rates and numbers of iterations, as plain data.

A :class:`Recipe` leaves nothing open. :func:`recipe` looks up the preset's row for the task and
lays over it what the caller's :class:`~napari_dip.settings.Settings` change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from napari_dip.settings import (
    Consensus,
    Denoise,
    Fixed,
    Hole,
    Inpaint,
    NetworkName,
    Settings,
    Stopping,
    SuperResolve,
)

__all__ = ["Pixels", "Recipe", "ResNet", "SkipNet", "UNet", "recipe"]


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
    """All that a fit needs to know, with intensities scaled to about [0, 1].

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


_OVERRIDABLE = (
    "iterations",
    "stopping",
    "averaging",
    "precision",
    "members",
    "refinement",
    "window",
    "context",
)


def recipe(settings: Settings, *, hole: Hole = "scratches", sigma: float = 25 / 255) -> Recipe:
    """Settle every choice that the settings leave to the preset.

    Parameters
    ----------
    settings
        What was asked.
    hole
        What an inpainting mask hides; read only for :class:`~napari_dip.settings.Inpaint`.
    sigma
        Standard deviation of the noise on the scale of [0, 1].

    Examples
    --------
    >>> recipe(Settings(preset="paper", task="super-resolve", iterations=7)).iterations
    7
    """
    table = _PRESETS[settings.preset]
    chosen = table(settings, hole, sigma)
    if chosen.window == 1 and settings.share in ("Z", "T", "C"):
        chosen = replace(chosen, window=_WINDOW)
    if settings.prior.network is not None:
        chosen = _with_network(chosen, settings.prior.network)
    changes = settings.prior.model_dump(exclude_none=True, exclude={"network"})
    for name in _OVERRIDABLE:
        if getattr(settings, name) is not None:
            changes[name] = getattr(settings, name)
    if settings.refinement is not None:
        changes["filling"] = settings.refinement
    return replace(chosen, **changes, spacing=_spacing(settings))


def _spacing(settings: Settings) -> tuple[float, ...] | None:
    if settings.voxel is None:
        return None
    voxel = dict(zip("ZYX", settings.voxel, strict=True))
    return tuple(voxel[letter] / factor for letter, factor in settings.factors.items())


def _with_network(base: Recipe, name: NetworkName) -> Recipe:
    """Swap the network, and what its publication changed along with it."""
    skip = base.network if isinstance(base.network, SkipNet) else SkipNet()
    match name:
        case "skip":
            return replace(base, network=skip)
        case "skip-half":
            return replace(base, network=replace(skip, skip_after_down=True))
        case "hourglass":
            return replace(base, network=replace(skip, skip=(0,) * len(skip.down)))
        case "encoder-decoder-2" | "encoder-decoder-4" | "encoder-decoder-6":
            return replace(base, network=_encoder_decoder(int(name[-1])), code_channels=1)
        case "unet":
            return replace(_with_adam(base), network=UNet(), code_channels=1, learning_rate=0.001)
        case "resnet":
            return replace(_with_adam(base), network=ResNet(), code_channels=1, learning_rate=0.001)
        case "pixels":
            # Without a prior nothing is to help but what is named.
            return replace(_with_adam(base), network=Pixels(), code_noise=0.0, guidance=0.0)


def _with_adam(base: Recipe) -> Recipe:
    """Give a network that Muon was not tried on what it was published with, and the time."""
    return replace(base, optimiser="adam", iterations=max(base.iterations, 2000))


def _encoder_decoder(depth: int) -> SkipNet:
    widths = (16, 32, 64, 128, 128, 128)[:depth]
    return SkipNet(
        widths, widths, (0,) * depth, kernel_down=5, upsampling="nearest", pointwise_up=False
    )


# ---- paper: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 128 (2020), 1867-1888 --------

_JPEG = SkipNet((8, 16, 32, 64, 128), (8, 16, 32, 64, 128), (0, 0, 0, 4, 4))
_SCRATCHES = SkipNet(skip=(128,) * 5, upsampling="nearest")
_HOLE = SkipNet(skip=(0,) * 5, upsampling="nearest")

_PAPER_INPAINT: dict[Hole, Recipe] = {
    "scratches": Recipe(_SCRATCHES, 6000, code_noise=0.03),
    "hole": Recipe(_HOLE, 5000, code="meshgrid", code_channels=2, code_noise=0.03),
    "large-hole": Recipe(_encoder_decoder(6), 3000, code_channels=1, code_noise=0.0),
    "pixels": Recipe(SkipNet(), 11000, code_noise=0.03, learning_rate=0.001),
}


def _paper(settings: Settings, hole: Hole, sigma: float) -> Recipe:
    match settings.task:
        case Denoise(artefact="jpeg"):
            return Recipe(_JPEG, 2400, code_channels=3)
        case Denoise():
            # Given for sigma 25 and 50 of 255; the change lies half-way between the two.
            return Recipe(SkipNet(), 1800, code_noise=1 / 30 if sigma < 37.5 / 255 else 1 / 20)
        case SuperResolve():
            # Given for factors 4 and 8.
            if max(settings.factors.values()) <= 4:
                return Recipe(SkipNet(), 2000, code_noise=0.03)
            return Recipe(SkipNet(), 4000, code_noise=0.05)
        case Inpaint():
            return _PAPER_INPAINT[hole]


# ---- fast: Muon, a network that is narrow at full resolution, and a stop that finds itself -------

_FAST_NET = SkipNet(
    down=(16, 32, 64, 128, 128),
    up=(16, 32, 64, 128, 128),
    upsampling="mixed",
    padding="zeros",
    taper=True,
)
_FAST = Recipe(
    _FAST_NET,
    400,
    stopping=Consensus(),
    code_channels=8,
    code_noise=1 / 60,
    noise_pool=True,
    optimiser="muon",
    averaging=0.95,
    warm_up=True,
    precision="auto",
    guidance=0.98,
)

_WINDOW = 8
"""Planes that share a network where the task shares none of its own accord."""

_FAST_SUPER = replace(_FAST, tv_weight=0.005, stopping=Fixed())
"""Its noise is taken out before, so there is nothing to stop before."""

_FAST_AXIAL = replace(_FAST, tv_weight=0.002, iterations=160, window=4, projection=3)
"""More sections than that are too much for one network: what lies between planes goes wrong."""

_FILLING = replace(_FAST_NET, upsampling="nearest")

_FAST_HOLE = replace(
    _FAST,
    refinement=2,
    network=replace(_FILLING, skip=(0,) * 5),
    iterations=150,
    code="meshgrid",
    code_channels=2,
    guidance=0.97,
)

_FAST_SCRATCHES = replace(_FAST, network=replace(_FILLING, skip=(32,) * 5), refinement=2, filling=6)

_FAST_INPAINT: dict[Hole, Recipe] = {
    "scratches": _FAST_SCRATCHES,
    "hole": _FAST_HOLE,
    "large-hole": _FAST_HOLE,
    "pixels": replace(_FAST_SCRATCHES, iterations=150, filling=8),
}


def _fast(settings: Settings, hole: Hole, sigma: float) -> Recipe:
    match settings.task:
        case Denoise():
            return replace(
                _FAST,
                tv_weight=0.25 * sigma,
                refinement=2,
                filling=2,
                window=25,
                shared_iterations=110,
            )
        case SuperResolve():
            if not settings.task.axial:
                return _FAST_SUPER
            # What is estimated from sections is as much texture as noise: only noise that was told
            # is stopped before and smoothed against.
            if isinstance(settings.noise, str):
                return replace(_FAST_AXIAL, stopping=Fixed())
            return replace(_FAST_AXIAL, tv_weight=max(_FAST_AXIAL.tv_weight, 0.4 * sigma))
        case Inpaint():
            return _FAST_INPAINT[hole]


# ---- best: several fits, and a filter that errs otherwise --------------------------------------


def _best(settings: Settings, hole: Hole, sigma: float) -> Recipe:
    chosen = _fast(settings, hole, sigma)
    return replace(chosen, members=4, second_opinion=True)


_PRESETS = {"fast": _fast, "best": _best, "paper": _paper}
