"""How long a restoration will take, and how much memory, roughly, before it begins."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.image.memory import peak_bytes
from napari_dip.image.tiles import cut
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.stages import denoises_first, stage_settings
from napari_dip.settings import Denoise, Inpaint

if TYPE_CHECKING:
    from napari_dip.dip.recipe import Recipe
    from napari_dip.image.lazy import Lazy
    from napari_dip.image.plan import Plan
    from napari_dip.image.survey import Survey
    from napari_dip.pipeline.costs import Costs
    from napari_dip.settings import Hole, Settings

__all__ = ["expected_bytes", "expected_seconds", "is_noisy", "survey_seconds"]

# The costs of an iteration and of a filter pass are measured on the machine itself, for a plane of
# one channel (pipeline/costs.py). The numbers below are ratios to these, all from
# benchmarks/NOTES.md, "The time that is told".
_PAPER = 12.0
"""Time of a pixel with the network of ``paper``, in that of ``fast`` in the same arithmetic."""

_CHANNELS = 0.69
"""Part of the time of a filter pass that grows with the number of channels."""

_PASS_OF_PLANES = 0.92
"""Time of a pixel in a filter pass over neighbouring planes, for each plane."""

_PASS_WITH_GAPS = 3.8
"""Time of a pixel in a filter pass where pixels are missing, for each channel."""

_SECOND_OPINION = 5.4
"""Time of a pixel in the filter of ``best`` that uses no network, for each channel."""

_SIDE_BY_SIDE = 1.15
"""Of fits at the same time, how much longer each takes."""

_LOOP = 1.1
"""What checks, previews and the survey add to the time of the iterations."""

_STOP_WITH_GAPS = 100
"""Iterations after which a fit to noisy pixels with gaps stops by itself (70 to 150)."""

_LITTLE_NOISE = 0.02
"""Part of the range of intensities: weaker noise does not end a fit before its last iteration."""

_PART = 0.5
"""Part of the preset's iterations after which a fit stops by itself, on average (0.3 to 0.7)."""

_LARGEST = 2**24
"""In pixels: gaps of larger units are not looked at before they are restored."""

_LOOK = 0.6e-6
"""Seconds for a value to be read, hashed, and searched for its noise before the first unit."""

_LOOK_AT_A_PLANE = 1e-3
"""Seconds that a plane takes for it, however small it is."""


def expected_seconds(
    plan: Plan,
    settings: Settings,
    device: str,
    missing: Lazy | None = None,
    *,
    noisy: bool = False,
) -> float:
    """Estimate how long all units take, from costs that were measured on the device.

    It is good to a factor of 1.5 or so: nobody knows yet when the fits will stop. Where pixels are
    ``missing``, of the image's shape, the kind of the first gaps stands for that of all, and
    ``noisy`` says whether the other pixels are, which ends the fit sooner.
    """
    if denoises_first(settings):
        return sum(expected_seconds(plan, stage, device) for stage in stage_settings(settings))
    hole, layout = _hole(plan, settings, missing), plan.layout
    chosen = recipe(settings, hole=hole)
    factors = tuple(settings.factors.values())
    whole = tuple(slice(0, size) for size in layout.spatial_shape)
    tiles = cut(layout.spatial_shape, plan.tile, settings.overlap) if plan.tile else [whole]
    shapes = [
        tuple(f * (part.stop - part.start) for f, part in zip(factors, tile, strict=True))
        for tile in tiles
    ]
    costs = _costs(chosen, plan, device)
    pixels = sum(map(math.prod, shapes))
    slower = _PAPER if settings.preset == "paper" else 1
    iteration = len(shapes) * costs.iteration_s + slower * pixels * costs.pixel_s
    channels = layout.units / len(plan.units) if plan.window > 1 else plan.channels
    planes = layout.ndim == 3 or (plan.window > 1 and layout.shared != "C")
    passes = _refining(chosen, settings, channels, planes=planes)
    iterations = _LOOP * _iterations(chosen, plan, settings, noisy=noisy)
    fit = iterations * iteration + pixels * passes * costs.filter_s
    asked = chosen.second_opinion and isinstance(settings.task, Denoise) and not planes
    again = pixels * channels * _SECOND_OPINION * costs.filter_s * asked
    units = math.ceil(len(plan.units) / plan.units_at_once)
    fits = math.ceil(chosen.members / plan.fits_at_once)
    side_by_side = _SIDE_BY_SIDE if plan.at_once > 1 else 1
    return float(units * (fits * fit + again) * side_by_side)


