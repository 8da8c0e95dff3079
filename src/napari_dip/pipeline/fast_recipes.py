"""Define the recipes of ``fast`` and ``best``: Muon, a narrow network and an automatic stop."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from napari_dip.dip.recipe import Recipe
from napari_dip.errors import BadSettings
from napari_dip.settings import (
    Consensus,
    Deconvolve,
    Denoise,
    Fixed,
    Hole,
    Inpaint,
    Settings,
    SuperResolve,
    Task,
)
from napari_dip.settings.architectures import SkipNet

__all__ = [
    "before_projection",
    "best_recipe",
    "correcting_estimate",
    "correcting_sharp",
    "fast_recipe",
    "fast_recipe_of_task",
    "starting_from_estimate",
]

# Brackets name the section of benchmarks/NOTES.md with the measurement.

FAST_ITERATIONS = 400
"""The most iterations: the automatic stop comes after 110 to 280 [Run time forecast]."""

FAST_AVERAGING = 0.95
"""Weight of the earlier outputs in the average: 0.9 loses 0.01 dB, 0.98 nothing [Ablation of the
prior]."""

DEEPER_NETWORK_SIDE = 384
"""Pixels: from this side on the network has five levels, below it four. The quality is the same,
in less time [Network and optimiser of `fast`]."""

REFINEMENT_PASSES = 2
"""Passes of the patch filter: three lose 0.02 dB [Refinement]."""

DENOISE_TV_RATIO = 0.25
"""Weight of the total variation in sigma: none loses 0.013 dB, twice 0.007 [Ablation of the
prior]."""

ESTIMATE_ITERATIONS = 40
"""Iterations of a fit whose network sees an estimate and draws the whole image: 30 and 60 give the
same to 0.03 dB [Fit from a first estimate]."""

CORRECTION_ITERATIONS = 16
"""Iterations of a fit whose network corrects an estimate: 10 and 30 give the same to 0.02 dB [Fit
from a first estimate]."""

SHARED_CORRECTION_ITERATIONS = 8
"""The same for planes that are denoised together: 16 give the same and flicker more [Stacks and
time-lapses]."""

CORRECTION_SPAN = 1.0
"""Standard deviations of the noise: how much such a network corrects. 0.5 and 2 are equal to 0.02
dB after as many iterations [Fit from a first estimate]."""

SHARP_SPAN = 3.0
"""The same for a sharpened estimate, which has more noise: 2 and 4 are equal to 0.02 dB
[Deconvolution]."""

ESTIMATE_STRENGTH = 0.3
"""Standard deviation of the estimate among the channels of the code; that of the others is 0.03. 1
is equal after 30 iterations and overfits after 60 [Fit from a first estimate]."""

DENOISE_GAP_PASSES = 2
"""Passes of the patch filter in gaps of noisy images. Not measured."""

DENOISE_WINDOW = 25
"""Planes that one network denoises together [Stacks and time-lapses]."""

SHARED_ITERATIONS = 110
"""The most iterations for planes that are denoised together [Stacks and time-lapses]."""

SUPER_ITERATIONS = 100
"""Iterations of a super-resolution that a filter and a projection follow: 80 lose 0.1 dB [Filter
and projection]."""

SUPER_ROUNDS = 2
"""Rounds of that filter and projection, for each unit of the factor [Filter and projection]."""

SUPER_TV_WEIGHT = 0.005
"""Weight of the total variation [Network and optimiser of `fast`]."""

AXIAL_TV_WEIGHT = 0.002
"""Weight of the total variation: 0.01 loses 1.8 dB on one stack [Super-resolution along Z]."""

AXIAL_TV_RATIO = 0.4
"""Weight of the total variation in sigma, where noise is given. Not measured."""

AXIAL_ITERATIONS = 160
"""The most iterations along Z [Super-resolution along Z]."""

AXIAL_WINDOW = 4
"""Sections that one network restores: 13 lose 8.7 dB [Super-resolution along Z]."""

AXIAL_PROJECTION_STEPS = 3
"""Steps of the projection: ten are not better [Super-resolution along Z]."""

GUIDANCE_DECAY = 0.98
"""Weight of the interpolation, to the power of the iteration [Guidance of gaps by
interpolation]."""

HOLE_GUIDANCE_DECAY = 0.97
"""As above, in holes [Guidance of gaps by interpolation]."""

GAP_ITERATIONS = 150
"""The most iterations for holes and single missing pixels. Not measured."""

GAP_PASSES = 8
"""Passes of the patch filter that fill gaps after a fit: 4 lose 0.2 dB [Fit from filled gaps]."""

BEST_MEMBERS = 4
"""Ensemble members of `best`. Not measured."""


_FAST_NET = SkipNet(
    down=(16, 32, 64, 128),
    up=(16, 32, 64, 128),
    skip=(4,) * 4,
    upsampling="mixed",
    padding="zeros",
    taper=True,
)
_ESTIMATE_NET = replace(
    _FAST_NET, down=(16, 32, 64), up=(16, 32, 64), skip=(4,) * 3, skip_after_down=True
)
"""The filter sees the details, so no convolution runs at full resolution, and slow variations, so
three levels are enough [Fit from a first estimate]."""

_FAST = Recipe(
    _FAST_NET,
    FAST_ITERATIONS,
    stopping=Consensus(),
    code_channels=8,
    code_noise=1 / 60,
    noise_pool=True,
    optimiser="muon",
    averaging=FAST_AVERAGING,
    warm_up=True,
    precision="auto",
    guidance_decay=GUIDANCE_DECAY,
)

_FAST_SUPER = replace(_FAST, tv_weight=SUPER_TV_WEIGHT, stopping=Fixed())
"""All iterations are run: the noise was removed before."""

_FAST_AXIAL = replace(
    _FAST,
    tv_weight=AXIAL_TV_WEIGHT,
    iterations=AXIAL_ITERATIONS,
    window=AXIAL_WINDOW,
    projection_steps=AXIAL_PROJECTION_STEPS,
)

_GAP_NET = replace(_FAST_NET, upsampling="nearest", skip=(32,) * 4)


def _with_another_level(network: SkipNet) -> SkipNet:
    """Add a level with the channels of the last one."""
    down, up, skip = ((*each, each[-1]) for each in (network.down, network.up, network.skip))
    return replace(network, down=down, up=up, skip=skip)


_FAST_HOLE = replace(
    _FAST,
    refinement=REFINEMENT_PASSES,
    network=_with_another_level(replace(_GAP_NET, skip=(0,) * 4)),
    iterations=GAP_ITERATIONS,
    code="meshgrid",
    code_channels=2,
    guidance_decay=HOLE_GUIDANCE_DECAY,
)

_FAST_SCRATCHES = replace(
    _FAST, network=_GAP_NET, refinement=REFINEMENT_PASSES, gap_passes=GAP_PASSES
)

_FAST_INPAINT: dict[Hole, Recipe] = {
    "scratches": _FAST_SCRATCHES,
    "hole": _FAST_HOLE,
    "large-hole": _FAST_HOLE,
    "pixels": replace(_FAST_SCRATCHES, iterations=GAP_ITERATIONS),
}


def fast_recipe(settings: Settings, hole: Hole, sigma: float, side: int) -> Recipe:
    """Return the recipe of ``fast``; ``side`` is the longest side of the result in pixels."""
    chosen = fast_recipe_of_task(settings.task, settings, hole, sigma)
    if side < DEEPER_NETWORK_SIDE or chosen.network not in (_FAST_NET, _GAP_NET):
        return chosen
    return replace(chosen, network=_with_another_level(chosen.network))


def before_projection(chosen: Recipe, factor: int) -> Recipe:
    """Return the recipe for a fit that a filter and a projection in turn follow.

    ``factor`` is the ratio of the sizes of result and image.
    """
    return replace(chosen, iterations=SUPER_ITERATIONS, refinement=SUPER_ROUNDS * factor)


def starting_from_estimate(chosen: Recipe) -> Recipe:
    """Return the recipe for a fit whose network sees an estimate of the patch filter."""
    return replace(
        chosen,
        network=_ESTIMATE_NET,
        iterations=ESTIMATE_ITERATIONS,
        shared_iterations=0,
        estimate_strength=ESTIMATE_STRENGTH,
    )


def correcting_estimate(chosen: Recipe) -> Recipe:
    """Return the recipe for a fit whose network corrects an estimate of the patch filter."""
    return replace(
        starting_from_estimate(chosen),
        iterations=CORRECTION_ITERATIONS,
        shared_iterations=SHARED_CORRECTION_ITERATIONS,
        correction_span=CORRECTION_SPAN,
    )


def correcting_sharp(chosen: Recipe) -> Recipe:
    """Return the recipe for a fit that corrects a sharpened estimate of a blurred image.

    It runs all its few iterations: held-out pixels of a blurred image say little about sharpness.
    """
    return replace(chosen, correction_span=SHARP_SPAN, stopping=Fixed())


@singledispatch
def fast_recipe_of_task(task: Task, settings: Settings, hole: Hole, sigma: float) -> Recipe:
    """Return the recipe of ``fast`` for small results.

    Raises
    ------
    BadSettings
        If none is registered for the task.
    """
    raise BadSettings(
        f"preset={settings.preset!r}: {task.kind} has no recipe; register one in "
        "napari_dip.pipeline.fast_recipes"
    )


@fast_recipe_of_task.register(Denoise)
def _of_denoising(task: Denoise, settings: Settings, hole: Hole, sigma: float) -> Recipe:
    return replace(
        _FAST,
        tv_weight=DENOISE_TV_RATIO * sigma,
        refinement=REFINEMENT_PASSES,
        gap_passes=DENOISE_GAP_PASSES,
        window=DENOISE_WINDOW,
        shared_iterations=SHARED_ITERATIONS,
    )


fast_recipe_of_task.register(Deconvolve, _of_denoising)  # a blurred image is denoised, too


@fast_recipe_of_task.register(SuperResolve)
def _of_super_resolution(
    task: SuperResolve, settings: Settings, hole: Hole, sigma: float
) -> Recipe:
    if not task.axial:
        return _FAST_SUPER
    # Noise that is estimated from sections may be texture: only given noise has an effect.
    if isinstance(settings.noise, str):
        return replace(_FAST_AXIAL, stopping=Fixed())
    return replace(_FAST_AXIAL, tv_weight=max(AXIAL_TV_WEIGHT, AXIAL_TV_RATIO * sigma))


@fast_recipe_of_task.register(Inpaint)
def _of_inpainting(task: Inpaint, settings: Settings, hole: Hole, sigma: float) -> Recipe:
    return _FAST_INPAINT[hole]


def best_recipe(settings: Settings, hole: Hole, sigma: float, side: int) -> Recipe:
    """Return the recipe of ``best``: an ensemble of ``fast``, averaged with a filter."""
    chosen = fast_recipe(settings, hole, sigma, side)
    return replace(chosen, members=BEST_MEMBERS, average_with_filter=True)
