"""The expected steps, time and memory of a restoration, before the image is read."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.image.memory import peak_bytes
from napari_dip.image.replicas import REPLICAS, SENTENCE, settings_of_replica
from napari_dip.image.tiles import split_into_tiles
from napari_dip.pipeline.conditions import LITTLE_NOISE
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.stages import denoises_first, stage_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_dip.dip.recipe import Recipe
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Plan
    from napari_dip.image.survey import Survey
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.facts import Facts
    from napari_dip.pipeline.resolve import Pipeline
    from napari_dip.settings import Hole, Settings

__all__ = [
    "expected_bytes",
    "expected_seconds",
    "expected_steps",
    "is_noisy",
    "start_seconds",
    "survey_seconds",
]

# Measured in benchmarks/NOTES.md, "Run time forecast".

_CONCURRENT = 1.15  # factor: how much longer each fit takes beside others
_SURVEY_VALUE = 0.6e-6  # seconds: to read, hash and survey one value
_SURVEY_PLANE = 1e-3  # seconds: to survey a plane, however small

_LARGEST_GAPS = 2**24  # pixels: the gaps of larger units are not looked at before the run


def expected_seconds(
    plan: Plan,
    settings: Settings,
    device: str,
    missing: LazyArray | None = None,
    *,
    noisy: bool = False,
) -> float:
    """Estimate how long all units take, from costs that were measured on the device.

    It is good to a factor of 1.5 or so: nobody knows yet when the fits will stop. Where pixels are
    ``missing``, of the image's shape, the kind of the first gaps stands for that of all, and
    ``noisy`` says whether the other pixels are, which ends the fit sooner.
    """
    if settings.gives_uncertainty:
        alone, replica = settings.replace(uncertainty=False), settings_of_replica(settings, 0)
        first, further = (
            expected_seconds(plan, each, device, missing, noisy=noisy) for each in (alone, replica)
        )
        return first + REPLICAS * further
    if denoises_first(settings):
        return sum(expected_seconds(*stage, device) for stage in _stages(plan, settings))
    seconds = 0.0
    for facts, pipeline in _expected_pipelines(plan, settings, missing, noisy=noisy):
        costs = _costs(pipeline.recipe, plan, device)
        seconds += pipeline.seconds(facts.shape, costs, plan.fits_at_once)
    units = math.ceil(len(plan.units) / plan.units_at_once)
    return float(units * seconds * (_CONCURRENT if plan.at_once > 1 else 1))


def expected_steps(
    plan: Plan, settings: Settings, missing: LazyArray | None = None, *, noisy: bool = False
) -> tuple[str, ...]:
    """Describe the steps of the first part, a sentence each, before the image is read.

    They may change when the image is surveyed: an image without noise is not filtered.
    """
    if settings.gives_uncertainty:
        alone = settings.replace(uncertainty=False)
        return (*expected_steps(plan, alone, missing, noisy=noisy), SENTENCE)
    if denoises_first(settings):
        stages = _stages(plan, settings)
        return tuple(sentence for stage in stages for sentence in expected_steps(*stage))
    _, pipeline = next(_expected_pipelines(plan, settings, missing, noisy=noisy))
    return tuple(pipeline.sentences())


def _expected_pipelines(
    plan: Plan, settings: Settings, missing: LazyArray | None, *, noisy: bool
) -> Iterator[tuple[Facts, Pipeline]]:
    """Yield the assumed facts and the pipeline of each tile of a unit, in one stage."""
    from napari_dip.pipeline.facts import assume
    from napari_dip.pipeline.resolve import resolve

    hole, layout = _hole(plan, settings, missing), plan.layout
    shares = plan.window > 1
    shared = layout.shared if shares else ""
    channels = max(1, round(layout.units / len(plan.units))) if shares else plan.channels
    whole = tuple(slice(0, size) for size in layout.spatial_shape)
    tiles = (
        split_into_tiles(layout.spatial_shape, plan.tile, settings.overlap)
        if plan.tile
        else [whole]
    )
    for tile in tiles:
        sides = tuple(part.stop - part.start for part in tile)
        facts = assume(
            settings, channels, sides, gaps=hole, shared=shared, noisy=noisy, kernel=plan.kernel
        )
        yield facts, resolve(facts, settings)


def _stages(plan: Plan, settings: Settings) -> tuple[tuple[Plan, Settings], tuple[Plan, Settings]]:
    """Return plan and settings of each stage: the first one removes the noise alone."""
    one_plane = plan.layout.ndim == 2 and plan.window == 1
    denoising, refining = stage_settings(settings, one_plane=one_plane)
    return (replace(plan, kernel=()), denoising), (plan, refining)


def is_noisy(survey: Survey) -> bool:
    """Return whether noise is likely to end the fit of an image with gaps."""
    return any(
        scale is not None and bool(noise.sigma(float(scale.high)) > LITTLE_NOISE * scale.span)
        for scale, noise in zip(survey.scales, survey.noises, strict=True)
    )


def survey_seconds(plan: Plan) -> float:
    """Estimate how long the look at all planes takes, before the first unit."""
    layout = plan.layout
    planes = math.prod(layout.shape) // math.prod(layout.shape[layout.axes.index(a)] for a in "YX")
    return _SURVEY_VALUE * math.prod(layout.shape) + _SURVEY_PLANE * planes


def start_seconds() -> float:
    """Estimate how much longer the first run of this process takes, as code is loaded."""
    from napari_dip.pipeline.costs import first_fit_seconds

    return first_fit_seconds()


def _hole(plan: Plan, settings: Settings, missing: LazyArray | None) -> Hole:
    """Tell what kind of gaps there are, as far as that is known."""
    if settings.task.hole is not None or missing is None:
        return settings.task.hole or "scratches"
    from napari_dip.image.gap_types import gap_type  # the shell's --help need not wait for scipy

    for unit in plan.units:
        known = ~plan.layout.to_block(missing[unit.index])
        if not known.all() and known.size <= _LARGEST_GAPS:
            return gap_type(known, settings.task)
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


def expected_bytes(plan: Plan, settings: Settings, device: str) -> int:
    """Estimate how much memory the work takes at most at a time, the result not counted."""
    from napari_dip.pipeline.precision import choose_arithmetic

    layout = plan.layout
    *depth, height, width = layout.spatial_shape
    side = plan.tile or max(height, width)
    sides = (*depth, min(side, height), min(side, width))
    precision = choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision
    return plan.at_once * peak_bytes(settings, plan.channels, sides, precision, plan.kernel)
