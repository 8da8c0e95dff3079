"""Restore a whole image: one unit after another, as a generator of snapshots."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.settings import Inpaint, Settings
from napari_dip.stack.problem import Problem, find_hole, make_problem
from napari_dip.stack.result import Result, Snapshot, UnitReport

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.prior.block import Block, Restored
    from napari_dip.prior.noise import NoiseModel
    from napari_dip.stack.axes import Index
    from napari_dip.stack.intensity import Scale

__all__ = [
    "Restoration",
    "Result",
    "Snapshot",
    "UnitReport",
    "make_block",
    "restore",
    "unit_seed",
]

MOST_METRICS = 500
"""Points of the stopping rule's curve that a report keeps."""

Restoration = Generator[Snapshot, None, Result]


def restore(
    image: ArrayLike,
    settings: Settings | None = None,
    *,
    mask: ArrayLike | None = None,
    psf: ArrayLike | None = None,
    axes: str | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Restoration:
    """Restore an image, showing how it comes along.

    Everything is checked at the call; the work is done when the generator is iterated.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. NaN and infinite pixels count as missing.
    settings
        What to do; ``None`` denoises with the preset ``fast``.
    mask
        True where a pixel is missing; of the image's shape, with or without the axis of the
        colours, or of its last axes. It holds for every task.
    psf
        Point spread function in pixels of the result, odd along each spatial axis: the image is
        deconvolved as well.
    axes
        Overrides ``settings.axes``.
    stop_requested
        Read in every iteration; true keeps the best so far and leaves units that have not begun
        as they are.

    Yields
    ------
    Snapshot

    Returns
    -------
    Result

    Raises
    ------
    BadImage, BadMask, BadSettings, DeviceUnavailable
        At the call.
    Diverged, OutOfMemory, DeviceFailed
        While iterating.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).poisson(20, (24, 24)).astype(np.uint16)
    >>> restoration = restore(noisy, Settings(iterations=20, device="cpu"))
    >>> iterations = [snapshot.iteration for snapshot in restoration]
    >>> iterations[-1]
    20
    """
    settings = settings or Settings()
    if axes is not None:
        settings = settings.replace(axes=axes)
    problem = make_problem(image, settings, mask, psf)
    return _restore(problem, stop_requested)


@dataclass
class _Clock:
    """Seconds since the start, and iterations of the units that are done."""

    began: float = field(default_factory=time.monotonic)
    iterations: int = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began


def _restore(problem: Problem, stop_requested: Callable[[], bool]) -> Restoration:
    """Fit the units one after another."""
    clock = _Clock()
    output = problem.unrestored()
    reports: list[UnitReport] = []
    spread: NDArray[np.float32] | None = None
    stopped = False
    for unit, index in enumerate(problem.layout.indices()):
        scale = problem.scales[unit]
        if scale is None:
            output[index] = problem.image[index][problem.known[index]][0]
            continue
        block = make_block(problem, unit, index, scale)
        restored = yield from _fit_unit(problem, unit, index, scale, block, clock, stop_requested)
        output[index] = problem.finish(index, scale, restored.estimate)
        if restored.spread is not None:
            spread = np.zeros(output.shape, np.float32) if spread is None else spread
            spread[index] = problem.finish_spread(index, scale, restored.spread)
        report = _report(index, restored, problem.noises[unit])
        reports.append(report)
        clock.iterations += report.iterations
        stopped = restored.fits[-1].stopped_by_user
        if stopped:
            break
    return Result(
        image=output,
        spread=spread,
        axes=problem.layout.axes,
        settings=problem.settings,
        reports=tuple(reports),
        device=problem.device,
        elapsed_s=clock.elapsed_s,
        stopped_by_user=stopped,
    )


def _fit_unit(
    problem: Problem,
    unit: int,
    index: Index,
    scale: Scale,
    block: Block,
    clock: _Clock,
    stop_requested: Callable[[], bool],
) -> Generator[Snapshot, None, Restored]:
    """Fit one unit, and say of each iterate what it means for the whole image."""
    from napari_dip.prior.block import block_recipe, restore_block
    from napari_dip.prior.device import release_memory

    settings, units = problem.settings, problem.layout.units
    chosen, _ = block_recipe(block, settings)
    most = chosen.iterations * chosen.members
    seed = unit_seed(settings.seed, unit)
    fitting = restore_block(
        block, settings, problem.device, seed=seed, stop_requested=stop_requested
    )
    try:
        while True:
            iterate = next(fitting)
            estimate = iterate.estimate
            left = (units - unit) * most - iterate.iteration
            elapsed = clock.elapsed_s
            yield Snapshot(
                unit=unit,
                units=units,
                index=index,
                iteration=iterate.iteration,
                iterations=most,
                loss=iterate.loss,
                metric=iterate.metric,
                elapsed_s=elapsed,
                remaining_s=elapsed / (clock.iterations + iterate.iteration) * left,
                image=None if estimate is None else problem.finish(index, scale, estimate),
            )
    except StopIteration as end:
        restored: Restored = end.value
        return restored
    finally:
        fitting.close()
        release_memory(problem.device)


def make_block(problem: Problem, unit: int, index: Index, scale: Scale) -> Block:
    """Scale one unit to [0, 1], with its noise and its holes."""
    from napari_dip.prior.block import Block

    known = problem.colours(problem.known, index)
    values = scale.to_unit(problem.colours(problem.image, index))
    values = np.where(known, values, 0.5).astype(np.float32)
    task = problem.settings.task
    hole = find_hole(known, task) if isinstance(task, Inpaint) else "scratches"
    noise = problem.noises[unit].rescaled(scale.low, scale.span)
    return Block(values, known, noise, hole, problem.psf)


def unit_seed(seed: int, unit: int) -> int:
    """Derive a unit's seed from the root seed and its number, not from the order of execution."""
    digest = hashlib.sha256(f"{seed}/{unit}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def _report(index: Index, restored: Restored, noise: NoiseModel) -> UnitReport:
    # A rule that is not ready yet says infinity, which JSON cannot hold.
    first, *_, last = (restored.fits[0], *restored.fits)
    ready = [(number, metric) for number, metric in first.metrics if math.isfinite(metric)]
    thinned = ready[:: -(-len(ready) // MOST_METRICS) or 1]
    return UnitReport(
        index=tuple(number for number in index if isinstance(number, int)),
        rule=first.rule,
        reason="; ".join(dict.fromkeys(fitted.reason for fitted in restored.fits)),
        iterations=sum(fitted.iterations for fitted in restored.fits),
        best_iteration=first.best_iteration,
        loss=last.loss,
        noise=noise.as_dict(),
        rollbacks=sum(fitted.rollbacks for fitted in restored.fits),
        members=len(restored.fits),
        arithmetic=restored.arithmetic,
        metric=tuple(thinned),
    )
