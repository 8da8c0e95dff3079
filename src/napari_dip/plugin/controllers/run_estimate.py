"""Compute an estimate in a worker thread: the cost of a run, or the coverage of a mask."""

from __future__ import annotations

import atexit
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from superqt.utils import QSignalDebouncer, WorkerBase, create_worker

from napari_dip.errors import NapariDipError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Estimable", "Estimate", "Estimator"]

logger = logging.getLogger(__name__)

# napari waits for workers when it quits, but not in a notebook: a worker that outlives Qt makes
# the process crash.
atexit.register(WorkerBase.await_workers)

DEBOUNCE_MS = 250  # milliseconds without a change before an estimate starts


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


class Estimator(QObject):
    """Describe the latest object in a worker thread; older ones are dropped.

    Parameters
    ----------
    parent
        The owner, which ends this object too.
    """

    estimated = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._latest: Estimable | None = None
        self._current: Estimable | None = None
        self._debouncer = QSignalDebouncer(parent=self)
        self._debouncer.setTimeout(DEBOUNCE_MS)
        self._debouncer.triggered.connect(self._start)

    def request(self, latest: Estimable | None) -> None:
        """Replace the object to describe; ``None`` describes none."""
        self._latest = latest
        self._debouncer.throttle()

    def _start(self) -> None:
        if self._current is not None or self._latest is None:
            return
        self._current = self._latest
        worker = create_worker(_estimate, self._current.describe)
        worker.returned.connect(self._receive)
        worker.start()

    def _receive(self, estimate: Estimate) -> None:
        current, self._current = self._current, None
        if current is self._latest:
            self.estimated.emit(estimate)
        else:  # a newer object has arrived
            self._start()


def _estimate(describe: Callable[[], str]) -> Estimate:
    """Return an estimate in any case: an exception in the worker would emit no signal."""
    try:
        return Estimate(describe(), possible=True)
    except NapariDipError as error:
        return Estimate(str(error), possible=False)
    except Exception:  # a failed estimate does not prevent a run
        logger.exception("the estimate failed")
        return Estimate("", possible=True)
