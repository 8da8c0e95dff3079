"""Restore an image on the workers of a dask cluster.

The result does not depend on which worker restores a unit: the unit's seed comes from the plan, and
all workers use the same arithmetic and number of threads. If a worker dies, another one restores
its unit. Workers write an OME-Zarr result themselves; then only previews pass the scheduler.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from napari_dip.cluster.compatibility import call_worker, check_workers
from napari_dip.cluster.dispatch import Dispatcher
from napari_dip.cluster.total_progress import TotalProgress
from napari_dip.cluster.worker_job import ComputeConfig, fastest_arithmetic
from napari_dip.errors import NapariDipError
from napari_dip.image.restore import conclude
from napari_dip.image.unit import RestoredUnit
from napari_dip.image.unit_report import UnitReport
from napari_dip.pipeline.presets import recipe
from napari_dip.progress import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration
    from napari_dip.image.sink import Sink

__all__ = ["restore_on_cluster"]


def restore_on_cluster(
    problem: Problem,
    output: Sink,
    client: Client,
    *,
    stop_requested: Callable[[], bool] = lambda: False,
    threads: int | None = None,
    previews: bool = True,
) -> Restoration:
    """Restore the units that the output does not hold yet, on the workers of a cluster.

    It yields and returns the same as :func:`~napari_dip.image.restore.run`. Workers read an image
    in files themselves, so they must see these files; they receive their parts of any other image.

    Parameters
    ----------
    problem
        The image and what to do with it. Its device is a device of the workers.
    output
        Where the result goes. Workers write an :class:`~napari_dip.files.resumable_output.OnDisk`
        themselves.
    client
        Client of the cluster. One thread for each worker is enough: a worker restores one unit at
        a time.
    stop_requested
        If true, no more units begin, and units in progress keep their best result so far.
    threads
        Threads of a worker on the CPU. ``None`` takes as many as a fit in this process has, so
        that both results have the same bytes.
    previews
        Whether some snapshots show a unit in progress. The preview comes from the worker through
        the scheduler.

    Raises
    ------
    BadSettings, DeviceUnavailable
        At the call, if workers lack the device, or have other versions than this process.
    NapariDipError
        At the call, if a stop is requested before all workers have answered.
        While iterating, with the name of the unit and a remedy. Units that are written are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Settings
    >>> from napari_dip.cluster.connect import connect
    >>> from napari_dip.image.sink import InMemory
    >>> from napari_dip.image.problem import make_problem
    >>> noisy = np.random.default_rng(0).poisson(20, (2, 24, 24)).astype(np.uint16)
    >>> settings = Settings(axes="CYX", iterations=5, precision="float32", device="cpu")
    >>> problem = make_problem(noisy, settings, None, None)
    >>> with connect("cpu", workers=1) as pool:
    ...     steps = [*restore_on_cluster(problem, InMemory(problem), pool.client)]
    >>> steps[-1].unit
    1
    """
    worker = check_workers(client, problem.device, stop_requested)
    if threads is None:
        from napari_dip.compute.concurrency import threads_per_fit
        from napari_dip.compute.device import cpu_threads

        threads = threads_per_fit(cpu_threads(), problem.plan.at_once)
    arithmetic = None
    if recipe(problem.settings).precision == "auto":
        arithmetic = call_worker(
            client, worker.address, stop_requested, fastest_arithmetic, problem.device, threads
        )
    config = ComputeConfig(problem.device, threads, arithmetic)
    dispatcher = Dispatcher(problem, output, client, config, previews=previews)
    machine = {**worker.machine, "threads": threads}
    return _run(problem, output, dispatcher, machine, stop_requested)


def _run(
    problem: Problem,
    output: Sink,
    dispatcher: Dispatcher,
    machine: dict[str, Any],
    stop_requested: Callable[[], bool],
) -> Restoration:
    """Send units until all are done, and collect their results."""
    reports = dict(output.done())
    todo = deque(unit for unit in problem.plan.units if unit.number not in reports)
    progress = TotalProgress(problem.plan, len(reports))
    failure: NapariDipError | None = None
    stopping = False
    with dispatcher:
        while todo or dispatcher.busy:
            while todo and dispatcher.has_room:
                dispatcher.submit(todo.popleft())
            if not stopping and stop_requested():
                stopping = True
                dispatcher.stop()
                todo.clear()
            match dispatcher.next_message():
                case (unit, Snapshot() as step):
                    yield progress.update(unit, step)
                case (unit, RestoredUnit() as done):
                    output.put(unit, done)
                    reports[unit.number] = done.report
                    yield progress.end(unit, done.report, done.image)
                case (unit, UnitReport() as report):
                    output.collect(unit)
                    reports[unit.number] = report
                    yield progress.end(unit, report)
                case (_, NapariDipError() as error):
                    failure = failure or error
                    todo.clear()  # units in progress are finished and kept
    if failure:
        raise failure
    stopped = len(reports) < len(problem.plan.units) or any(
        report.stopped_by_user for report in reports.values()
    )
    seconds = progress.elapsed_s
    return conclude(problem, output, reports, seconds, stopped=stopped, machine=machine)
