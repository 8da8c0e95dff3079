"""What a run would do and take, told before it begins; or why it cannot work."""

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

    from qtpy.QtWidgets import QWidget


__all__ = ["Answer", "Estimate", "Question"]

logger = logging.getLogger(__name__)


# napari waits for workers when it is quit, but not where it is part of a notebook: what then
# outlives Qt brings the process down.
atexit.register(WorkerBase.await_workers)


_WAIT_MS = 250
"""Without another change, before a plan is made."""


@dataclass(frozen=True)
class Answer:
    """What is said, and whether it can work."""

    words: str
    possible: bool


class Question(Protocol):
    """What may take a while to find out."""

    def outlook(self) -> str:
        """Find out, and say it."""
        ...


class Estimate(QObject):
    """Answers the latest question, in a thread of its own.

    Parameters
    ----------
    parent
        The panel, with which it ends.
    """

    answered = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._asked: Question | None = None
        self._answering: Question | None = None
        self._patience = QSignalDebouncer(parent=self)
        self._patience.setTimeout(_WAIT_MS)
        self._patience.triggered.connect(self._begin)

    def ask(self, asked: Question | None) -> None:
        """Put a question in the place of the one before; ``None`` if there is none any more."""
        self._asked = asked
        self._patience.throttle()

    def _begin(self) -> None:
        if self._answering is not None or self._asked is None:
            return
        self._answering = self._asked
        worker = create_worker(_answer, self._answering.outlook)
        worker.returned.connect(self._take)
        worker.start()

    def _take(self, answer: Answer) -> None:
        answered, self._answering = self._answering, None
        if answered is self._asked:
            self.answered.emit(answer)
        else:  # another question came in the meantime
            self._begin()


def _answer(outlook: Callable[[], str]) -> Answer:
    """Answer in any case: a worker that raises would never say so here."""
    try:
        return Answer(outlook(), possible=True)
    except NapariDipError as error:
        return Answer(str(error), possible=False)
    except Exception:  # an estimate that fails is no reason not to run
        logger.exception("no estimate could be made")
        return Answer("", possible=True)
