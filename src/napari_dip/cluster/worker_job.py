"""Restore one unit at a time in a worker process, and report its progress."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from distributed import Event, WorkerPlugin, get_worker

from napari_dip.extensions import load_extensions
from napari_dip.generators import finished
from napari_dip.image.run_progress import Clock
from napari_dip.image.unit import RestoredUnit, restore_unit
from napari_dip.progress import Monitor

if TYPE_CHECKING:
    from distributed import Client, Worker

    from napari_dip.files.resumable_output import OnDisk
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.unit_report import UnitReport
    from napari_dip.pipeline.precision import Arithmetic
    from napari_dip.progress import Snapshot

__all__ = [
    "ComputeConfig",
    "IgnoreInterrupt",
    "Job",
    "WorkerInfo",
    "discard_unfinished",
    "fastest_arithmetic",
    "restore_job",
    "take_preview",
    "worker_info",
]

PROGRESS_EVERY_S = 1.0  # seconds: the scheduler stores every progress message

CHECK_STOP_EVERY_S = 0.5  # seconds: each check is a request to the scheduler

_previews: dict[tuple[str, int], Snapshot] = {}
"""The latest preview of each unit in progress here, by run and unit number."""

_one_unit_at_a_time = threading.Lock()
"""A worker may have several threads; concurrent fits would compete for memory."""


@dataclass(frozen=True)
class WorkerInfo:
    """The device that a worker computes on, its CPU threads, and what decides its last bits."""

    address: str
    device: str
    threads: int
    machine: dict[str, Any]


@dataclass(frozen=True)
class ComputeConfig:
    """What must be equal on all workers, so that they compute the same bytes.

    ``arithmetic`` is ``None`` if the settings choose the precision.
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
        Name of the restoration. Its messages and its stop event have this name.
    problem
        The restoration, with only this unit's pixels.
    unit
        A unit of the plan.
    output
        The worker writes the unit here; if ``None``, it returns the unit.
    config
        Device, threads and arithmetic.
    """

    run: str
    problem: Problem
    unit: Unit
    output: OnDisk | None
    config: ComputeConfig


class IgnoreInterrupt(WorkerPlugin):
    """Make a worker ignore Ctrl-C in the terminal, also after a restart."""

    def setup(self, worker: Worker) -> None:
        """Ignore SIGINT; Python allows this in the main thread only."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def worker_info(device: str) -> WorkerInfo:
    """Describe this worker.

    Parameters
    ----------
    device
        Name of a device, or ``"auto"``.

    Raises
    ------
    DeviceUnavailable
        If the worker does not have the device.
    """
    from napari_dip.compute.device import choose_device, cpu_threads
    from napari_dip.compute.machine import machine_record

    name = str(choose_device(device))
    return WorkerInfo(get_worker().address, name, cpu_threads(), machine_record(name))


def fastest_arithmetic(device: str, threads: int) -> Arithmetic:
    """Measure which arithmetic is fastest on this worker."""
    from napari_dip.compute.device import set_cpu_threads
    from napari_dip.pipeline.precision import calibrate

    set_cpu_threads(threads)
    return calibrate(device).arithmetic


def restore_job(job: Job) -> RestoredUnit | UnitReport | None:
    """Restore a unit.

    Returns
    -------
    RestoredUnit, UnitReport or None
        The unit; or its report, if the worker has written the unit; or ``None``, if the user
        stopped the run before the unit began.
    """
    from napari_dip.compute.device import set_cpu_threads
    from napari_dip.pipeline.precision import adopt_arithmetic

    load_extensions()  # the names in the settings were read in another process
    with _one_unit_at_a_time:
        stop_requested = _StopRequested(job.run)
        if stop_requested():
            return None
        set_cpu_threads(job.config.threads)
        if job.config.arithmetic:
            adopt_arithmetic(job.config.device, job.config.arithmetic)
        done = _restore(job, stop_requested)
        if job.output is None:
            return done
        if done.report.stopped_by_user and _discard_event(job.run).is_set():
            return None
        job.output.put(job.unit, done)
        return done.report


def discard_unfinished(run: str, client: Client) -> None:
    """Tell the workers to discard the units that a stop ends early."""
    _discard_event(run, client).set()


def _discard_event(run: str, client: Client | None = None) -> Event:
    return Event(f"{run}-discard", client)


def take_preview(run: str, unit: int) -> Snapshot | None:
    """Return the latest preview of a unit, and forget it."""
    return _previews.pop((run, unit), None)


def _restore(job: Job, stop_requested: _StopRequested) -> RestoredUnit:
    """Run the unit to its end, and send its progress to the client."""
    worker = get_worker()
    sent_at, key = -PROGRESS_EVERY_S, (job.run, job.unit.number)
    clock = Clock()
    monitor = Monitor(clock.patient(stop_requested), clock.overdue)

    def send(step: Snapshot) -> None:
        nonlocal sent_at
        if step.image is not None:
            _previews[key] = step
        if time.monotonic() - sent_at >= PROGRESS_EVERY_S:
            sent_at = time.monotonic()
            sender = {"number": job.unit.number, "worker": worker.address}
            worker.log_event(job.run, asdict(step.without_image()) | sender)

    try:
        return finished(restore_unit(job.problem, job.unit, monitor), send)
    finally:
        _previews.pop(key, None)


class _StopRequested:
    """Check whether the user stopped the run, at most every `CHECK_STOP_EVERY_S` seconds."""

    def __init__(self, run: str) -> None:
        self._event = Event(run)
        self._checked_at = -CHECK_STOP_EVERY_S
        self._stopped = False

    def __call__(self) -> bool:
        if not self._stopped and time.monotonic() - self._checked_at >= CHECK_STOP_EVERY_S:
            self._checked_at = time.monotonic()
            self._stopped = bool(self._event.is_set())
        return self._stopped
