"""The same units on many processes and machines, by dask.distributed.

Whoever restores a unit, the result is the same: its seed comes from the plan, and the arithmetic
and the number of threads are agreed before. A unit on a worker that dies is restored on another.
What goes into OME-Zarr is written by the workers themselves: of these images, nothing but a preview
now and then passes the scheduler.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from napari_dip.cluster.desk import Desk
from napari_dip.cluster.worker import Bench, Terms, look_around, measure
from napari_dip.errors import BadSettings, DeviceUnavailable, NapariDipError
from napari_dip.image.coverage import place_in_words
from napari_dip.image.restore import conclude
from napari_dip.image.result import Snapshot, UnitReport
from napari_dip.image.unit import Done, UnitStep
from napari_dip.pipeline.presets import recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client
    from numpy.typing import NDArray

    from napari_dip.image.plan import Plan, Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration
    from napari_dip.image.sink import Output

__all__ = ["common_bench", "restore_on_cluster"]

T = TypeVar("T")

_LOOK_EVERY_S = 0.2
"""While a worker that has just begun loads torch, whether anybody still wants its answer."""


def _never() -> bool:
    return False


def restore_on_cluster(
    problem: Problem,
    output: Output,
    client: Client,
    *,
    stop_requested: Callable[[], bool] = _never,
    threads: int | None = None,
    previews: bool = True,
) -> Restoration:
    """Restore the units that the output does not hold yet, on the workers of a cluster.

    It yields and returns what :func:`~napari_dip.image.restore.run` does. An image in files is
    read by the workers, which must see these files; of any other they are sent their parts.

    Parameters
    ----------
    problem
        What is restored; its device is one of the workers'.
    output
        Where it goes; the workers write an :class:`~napari_dip.files.resumable_output.OnDisk`.
    client
        Of the cluster, best of workers of one thread each: none restores two units at once.
    stop_requested
        Once true, no unit is begun any more, and those that are restored keep their best.
    threads
        With which a worker computes on the CPU; ``None`` for as many as a fit has here, so that
        the result is to the last bit that of a run here.
    previews
        Whether now and then a snapshot shows one of the units that are being restored; its
        picture comes from the worker through the scheduler.

    Raises
    ------
    BadSettings, DeviceUnavailable
        At the call, if workers lack the device or have other versions than this process.
    NapariDipError
        At the call, if a stop is requested before all workers have answered.
        While iterating, with the unit and what to do about it. What was put is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Settings
    >>> from napari_dip.cluster.machines import hire
    >>> from napari_dip.image.sink import InMemory
    >>> from napari_dip.image.problem import make_problem
    >>> noisy = np.random.default_rng(0).poisson(20, (2, 24, 24)).astype(np.uint16)
    >>> settings = Settings(axes="CYX", iterations=5, precision="float32", device="cpu")
    >>> problem = make_problem(noisy, settings, None, None)
    >>> with hire("cpu", workers=1) as crew:
    ...     steps = [*restore_on_cluster(problem, InMemory(problem), crew.client)]
    >>> steps[-1].unit
    1
    """
    bench = common_bench(client, problem.device, stop_requested)
    if threads is None:
        from napari_dip.compute.concurrency import threads_per_fit
        from napari_dip.compute.device import cpu_threads

        threads = threads_per_fit(cpu_threads(), problem.plan.at_once)
    arithmetic = None
    if recipe(problem.settings).precision == "auto":
        ask = partial(_ask, client, bench.address, stop_requested)
        arithmetic = ask(measure, problem.device, threads)
    terms = Terms(problem.device, threads, arithmetic)
    desk = Desk(problem, output, client, terms, previews=previews)
    return _run(problem, output, desk, stop_requested)


def common_bench(client: Client, device: str, stop_requested: Callable[[], bool] = _never) -> Bench:
    """Make sure that all workers have the same, and tell what.

    Parameters
    ----------
    client
        Of the cluster.
    device
        Name of a device, or ``"auto"``.
    stop_requested
        Once true, no answer is waited for any more.

    Returns
    -------
    Bench
        Of the worker with the fewest threads.

    Raises
    ------
    BadSettings, DeviceUnavailable
        If there is no worker, or one differs in its device or its versions.
    NapariDipError
        If a stop is requested.
    """
    addresses = sorted(client.nthreads())
    if not addresses:
        raise BadSettings("the cluster has no workers; start some, by `dask worker` for instance")
    asks = {address: partial(_ask, client, address, stop_requested) for address in addresses}
    for address, ask in asks.items():
        _check_versions(ask, address)
    found = [ask(look_around, device) for ask in asks.values()]
    for bench in found:
        if bench.device != found[0].device:
            raise DeviceUnavailable(
                f"the worker {bench.address} would compute on {bench.device}, and "
                f"{found[0].address} on {found[0].device}; name the device"
            )
    return min(found, key=lambda bench: bench.threads)


def _check_versions(ask: Callable[..., str], address: str) -> None:
    """Make sure that a worker understands what it will be sent, and computes the same."""
    for package in ("napari-dip", "torch"):
        try:
            # Of the standard library: a function that it cannot load would kill the worker.
            there = ask(version, package)
        except ImportError:
            there = "none"
        if there != version(package):
            raise BadSettings(
                f"the worker {address} has {package} {there}, and here is {version(package)}; "
                "install the same everywhere"
            )


def _ask(
    client: Client,
    address: str,
    stop_requested: Callable[[], bool],
    function: Callable[..., T],
    *args: Any,
) -> T:
    """Call a function on one worker."""
    asked = client.submit(function, *args, workers=[address], pure=False)
    while True:
        try:
            answer: T = asked.result(timeout=_LOOK_EVERY_S)
            return answer
        except TimeoutError:
            if stop_requested():
                raise NapariDipError("stopped before the workers had answered") from None
        except NapariDipError as error:
            raise type(error)(f"the worker {address}: {error}") from None


def _run(
    problem: Problem,
    output: Output,
    desk: Desk,
    stop_requested: Callable[[], bool],
) -> Restoration:
    """Keep the workers busy, and take what they bring."""
    reports = dict(output.done())
    todo = deque(unit for unit in problem.plan.units if unit.number not in reports)
    progress = _Progress(problem.plan, len(reports))
    failed: NapariDipError | None = None
    stopping = False
    with desk:
        while todo or desk.busy:
            while todo and desk.has_room:
                desk.submit(todo.popleft())
            if not stopping and stop_requested():
                stopping = True
                desk.stop()
                todo.clear()
            match desk.next_news():
                case (unit, UnitStep() as step):
                    yield progress.at(unit, step)
                case (unit, Done() as done):
                    output.put(unit, done)
                    reports[unit.number] = done.report
                    yield progress.done(unit, done.report, done.image)
                case (unit, UnitReport() as report):
                    reports[unit.number] = report
                    yield progress.done(unit, report)
                case (_, NapariDipError() as error):
                    failed = failed or error
                    todo.clear()  # what is being restored is still worth having
    if failed:
        raise failed
    stopped = len(reports) < len(problem.plan.units) or any(
        report.stopped_by_user for report in reports.values()
    )
    return conclude(problem, output, reports, progress.elapsed_s, stopped=stopped)


class _Progress:
    """Adds up the work on all units, so that it never goes back: not even when a worker dies."""

    def __init__(self, plan: Plan, before: int) -> None:
        self._units, self._layout = len(plan.units), plan.layout
        self._before = before
        self._done = before
        self._running: dict[int, UnitStep] = {}
        self._furthest = 0.0
        self._iterations = 1
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def at(self, unit: Unit, step: UnitStep) -> Snapshot:
        """Note where a unit stands."""
        self._running[unit.number] = step
        return self._snapshot(unit, step)

    def done(self, unit: Unit, report: UnitReport, image: NDArray[Any] | None = None) -> Snapshot:
        """Note that a unit is done."""
        last = self._running.pop(unit.number, UnitStep(1, 1, report.loss, math.nan, None))
        self._done += 1
        return self._snapshot(unit, replace(last, loss=report.loss, image=image))

    def _snapshot(self, unit: Unit, step: UnitStep) -> Snapshot:
        parts = sum(each.iteration / each.iterations for each in self._running.values())
        self._furthest = max(self._furthest, self._done + parts)
        self._iterations = max(self._iterations, step.iterations)
        number = math.ceil(self._furthest) - 1
        iteration = round((self._furthest - number) * self._iterations)
        elapsed = self.elapsed_s
        left = self._units - self._furthest
        return Snapshot(
            unit=number,
            units=self._units,
            index=unit.index,
            iteration=max(1, iteration),
            iterations=self._iterations,
            loss=step.loss,
            metric=step.metric,
            elapsed_s=elapsed,
            remaining_s=elapsed / (self._furthest - self._before) * left,
            image=step.image,
            best_iteration=step.best_iteration,
            part=place_in_words(self._layout, unit.index),
        )
