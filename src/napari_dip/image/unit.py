"""Restore one unit: scale it, restore the block, and convert the result to the image's units."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import OutOfMemory
from napari_dip.image.gap_types import gap_type
from napari_dip.image.replicas import SENTENCE, iterations_of_replicas, restore_replicas
from napari_dip.image.staged_fit import most_iterations, restore_in_stages
from napari_dip.image.tiled_fit import restore_in_tiles, tiles_of
from napari_dip.image.unit_report import UnitReport, report_of_fits, report_without_fit
from napari_dip.image.unit_uncertainty import certain, uncertainty_from_error
from napari_dip.image.unit_values import (
    constant_values,
    is_window,
    restored_values,
    unknown_channels,
    unrestored_values,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_dip.image.intensity import Scale
    from napari_dip.image.observed import ObservedPart
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.replicas import Fit
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.restore_block import Restored
    from napari_dip.progress import Monitor, Snapshot
    from napari_dip.settings import Settings

__all__ = [
    "RestoredUnit",
    "continue_unit",
    "fit_block",
    "make_block",
    "restore_unit",
    "unit_seed",
    "unrestored_unit",
]

CONSERVE_TOTAL = "Add a constant to each plane, so that its total intensity is that of the image."
SMALLEST_TILE = 64  # pixels: smaller tiles have too little structure to fit


@dataclass(frozen=True)
class RestoredUnit:
    """A restored unit: its part of the result, its uncertainty and its report.

    ``restored`` holds the network, if it was asked for and the fit can be continued.
    """

    image: NDArray[Any]
    uncertainty: NDArray[np.float32] | None
    report: UnitReport
    restored: Restored | None = None


def restore_unit(
    problem: Problem, unit: Unit, monitor: Monitor, *, keep: bool = False
) -> Generator[Snapshot, None, RestoredUnit]:
    """Read and restore one unit; ``keep`` keeps the network for a continuation.

    If the memory runs out, it is restored again in smaller tiles.
    """
    from napari_dip.compute.device import release_memory

    observed = problem.observed.read(unit.input_index)
    if (unrestored := unrestored_unit(problem, unit, observed)) is not None:
        return unrestored
    scale = problem.scale(unit)
    assert scale is not None, "a constant unit is not restored"
    block, settings = make_block(problem, unit, observed, scale), problem.settings
    show = partial(restored_values, problem, unit, observed, scale)
    tile, note = problem.plan.tile, ""
    while True:
        tiles = len(tiles_of(block, settings, tile)) if tile else 1
        most = most_iterations(block, settings, tiles)
        replicas = iterations_of_replicas(block, settings, tiles)
        monitor = replace(monitor, convert=show, iterations=most + replicas)
        fit = partial(fit_block, problem, unit, tile)
        try:
            restored = yield from fit(settings, block, monitor)
            error = yield from _error_of(restored, block, settings, monitor, fit)
            break
        except OutOfMemory:
            tile = _smaller_tile(problem, tile)
            if tile is None:
                raise
            note = f"memory ran out: restored in tiles of {tile} pixels"
        finally:
            release_memory(problem.device)
    colours = problem.layout.colours(observed.known)
    if "S" in problem.layout.axes and (lost := unknown_channels(colours)):
        names = " and ".join(("red", "green", "blue")[number] for number in lost)
        note = "; ".join(filter(None, [note, f"no pixel of {names} is known, which is unchanged"]))
    return _done(problem, unit, observed, scale, restored, error, most, note, keep=keep)


def unrestored_unit(problem: Problem, unit: Unit, observed: ObservedPart) -> RestoredUnit | None:
    """Return a unit that needs no restoration; ``None`` for one that does."""
    known = problem.layout.colours(observed.known)
    if not known.any():
        report = replace(report_without_fit(unit, "no pixel is known"), unchanged=True)
        return RestoredUnit(unrestored_values(problem, unit.index), None, report)
    if problem.scale(unit) is None or observed.constant:
        report = report_without_fit(unit, "all values are equal")
        wanted = problem.settings.gives_uncertainty
        uncertainty = certain(problem, unit, observed) if wanted else None
        return RestoredUnit(constant_values(problem, unit, observed), uncertainty, report)
    if problem.settings.keeps_known and known.all():
        report = report_without_fit(unit, "nothing is missing")
        return RestoredUnit(unrestored_values(problem, unit.index), None, report)
    return None


def continue_unit(
    problem: Problem,
    unit: Unit,
    restored: Restored,
    iterations: int,
    monitor: Monitor,
) -> Generator[Snapshot, None, RestoredUnit]:
    """Continue the fit of a unit whose network was kept."""
    from napari_dip.compute.device import release_memory
    from napari_dip.pipeline.restore_block import continue_block

    observed, scale = problem.observed.read(unit.input_index), problem.scale(unit)
    assert scale is not None, "a constant unit has no network"
    denoising, refining = (
        sum(fitted.iterations for fitted in fits) for fits in (restored.before, restored.fits)
    )
    total = denoising + refining + iterations
    show = partial(restored_values, problem, unit, observed, scale)
    block, settings = make_block(problem, unit, observed, scale), problem.settings
    replicas = iterations_of_replicas(block, settings, tiles=1)
    monitor = replace(monitor, convert=show, iterations=total + replicas)
    try:
        longer = replace(monitor, before=denoising)
        restored = yield from continue_block(restored, iterations, longer)
        fit = partial(fit_block, problem, unit, None)
        error = yield from _error_of(restored, block, settings, monitor, fit)
    finally:
        release_memory(problem.device)
    return _done(problem, unit, observed, scale, restored, error, total, "", keep=True)


def _done(
    problem: Problem,
    unit: Unit,
    observed: ObservedPart,
    scale: Scale,
    restored: Restored,
    error: NDArray[np.float32] | None,
    most: int,
    note: str,
    *,
    keep: bool,
) -> RestoredUnit:
    note = "; ".join(filter(None, [note, _too_bright(problem, scale, restored.estimate)]))
    report = report_of_fits(unit, restored, problem.noises(unit), most, note)
    if problem.settings.conserve_total:
        report = replace(report, steps=(*report.steps, CONSERVE_TOTAL))
    if error is None and problem.settings.gives_uncertainty and not restored.stopped_by_user:
        reason = f"{report.reason}; stopped before its uncertainty was known"
        report = replace(report, stopped_by_user=True, reason=reason)
    if error is not None:
        report = replace(report, steps=(*report.steps, SENTENCE))
    return RestoredUnit(
        restored_values(problem, unit, observed, scale, restored.estimate),
        None if error is None else uncertainty_from_error(problem, unit, observed, scale, error),
        report,
        restored if keep and restored.last is not None else None,
    )


def _too_bright(problem: Problem, scale: Scale, estimate: NDArray[np.float32]) -> str:
    """Say how many sharp pixels an integer type cannot hold; empty if it holds all."""
    if problem.blur is None or not np.issubdtype(problem.dtype, np.integer):
        return ""
    most = (np.iinfo(problem.dtype).max - np.asarray(scale.low)) / np.asarray(scale.span)
    lost = int(np.count_nonzero(estimate > most + 0.5 / np.asarray(scale.span)))
    if not lost:
        return ""
    pixels = "1 pixel is" if lost == 1 else f"{lost} pixels are"
    return f"{pixels} brighter than {problem.dtype.name} can hold; choose dtype='float32'"


def fit_block(
    problem: Problem,
    unit: Unit,
    tile: int | None,
    settings: Settings,
    block: Block,
    monitor: Monitor,
) -> Generator[Snapshot, None, Restored]:
    """Restore the block of a unit, with its own seed."""
    in_tiles = partial(
        restore_in_tiles,
        device=problem.device,
        seed=unit_seed(settings.seed, unit.number),
        tile=tile,
        at_once=problem.plan.fits_at_once,
    )
    return restore_in_stages(block, settings, monitor, in_tiles)


def _error_of(
    restored: Restored, block: Block, settings: Settings, monitor: Monitor, fit: Fit
) -> Generator[Snapshot, None, NDArray[np.float32] | None]:
    """Return the standard error of a restored block; ``None`` if it is not wanted, or stopped."""
    if not settings.gives_uncertainty or restored.stopped_by_user:
        return None
    after = monitor.after(restored.iterations)
    return (yield from restore_replicas(block, settings, restored.estimate, after, fit))


def _smaller_tile(problem: Problem, tile: int | None) -> int | None:
    """Return half of the side of a tile; ``None`` if that is too small."""
    half = (tile or max(problem.layout.spatial_shape[-2:])) // 2
    return half if half >= max(SMALLEST_TILE, 2 * problem.settings.overlap + 1) else None


def make_block(problem: Problem, unit: Unit, observed: ObservedPart, scale: Scale) -> Block:
    """Scale one unit to [0, 1], with its noise models and the type of its gaps."""
    from napari_dip.pipeline.block import Block

    known = problem.layout.colours(observed.known)
    values = scale.to_unit(problem.layout.colours(observed.values))
    values = np.where(known, values, 0.5).astype(np.float32)
    hole = gap_type(known, problem.settings.task)
    own = zip(problem.noises(unit), np.ravel(scale.low), np.ravel(scale.span), strict=True)
    noises = tuple(noise.rescaled(float(low), float(span)) for noise, low, span in own)
    if len(noises) == 1:
        noises *= len(values)
    shared = problem.layout.shared if is_window(problem, unit) and len(values) > 1 else ""
    return Block(values, known, noises, hole, problem.psf_of(unit), shared)


def unit_seed(seed: int, unit: int) -> int:
    """Derive the seed of a unit from the root seed and the number of the unit."""
    digest = hashlib.sha256(f"{seed}/{unit}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