def is_noisy(survey: Survey) -> bool:
    """Return whether noise is likely to end the fit of an image with gaps."""
    return any(
        scale is not None and bool(noise.sigma(float(scale.high)) > _LITTLE_NOISE * scale.span)
        for scale, noise in zip(survey.scales, survey.noises, strict=True)
    )


def survey_seconds(plan: Plan) -> float:
    """Estimate how long the look at all planes takes, before the first unit."""
    layout = plan.layout
    planes = math.prod(layout.shape) // math.prod(layout.shape[layout.axes.index(a)] for a in "YX")
    return _LOOK * math.prod(layout.shape) + _LOOK_AT_A_PLANE * planes


def _hole(plan: Plan, settings: Settings, missing: Lazy | None) -> Hole:
    """Tell what kind of gaps there are, as far as that is known."""
    task = settings.task
    if not isinstance(task, Inpaint):
        return "scratches"  # of no account
    if task.missing != "auto" or missing is None:
        return "scratches" if task.missing == "auto" else task.missing
    from napari_dip.image.problem import find_hole  # the shell's --help need not wait for scipy

    for unit in plan.units:
        known = ~plan.layout.to_block(missing[unit.index])
        if not known.all() and known.size <= _LARGEST:
            return find_hole(known, task)
    return "scratches"


def _costs(chosen: Recipe, plan: Plan, device: str) -> Costs:
    """Return the costs on the device, in the arithmetic in which the plan is computed."""
    from napari_dip.compute.concurrency import threads_per_fit
    from napari_dip.compute.device import cpu_threads
    from napari_dip.pipeline.costs import measure_costs
    from napari_dip.pipeline.precision import calibrate, choose_arithmetic

    threads = threads_per_fit(cpu_threads(), plan.at_once)
    costs = measure_costs(device, threads)
    calibration = calibrate(device, threads)
    own = str(choose_arithmetic(chosen.precision, device, plan.layout.ndim, threads))
    timed = calibration.milliseconds[calibration.chosen]
    ratio = calibration.milliseconds.get(own, timed) / timed
    return replace(costs, iteration_s=ratio * costs.iteration_s, pixel_s=ratio * costs.pixel_s)


def _iterations(chosen: Recipe, plan: Plan, settings: Settings, *, noisy: bool) -> float:
    """Estimate how many iterations a fit takes."""
    # Planes that share a network seldom stop before the few iterations that they are given.
    if plan.window > 1 and chosen.shared_iterations and settings.iterations is None:
        return chosen.shared_iterations
    if chosen.stopping.rule == "fixed":
        return chosen.iterations
    # Nothing but noise ends a fit to an image with gaps.
    if isinstance(settings.task, Inpaint):
        return min(chosen.iterations, _STOP_WITH_GAPS) if noisy else chosen.iterations
    return min(chosen.iterations, _PART * recipe(settings.replace(iterations=None)).iterations)


def _refining(chosen: Recipe, settings: Settings, channels: float, *, planes: bool) -> float:
    """Estimate the filter passes after a fit, in passes over one channel."""
    gaps = isinstance(settings.task, Inpaint)
    filling = chosen.filling * channels * _PASS_WITH_GAPS if gaps else 0.0
    if settings.keeps_known:
        return filling
    return filling + _smoothing(chosen.refinement, channels, planes=planes)


def _smoothing(passes: int, channels: float, *, planes: bool) -> float:
    """Estimate the passes that take out noise, in passes over one channel."""
    if not passes:
        return 0.0
    # Two more: of planes, one before on the noisy planes alone and one of pairs after; else both
    # before, on the noisy image alone.
    every = passes + 2
    return every * (_PASS_OF_PLANES * channels if planes else 1 + _CHANNELS * (channels - 1))


def expected_bytes(plan: Plan, settings: Settings, device: str) -> int:
    """Estimate how much memory the work takes at most at a time, the result not counted."""
    from napari_dip.pipeline.precision import choose_arithmetic

    layout = plan.layout
    *depth, height, width = layout.spatial_shape
    side = plan.tile or max(height, width)
    pixels = math.prod((*depth, min(side, height), min(side, width), *settings.factors.values()))
    precision = choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision
    return plan.at_once * peak_bytes(settings, pixels, plan.channels, precision)
