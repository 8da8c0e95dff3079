"""What each preset does for each task.

:func:`recipe` looks up the preset's row for the task and lays over it what the caller's
:class:`~napari_dip.settings.Settings` change.
"""

from __future__ import annotations

from dataclasses import replace

from napari_dip.dip.recipe import Recipe
from napari_dip.network.architectures import NoNetwork, Pixels, ResNet, SkipNet, UNet
from napari_dip.settings import (
    Consensus,
    Denoise,
    Fixed,
    Hole,
    Inpaint,
    NetworkName,
    Settings,
    SuperResolve,
)

__all__ = ["recipe"]

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


def recipe(
    settings: Settings, *, hole: Hole = "scratches", sigma: float = 25 / 255, side: int = 256
) -> Recipe:
    """Settle every choice that the settings leave to the preset.

    Parameters
    ----------
    settings
        What was asked.
    hole
        What an inpainting mask hides; read only for :class:`~napari_dip.settings.Inpaint`.
    sigma
        Standard deviation of the noise on the scale of [0, 1].
    side
        The longest of the result, in pixels: the network of large ones is deeper.

    Examples
    --------
    >>> recipe(Settings(preset="paper", task="super-resolve", iterations=7)).iterations
    7
    """
    table = _PRESETS[settings.preset]
    chosen = table(settings, hole, sigma, side)
    if chosen.window == 1 and settings.share in ("Z", "T", "C"):
        chosen = replace(chosen, window=_WINDOW)
    if settings.prior.network is not None:
        chosen = _with_network(chosen, settings.prior.network)
    if settings.prior.optimiser == "adam" != chosen.optimiser:
        chosen = _with_adam(chosen)
    changes = settings.prior.model_dump(exclude_none=True, exclude={"network"})
    for name in _OVERRIDABLE:
        if getattr(settings, name) is not None:
            changes[name] = getattr(settings, name)
    if settings.refinement is not None:
        changes["gap_passes"] = settings.refinement
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
        case "none":
            fit = replace(
                base, stopping=Fixed(), iterations=1, members=1, average_with_filter=False
            )
            return replace(fit, network=NoNetwork(), shared_iterations=0)
        case "pixels":
            # Without a prior nothing is to help but what is named.
            return replace(_with_adam(base), network=Pixels(), code_noise=0.0, guidance_decay=0.0)


def _with_adam(base: Recipe) -> Recipe:
    """Take Adam, and give it the time: it needs about five times as many iterations."""
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


def _paper(settings: Settings, hole: Hole, sigma: float, _: int) -> Recipe:
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
    down=(16, 32, 64, 128),
    up=(16, 32, 64, 128),
    skip=(4,) * 4,
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
    guidance_decay=0.98,
)

_WINDOW = 8
"""Planes that share a network where the task shares none of its own accord."""

_FAST_SUPER = replace(_FAST, tv_weight=0.005, stopping=Fixed())
"""Its noise is taken out before, so there is nothing to stop before."""

_FAST_AXIAL = replace(_FAST, tv_weight=0.002, iterations=160, window=4, projection_steps=3)
"""More sections than that are too much for one network: what lies between planes goes wrong."""

_FILLING = replace(_FAST_NET, upsampling="nearest", skip=(32,) * 4)

_LARGE = 384
"""Pixels: from that side on, a level more takes fewer iterations for the same."""


def _deeper(network: SkipNet) -> SkipNet:
    """Add a level like the last."""
    down, up, skip = ((*each, each[-1]) for each in (network.down, network.up, network.skip))
    return replace(network, down=down, up=up, skip=skip)


_FAST_HOLE = replace(
    _FAST,
    refinement=2,
    network=_deeper(replace(_FILLING, skip=(0,) * 4)),
    iterations=150,
    code="meshgrid",
    code_channels=2,
    guidance_decay=0.97,
)

_FAST_SCRATCHES = replace(_FAST, network=_FILLING, refinement=2, gap_passes=6)

_FAST_INPAINT: dict[Hole, Recipe] = {
    "scratches": _FAST_SCRATCHES,
    "hole": _FAST_HOLE,
    "large-hole": _FAST_HOLE,
    "pixels": replace(_FAST_SCRATCHES, iterations=150, gap_passes=8),
}


def _fast(settings: Settings, hole: Hole, sigma: float, side: int) -> Recipe:
    chosen = _fast_if_small(settings, hole, sigma)
    if side < _LARGE or chosen.network not in (_FAST_NET, _FILLING):
        return chosen
    return replace(chosen, network=_deeper(chosen.network))


def _fast_if_small(settings: Settings, hole: Hole, sigma: float) -> Recipe:
    match settings.task:
        case Denoise():
            return replace(
                _FAST,
                tv_weight=0.25 * sigma,
                refinement=2,
                gap_passes=2,
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


def _best(settings: Settings, hole: Hole, sigma: float, side: int) -> Recipe:
    chosen = _fast(settings, hole, sigma, side)
    return replace(chosen, members=4, average_with_filter=True)


_PRESETS = {"fast": _fast, "best": _best, "paper": _paper}
