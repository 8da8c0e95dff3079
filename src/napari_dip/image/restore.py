"""Restore a whole image unit by unit, as a generator of progress records."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.generators import map_steps
from napari_dip.image.arguments import problem_from_python
from napari_dip.image.coverage import Coverage, Part
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.image.result import Result
from napari_dip.image.run_progress import Clock, ImageProgress
from napari_dip.image.sink import InMemory, Sink
from napari_dip.image.unit import RestoredUnit, continue_unit, restore_unit
from napari_dip.image.unit_report import UnitReport
from napari_dip.progress import Monitor, Snapshot, no_report
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.pipeline.restore_block import Restored
    from napari_dip.progress import Report

__all__ = ["Restoration", "Result", "UnitReport", "conclude", "restore", "run"]

Restoration = Generator[Snapshot, None, Result]


def restore(
    image: ArrayLike,
    settings: Settings | None = None,
    *,
    mask: ArrayLike | None = None,
    psf: ArrayLike | None = None,
    axes: str | None = None,
    mask_axes: str | None = None,
    psf_axes: str | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
    report: Report = no_report,
    keep_network: bool = False,
) -> Restoration:
    """Restore an image, and yield its progress.

    The call checks everything, for which it reads every plane once. The work is done while the
    generator is iterated.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. NaN, infinite and masked pixels (``numpy.ma``,
        dask, torch, pandas) count as missing. A lazy array (dask, zarr, xarray) is read unit by
        unit.
    settings
        What to do; ``None`` denoises with the preset ``fast``.
    mask
        True where a pixel is missing, for every task. It has all axes of the image, or some of them
        with Y and X. Masked values in it count as missing.
    psf
        Point spread function in pixels of the result, with odd sides and the spatial axes in the
        order of the image. With it, the image is deconvolved too.
    axes
        Overrides ``settings.axes``. Without either, the axes are the dimensions of an xarray, or
        are guessed from the shape: Y and X are the last two, before a last axis of 3 colours or of
        2, 4, 5, 6 or 7 channels.
    mask_axes, psf_axes
        One letter for each axis of the mask, and of the point spread function. They are needed if
        the lengths of the axes fit the image in more than one way.
    stop_requested
        Called in every iteration, and between the batches of a filter; true ends the run with the
        best estimate so far. Planes that have not begun are then empty: NaN, or 0 for integers; see
        :attr:`Result.empty`. It may block to pause the run; that time is not counted.
    report
        Called with the stage of a unit, ``"filter"`` or ``"fit"``, and with the part of the stage
        that is done, from 0 to 1. Several units at once call it from threads of their own.
    keep_network
        Whether the result keeps the network, which :meth:`Result.continued` needs.

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
    problem = problem_from_python(
        image,
        settings or Settings(),
        mask=mask,
        psf=psf,
        axes=axes,
        mask_axes=mask_axes,
        psf_axes=psf_axes,
        stacklevel=3,
    )
    return run(problem, InMemory(problem), stop_requested, report, keep_network=keep_network)


def run(
    problem: Problem,
    output: Sink,
    stop_requested: Callable[[], bool] = lambda: False,
    report: Report = no_report,
    *,
    keep_network: bool = False,
) -> Restoration:
    """Restore the units that the sink does not hold yet, concurrently as the plan says."""
    from napari_dip.compute.concurrency import in_fit_order, run_concurrently
    from napari_dip.compute.device import default_modes

    clock = Clock()
    monitor = Monitor(clock.patient(stop_requested), clock.overdue, report)
    keep = keep_network and len(problem.plan.units) == 1
    reports = dict(output.done())
    todo = [unit for unit in problem.plan.units if unit.number not in reports]
    progress = ImageProgress(problem.plan, todo, clock)
    kept: Restored | None = None

    def put(place: int, done: RestoredUnit) -> None:
        nonlocal kept
        output.put(todo[place], done)
        reports[todo[place].number] = done.report
        progress.end(place, done.report.iterations)
        kept = done.restored

    begun = takewhile(lambda _: not clock.stopping, todo)
    units = (restore_unit(problem, unit, monitor, keep=keep) for unit in begun)
    if (at_once := problem.plan.units_at_once) > 1:
        steps = map_steps(run_concurrently(units, at_once, problem.device, put), progress.noted)
        with closing(in_fit_order(steps, progress.ended, Snapshot.without_image)) as in_order:
            for place, step in in_order:
                yield progress.completed(place, step)
    else:
        for place, unit in enumerate(units):
            update = partial(progress.update, place)
            put(place, (yield from map_steps(unit, update, default_modes)))
    stopped = len(reports) < len(problem.plan.units) or any(
        report.stopped_by_user for report in reports.values()
    )
    result = conclude(problem, output, reports, clock.elapsed_s, stopped=stopped)
    if not keep_network:
        return result
    if kept is not None:
        return replace(result, final="", more=_More(problem, todo[0], kept))
    return replace(result, final=_why_final(problem, result))


