"""What a worker thread and the main thread exchange during a run."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_dip.plugin.models.stage_progress import StageProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration, Result
    from napari_dip.image.sink import Sink
    from napari_dip.plugin.models.layer_output import LayerData
    from napari_dip.progress import Snapshot

__all__ = ["WAKE_INTERVAL_S", "PreparedRun", "WorkerChannel"]

WAKE_INTERVAL_S = 0.2  # seconds between two updates of the viewer

FIRST_SHOWN = 10  # iterations: the outputs before still show the random start of the network

LONG_FIT = 50  # iterations: a shorter fit would show hardly any image before its end


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def _never() -> bool:
    return False


@dataclass(eq=False)
class WorkerChannel:
    """Data that the worker thread and the main thread share.

    Images are not queued: a new one replaces one that was not taken, so that a slow viewer costs
    neither memory nor time.

    Attributes
    ----------
    stopping
        Set by the viewer to end the run and keep the best result so far.
    discarding
        Set by the viewer to end the run without a result.
    closing_napari
        Return whether napari closes: it waits for the worker, and its buttons have no effect.
    running
        Cleared by the viewer to pause the run, and set to resume it.
    earlier, more
        A result to continue, and the number of iterations; ``None`` for a new run.
    progress
        The stage of the run and how far it is.
    device, used_bytes
        The device, and its memory in use.
    initial
        The layer data at the start, available before the first snapshot.
    result, failure
        The result or the error message; neither if the run was discarded.
    steps
        The restoration, which holds the network.
    prepared
        The problem and the output of a new run, once they are known.
    cleanup
        Resources to close after the steps, such as worker processes.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    discarding: threading.Event = field(default_factory=threading.Event)
    closing_napari: Callable[[], bool] = _never
    running: threading.Event = field(default_factory=_set_event)
    earlier: Result | None = None
    more: int = 0
    progress: StageProgress = field(default_factory=StageProgress)
    device: str = ""
    used_bytes: int = 0
    initial: LayerData | None = None
    result: Result | None = None
    failure: str | None = None
    steps: Restoration | None = None
    prepared: PreparedRun | None = None
    cleanup: ExitStack = field(default_factory=ExitStack)
    _latest_image: Snapshot | None = None
    _estimated: set[int] = field(default_factory=set)
    _unread: list[Snapshot] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cancelled(self) -> bool:
        """Whether the result is not needed any more."""
        return self.discarding.is_set() or self.closing_napari()

    def stop_requested(self) -> bool:
        """Return whether the restoration must end; during a pause, wait for its end first."""
        while not (ending := self.stopping.is_set() or self.cancelled):
            if self.running.wait(WAKE_INTERVAL_S):
                break
        return ending

    def post(self, snapshot: Snapshot) -> None:
        """Add a snapshot; its image replaces the latest one."""
        self.progress.add(snapshot)
        with self._lock:
            self._unread.append(snapshot.without_image())
            if snapshot.image is not None and not self._is_random(snapshot):
                self._latest_image = snapshot

    def _is_random(self, snapshot: Snapshot) -> bool:
        """Whether an image looks like the random start of a network, which no one expects."""
        if snapshot.iteration == 0:
            self._estimated.add(snapshot.unit)  # the fit starts from an estimate
        early = snapshot.iteration < FIRST_SHOWN and snapshot.iterations >= LONG_FIT
        return early and snapshot.unit not in self._estimated

    def take(self) -> tuple[list[Snapshot], Snapshot | None]:
        """Take all new snapshots without their images, and the latest one with an image."""
        with self._lock:
            taken = self._unread, self._latest_image
            self._unread, self._latest_image = [], None
        return taken

    def clear(self) -> None:
        """Release all memory, that of the network first."""
        if self.steps is not None:
            self.steps.close()
        self.cleanup.close()
        self.closing_napari = _never
        self.steps = self.prepared = self._latest_image = self.initial = None
        self.result = self.earlier = None


@dataclass(frozen=True)
class PreparedRun:
    """A restoration that is ready to start."""

    problem: Problem
    output: Sink
    steps: Restoration

    def complete_units(self, elapsed_s: float) -> Result | None:
        """Return a result of the units that were complete before a failure, or ``None``."""
        from napari_dip.image.restore import conclude

        reports = self.output.done()
        if not reports:
            return None
        return conclude(self.problem, self.output, reports, elapsed_s, stopped=True)
