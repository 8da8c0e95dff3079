"""Restore several layers one after another with the same settings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_dip.errors import NapariDipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer
    from qtpy.QtCore import QObject

    from napari_dip.plugin.models.request_template import RequestTemplate

    Status = Literal["waiting", "running", "done", "stopped", "discarded", "failed"]

__all__ = ["Batch", "BatchItem"]


@dataclass(eq=False)
class BatchItem:
    """A layer of a batch, how far it is, and the final status of its run."""

    layer: Image
    status: Status = "waiting"
    text: str = ""


class Batch:
    """A list of layers to restore; a layer that fails does not stop the others.

    ``changed`` is emitted when the items or their states change, ``message`` with a text for the
    user.

    Parameters
    ----------
    viewer
        The viewer.
    template
        Return the values of the controls; called once for all layers.
    start
        Start a run of a layer. Call :meth:`finish_current` at its end.
    parent
        The owner, which ends this object too.
    """

    changed = Signal()
    message = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        template: Callable[[], RequestTemplate],
        start: Callable[[Image, RequestTemplate], None],
        parent: QObject,
    ) -> None:
        self._viewer, self._template, self._start = viewer, template, start
        self._current_template: RequestTemplate | None = None
        self.items: list[BatchItem] = []
        self.busy = False
        # Not at once: a run that calls finish_current() has not released its session yet.
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start_next)

    @property
    def can_run(self) -> bool:
        """Whether a layer waits, and no run is in progress."""
        return not self.busy and self._first("waiting") is not None

    @property
    def can_clear(self) -> bool:
        """Whether the list can be cleared."""
        return not self.busy and bool(self.items)

    def set_busy(self, *, busy: bool) -> None:
        """Allow a start only while no run is in progress."""
        self.busy = busy
        self.changed.emit()

    def add_selected(self) -> None:
        """Add the selected Image layers in the order of the layer list."""
        waiting = [item.layer for item in self.items if item.status == "waiting"]
        selected = self._viewer.layers.selection
        for layer in self._viewer.layers:
            if layer in selected and isinstance(layer, Image) and layer not in waiting:
                self.items.append(BatchItem(layer))
        self.changed.emit()

    def remove(self, number: int) -> None:
        """Remove an item, unless it is running."""
        if self.items[number].status != "running":
            del self.items[number]
            self.changed.emit()

    def clear(self) -> None:
        """Remove all items."""
        self.items.clear()
        self.changed.emit()

    def run(self) -> None:
        """Start with the first layer that waits, with the current values of the controls."""
        try:
            self._current_template = self._template()
        except NapariDipError as error:
            self.message.emit(str(error))
            return
        self._start_next()

    def finish_current(self, ending: Status, text: str) -> None:
        """Record how the run of the current layer ended, and start the next one.

        Parameters
        ----------
        ending
            ``"done"``, ``"stopped"``, ``"failed"``, or ``"discarded"``, which also discards the
            layers that wait.
        text
            The final status of the run.
        """
        if (item := self._first("running")) is None:
            return
        item.status, item.text = ending, text
        while ending == "discarded" and (waiting := self._first("waiting")) is not None:
            waiting.status, waiting.text = "discarded", "Discarded before it started."
        self.changed.emit()
        self._timer.start(0)

    def _start_next(self) -> None:
        item, running = self._first("waiting"), self._first("running")
        self.set_busy(busy=item is not None or running is not None)
        if item is None and running is None and len(self.items) > 1:
            self.message.emit(self._summary())
        if item is None or running is not None or self._current_template is None:
            return
        item.status = "running"
        self.changed.emit()
        if item.layer in self._viewer.layers:
            self._start(item.layer, self._current_template)
        else:
            self.finish_current("failed", "The layer was deleted.")

    def _summary(self) -> str:
        """Count the layers by status, and say why layers failed."""
        counts = Counter(item.status for item in self.items)
        text = ", ".join(f"{count} {status}" for status, count in counts.items())
        failed = [item for item in self.items if item.status == "failed"]
        return f"{len(self.items)} layers: {text}." + "".join(
            f" '{item.layer.name}': {item.text.rstrip('.')}." for item in failed
        )

    def _first(self, status: Status) -> BatchItem | None:
        return next((item for item in self.items if item.status == status), None)