@dataclass
class _More:
    """The continuation of the only unit of an image; it can be called once."""

    problem: Problem
    unit: Unit
    restored: Restored | None

    def __call__(
        self, result: Result, iterations: int, stop_requested: Callable[[], bool], report: Report
    ) -> Restoration:
        if self.restored is None:
            raise BadSettings("this result was continued before; continue the later result")
        restored, self.restored = self.restored, None
        return self._run(result, restored, iterations, stop_requested, report)

    def _run(
        self,
        result: Result,
        restored: Restored,
        iterations: int,
        stop_requested: Callable[[], bool],
        report: Report,
    ) -> Restoration:
        from napari_dip.compute.device import default_modes

        clock = Clock(time.monotonic() - result.elapsed_s)
        progress = ImageProgress(self.problem.plan, [self.unit], clock)
        monitor = Monitor(clock.patient(stop_requested), clock.overdue, report)
        steps = continue_unit(self.problem, self.unit, restored, iterations, monitor)
        done = yield from map_steps(steps, partial(progress.update, 0), default_modes)
        output = InMemory(self.problem)
        output.put(self.unit, done)
        before = sum(report.iterations for report in result.reports)
        return replace(
            conclude(
                self.problem,
                output,
                {self.unit.number: done.report},
                clock.elapsed_s,
                stopped=done.report.stopped_by_user,
            ),
            continued_at=(*result.continued_at, before),
            final="",
            more=_More(self.problem, self.unit, done.restored),
        )


def _why_final(problem: Problem, result: Result) -> str:
    """Explain why there is no single fit to continue."""
    if len(problem.plan.units) > 1:
        return "each of its parts was restored by a network of its own"
    if not result.reports:
        nothing = "there was nothing to restore"
        return "it was stopped before the fit" if result.stopped_by_user else nothing
    if problem.settings.prior.network == "none":
        return "no network was fitted"
    if problem.plan.tile is not None or result.reports[0].tiles > 1:
        return "each of its tiles was restored by a network of its own"
    if result.reports[0].members > 1:
        return "it is the mean of several fits"
    return "it was stopped before its pixels were refined"


def conclude(
    problem: Problem,
    output: Sink,
    reports: Mapping[int, UnitReport],
    elapsed_s: float,
    *,
    stopped: bool,
    machine: Mapping[str, Any] | None = None,
) -> Result:
    """Build the result, and complete the sink; ``machine`` describes another machine than this."""
    from napari_dip.compute.machine import machine_record

    axes = problem.layout.axes
    if not stopped:
        output.assemble()
    arrays = {} if stopped else {"image": output.image, "uncertainty": output.uncertainty}
    result = Result(
        image=output.image,
        uncertainty=output.uncertainty,
        axes=axes,
        settings=problem.settings,
        reports=tuple(report for _, report in sorted(reports.items()) if report.iterations),
        device=problem.device,
        elapsed_s=elapsed_s,
        stopped_by_user=stopped,
        plan=str(problem),
        psf=None if problem.blur is None else problem.blur.record(),
        coverage=_coverage(problem, reports),
        problem=problem,
        digests={
            name: pixel_digest(array, axes) for name, array in arrays.items() if array is not None
        },
        machine=machine_record(problem.device) if machine is None else machine,
    )
    output.finish(result)
    # A file may have its final name only now.
    return replace(result, image=output.image, uncertainty=output.uncertainty)


def _coverage(problem: Problem, reports: Mapping[int, UnitReport]) -> Coverage:
    """Return what became of each plane."""
    layout = problem.layout

    def part(unit: Unit) -> Part:
        numbers = tuple(
            range(chosen, chosen + 1) if isinstance(chosen, int) else chosen
            for axis in layout.leading
            for chosen in (range(layout.shape[axis])[unit.index[axis]],)
        )
        report = reports.get(unit.number)
        if report is None:
            return Part(numbers, "empty")
        if report.unchanged:
            return Part(numbers, "unchanged")
        if not report.stopped_by_user:
            return Part(numbers, "restored")
        counts = report.iterations, report.most_iterations, report.tiles, report.of_tiles
        return Part(numbers, "partial", *counts)

    return Coverage(
        "".join(layout.axes[axis] for axis in layout.leading),
        tuple(layout.shape[axis] for axis in layout.leading),
        tuple(map(part, problem.plan.units)),
        problem.settings.task.spec.done,
    )
