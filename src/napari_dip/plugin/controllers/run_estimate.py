"""Compute an estimate in a worker thread: the cost of a run, or the coverage of a mask."""

from __future__ import annotations

import atexit
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]
from superqt.utils import QSignalDebouncer, WorkerBase, create_worker

from napari_dip.errors import NapariDipError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Estimable", "Estimate", "Estimator"]

logger = logging.getLogger(__name__)

# napari waits for workers when it quits, but not in a notebook: a worker that outlives Qt makes
# the process crash.
atexit.register(WorkerBase.await_workers)

DEBOUNCE_MS = 250  # milliseconds without a change before an estimate starts

SILENT_MS = 300  # milliseconds: an estimate that takes longer says that it is in progress

ESTIMATING = "Estimating the time …"


@dataclass(frozen=True)
class Estimate:
    """The text of an estimate, or the reason why a run is not possible."""

    text: str
    possible: bool


class Estimable(Protocol):
    """An object whose description may take a while."""

    def describe(self) -> str:
        """Return the description; a blank line separates its details."""
        ...

    def prepare(self) -> None:
        """Do in advance what the next step would wait for, after the description is shown."""
        ...


class Estimator(QObject):
    """Describe the latest object in a worker thread; older ones are dropped.

    Parameters
    ----------
    parent
        The owner, which ends this object too.
    in_progress
        What is said while an estimate takes longer.
    """

    estimated = Signal(object)

    def __init__(self, parent: QObject, in_progress: str = ESTIMATING) -> None:
        super().__init__(parent)
        self.in_progress = in_progress
        self._latest: Estimable | None = None
        self._current: Estimable | None = None
        self._debouncer = QSignalDebouncer(parent=self)
        self._debouncer.setTimeout(DEBOUNCE_MS)
        self._debouncer.triggered.connect(self._start)
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.setInterval(SILENT_MS)
        self._silence.timeout.connect(self._say_in_progress)

    def request(self, latest: Estimable | None) -> None:
        """Replace the object to describe; ``None`` describes none."""
        self._latest = latest
        self._debouncer.throttle()

    def _start(self) -> None:
        if self._current is not None or self._latest is None:
            return
        self._current = self._latest
        worker = create_worker(_estimate_and_prepare, self._current)
        worker.yielded.connect(self._receive)
        worker.returned.connect(self._end)
        worker.start()
        self._silence.start()

    def _say_in_progress(self) -> None:
        """Replace the estimate of earlier settings; the first one loads torch."""
        if self._current is not None and self._latest is not None:
            self.estimated.emit(Estimate(self.in_progress, possible=True))

    def _receive(self, estimate: Estimate) -> None:
        self._silence.stop()
        if self._current is self._latest:
            self.estimated.emit(estimate)

    def _end(self, _result: object = None) -> None:
        self._silence.stop()
        current, self._current = self._current, None
        if current is not self._latest:  # a newer object has arrived
            self._start()


def _estimate_and_prepare(latest: Estimable) -> Generator[Estimate, None, None]:
    estimate = _estimate(latest.describe)
    yield estimate
    if not estimate.possible:
        return
    try:
        latest.prepare()
    except Exception:  # a run tells what is wrong
        logger.exception("the preparation failed")


def _estimate(describe: Callable[[], str]) -> Estimate:
    """Return an estimate in any case: an exception in the worker would emit no signal."""
    try:
        return Estimate(describe(), possible=True)
    except NapariDipError as error:
        return Estimate(str(error), possible=False)
    except Exception:  # a failed estimate does not prevent a run
        logger.exception("the estimate failed")
        return Estimate("", possible=True)
