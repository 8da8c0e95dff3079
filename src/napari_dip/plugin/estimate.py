"""What a run would do and take, told before it begins; or why it cannot work."""

from __future__ import annotations

import atexit
import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import psutil
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from superqt.utils import QSignalDebouncer, WorkerBase, create_worker

from napari_dip.errors import NapariDipError
from napari_dip.image.arrays import as_lazy
from napari_dip.image.layout_plan import lay_out, settle
from napari_dip.image.masks import spread_mask
from napari_dip.image.plan_text import outlook

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_dip.image.axes import Layout
    from napari_dip.plugin.compute import Machines
    from napari_dip.plugin.layers import LayerInput
    from napari_dip.plugin.target import Target
    from napari_dip.settings import Settings

__all__ = ["Answer", "Asked", "Estimate", "Question"]

logger = logging.getLogger(__name__)

# napari waits for workers when it is quit, but not where it is part of a notebook: what then
# outlives Qt brings the process down.
atexit.register(WorkerBase.await_workers)

_WAIT_MS = 250
"""Without another change, before a plan is made."""

_PART = 0.5
"""Of the memory that is free, what a result may take before the disk is proposed."""


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


@dataclass(frozen=True)
class Asked:
    """A run that might be started, checked as far as shape and settings go; its mask alone is read.

    Parameters
    ----------
    source, settings, target, machines
        As they would be at the start.

    Raises
    ------
    NapariDipError
        If it cannot work.
    """

    source: LayerInput
    settings: Settings
    target: Target
    machines: Machines

    def __post_init__(self) -> None:
        """Check what is cheap to check."""
        as_lazy(self.source.data)
        _ = self.layout
        self.target.check(self.source, self.settings)
        self.machines.check()

    @property
    def layout(self) -> Layout:
        """Of the image."""
        return lay_out(self.source.data.shape, self.settings)

    @property
    def result_bytes(self) -> int:
        """How large the result is."""
        kept = int(self.source.data.dtype.itemsize)
        pixels = math.prod((*self.layout.shape, *self.settings.factors.values()))
        return int(pixels * (4 if self.settings.dtype == "float32" else kept))

    @property
    def too_large(self) -> bool:
        """Whether the result would hardly fit into the memory that is free."""
        return bool(self.result_bytes > _PART * psutil.virtual_memory().available)

    def outlook(self) -> str:
        """Make the plan, and say it in a sentence; torch is loaded for it.

        Raises
        ------
        NapariDipError
            If the device is not there, or its memory does not do.
        """
        settings = self.settings
        elsewhere = self.machines.scheduler is not None
        device = settings.device if elsewhere else None
        plan, device = settle(self.layout, settings, device=device)
        if self.machines.workers:
            plan = replace(plan, at_once=1)
        said = outlook(
            plan,
            settings,
            None if elsewhere else device,
            result_bytes=self.result_bytes,
            too_large=self.too_large,
            on_disk=self.target.path is not None,
            workers=self.machines.workers,
            missing=spread_mask(self.source.whole_mask, self.layout),
        )
        return " ".join(filter(None, (said, self.target.unsaid(self.source))))


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
