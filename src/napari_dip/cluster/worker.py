"""What a worker of a cluster does: it restores one unit at a time, and tells how it comes along."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from distributed import Event, WorkerPlugin, get_worker

from napari_dip.generators import finished
from napari_dip.image.unit import Done, restore_unit

if TYPE_CHECKING:
    from distributed import Client, Worker

    from napari_dip.files.resumable_output import OnDisk
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import UnitReport
    from napari_dip.image.unit import UnitStep
    from napari_dip.pipeline.precision import Arithmetic

__all__ = [
    "Bench",
    "Deaf",
    "Job",
    "Terms",
    "give_up",
    "latest_picture",
    "look_around",
    "measure",
    "restore_job",
]

_TELL_EVERY_S = 1.0
"""Least time between two messages about a unit: the scheduler keeps them all."""

_ASK_EVERY_S = 0.5
"""Least time between two questions whether to stop, which the scheduler answers."""

_pictures: dict[tuple[str, int], UnitStep] = {}
"""The latest preview of each unit that is being restored here, by its run and number."""

_ONE_AT_A_TIME = threading.Lock()
"""For a worker with several threads: a second fit would only take the first one's memory."""


@dataclass(frozen=True)
class Bench:
    """What a worker has: the device that it would take, and its threads."""

    address: str
    device: str
    threads: int


@dataclass(frozen=True)
class Terms:
    """What all workers do alike, so that it does not matter who restores a unit.

    ``arithmetic`` is ``None`` where the settings say it.
    """

    device: str
    threads: int
    arithmetic: Arithmetic | None


@dataclass(frozen=True)
class Job:
    """One unit to restore.

    Parameters
    ----------
    run
        Name of the restoration; by it the scheduler knows its messages and its stop.
    problem
        With no more of the image than the unit.
    unit
        Of the plan.
    output
        Where the worker puts it; ``None`` sends it back.
    terms
        As they were agreed.
    """

    run: str
    problem: Problem
    unit: Unit
    output: OnDisk | None
    terms: Terms


class Deaf(WorkerPlugin):
    """Has workers, those that are started again too, go on when their terminal says Ctrl-C."""

    def setup(self, worker: Worker) -> None:
        """Begin not to listen; in the process's main thread, where that can be done."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def look_around(device: str) -> Bench:
    """Tell what this worker has.

    Parameters
    ----------
    device
        Name of a device, or ``"auto"``.

    Raises
    ------
    DeviceUnavailable
        If it does not have that.
    """
    from napari_dip.compute.device import choose_device, cpu_threads

    return Bench(get_worker().address, str(choose_device(device)), cpu_threads())


def measure(device: str, threads: int) -> Arithmetic:
    """Find the arithmetic that is fastest on this worker."""
    from napari_dip.compute.device import set_cpu_threads
    from napari_dip.pipeline.precision import calibrate

    set_cpu_threads(threads)
    return calibrate(device).arithmetic


def restore_job(job: Job) -> Done | UnitReport | None:
    """Restore a unit; return it, or its report if it is put away, or nothing if that is too late.

    It is too late when the user has stopped before the unit began.
    """
    from napari_dip.compute.device import set_cpu_threads
    from napari_dip.pipeline.precision import adopt_arithmetic

    with _ONE_AT_A_TIME:
        stop_requested = _StopRequested(job.run)
        if stop_requested():
            return None
        set_cpu_threads(job.terms.threads)
        if job.terms.arithmetic:
            adopt_arithmetic(job.terms.device, job.terms.arithmetic)
        done = _restore(job, stop_requested)
        if job.output is None:
            return done
        if done.report.stopped_by_user and _abandoned(job.run).is_set():
            return None
        job.output.put(job.unit, done)
        return done.report


def give_up(run: str, client: Client) -> None:
    """Have the workers of a run that is being stopped throw away what they have."""
    _abandoned(run, client).set()


def _abandoned(run: str, client: Client | None = None) -> Event:
    return Event(f"{run}-abandoned", client)


def latest_picture(run: str, unit: int) -> UnitStep | None:
    """Give the latest preview of a unit, once: it stays here until somebody asks for it."""
    return _pictures.pop((run, unit), None)


def _restore(job: Job, stop_requested: _StopRequested) -> Done:
    """Drive the unit to its end, and tell now and then where it stands."""
    worker = get_worker()
    told, place = -_TELL_EVERY_S, (job.run, job.unit.number)

    def tell(step: UnitStep) -> None:
        nonlocal told
        if step.image is not None:
            _pictures[place] = step
        if time.monotonic() - told >= _TELL_EVERY_S:
            told = time.monotonic()
            where = {"unit": job.unit.number, "worker": worker.address}
            worker.log_event(job.run, asdict(replace(step, image=None)) | where)

    try:
        return finished(restore_unit(job.problem, job.unit, stop_requested), tell)
    finally:
        _pictures.pop(place, None)


class _StopRequested:
    """Whether the user has stopped the run, asked no more often than is good for the scheduler."""

    def __init__(self, run: str) -> None:
        self._event = Event(run)
        self._asked = -_ASK_EVERY_S
        self._answer = False

    def __call__(self) -> bool:
        if not self._answer and time.monotonic() - self._asked >= _ASK_EVERY_S:
            self._asked = time.monotonic()
            self._answer = bool(self._event.is_set())
        return self._answer
