"""Restore a whole image: one unit after another, as a generator of snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_dip.settings import Settings
from napari_dip.stack.output import InMemory, Output
from napari_dip.stack.problem import Problem, make_problem
from napari_dip.stack.result import Result, Snapshot, UnitReport
from napari_dip.stack.unit import Done, restore_unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Restoration", "Result", "Snapshot", "UnitReport", "conclude", "restore", "run"]

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

    Everything is checked at the call, for which all planes are read once; the work is done when
    the generator is iterated.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. NaN and infinite pixels count as missing. An
        array that is read on demand (of dask, zarr, xarray) is read unit by unit.
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
    return run(problem, InMemory(problem), stop_requested)


@dataclass
class _Clock:
    """Seconds since the start, and iterations of the units that are done."""

    began: float = field(default_factory=time.monotonic)
    iterations: int = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began


def run(
    problem: Problem, output: Output, stop_requested: Callable[[], bool] = lambda: False
) -> Restoration:
    """Restore the units that the output does not hold yet, one after another."""
    clock = _Clock()
    reports = dict(output.done())
    todo = [unit for unit in problem.plan.units if unit.number not in reports]
    stopped = False
    for place, unit in enumerate(todo):
        steps = restore_unit(problem, unit, stop_requested)
        try:
            while True:
                step = next(steps)
                left = (len(todo) - place) * step.iterations - step.iteration
                elapsed = clock.elapsed_s
                yield Snapshot(
                    unit=len(problem.plan.units) - len(todo) + place,
                    units=len(problem.plan.units),
                    index=unit.index,
                    iteration=step.iteration,
                    iterations=step.iterations,
                    loss=step.loss,
                    metric=step.metric,
                    elapsed_s=elapsed,
                    remaining_s=elapsed / (clock.iterations + step.iteration) * left,
                    image=step.image,
                )
        except StopIteration as end:
            done: Done = end.value
        finally:
            steps.close()
        output.put(unit, done)
        reports[unit.number] = done.report
        clock.iterations += done.report.iterations
        stopped = done.report.stopped_by_user
        if stopped:
            break
    return conclude(problem, output, reports, clock.elapsed_s, stopped=stopped)


def conclude(
    problem: Problem,
    output: Output,
    reports: Mapping[int, UnitReport],
    elapsed_s: float,
    *,
    stopped: bool,
) -> Result:
    """Put the result together, and tell the output if all of it is there."""
    result = Result(
        image=output.image,
        spread=output.spread,
        axes=problem.layout.axes,
        settings=problem.settings,
        reports=tuple(report for _, report in sorted(reports.items()) if report.iterations),
        device=problem.device,
        elapsed_s=elapsed_s,
        stopped_by_user=stopped,
        plan=str(problem),
    )
    if not stopped:
        output.finish(result)
    return result
