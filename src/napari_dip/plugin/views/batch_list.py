"""Several layers, restored one after another with the same settings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_dip.errors import NapariDipError
from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer

    from napari_dip.plugin.models.run_request import Wanted

__all__ = ["Queue"]

_LAYER, _STATUS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_WAITING, _RUNNING = "waiting", "running"


class Queue(QWidget):
    """A list of layers with a status each; what fails does not hold up the rest.

    ``wanted`` asks for a run of a layer, with the controls as they stood at the start; call
    :meth:`take` when it has ended. ``said`` sums up when no layer waits any more.

    Parameters
    ----------
    viewer
        Where the layers are.
    ask
        Says what the controls ask for, once for all layers.
    """

    wanted = Signal(object, object)
    said = Signal(str)

    def __init__(self, viewer: Viewer, ask: Callable[[], Wanted]) -> None:
        super().__init__()
        self._viewer, self._ask = viewer, ask
        self._wanted: Wanted | None = None
        self.list = QListWidget(self)
        self.list.setObjectName("queue")
        self.list.setAccessibleName("queue")
        self.list.setToolTip("The layers to restore, and how far each is. Delete takes one off.")
        self.list.setMaximumHeight(96)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.add = controls.button("queue_add", "Add selected layers", _ADD)
        self.run = controls.button("queue_run", "Run all", _RUN, enabled=False)
        self.clear = controls.button("queue_clear", "Clear", _CLEAR, enabled=False)
        row = QHBoxLayout()
        for button, act in (
            (self.add, self._add_selected),
            (self.run, self._begin),
            (self.clear, self._clear),
        ):
            button.changed.connect(act)
            row.addWidget(button.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addLayout(row)

    @property
    def running(self) -> bool:
        """Whether a layer of the list is being restored."""
        return self._item(_RUNNING) is not None

    def hold(self, *, busy: bool) -> None:
        """Let it begin only while nothing else runs."""
        self.run.enabled = not busy and self._item(_WAITING) is not None
        self.clear.enabled = not busy and self.list.count() > 0

    def take(self, ending: str, words: str) -> None:
        """Take down how the layer that ran has ended, and go on to the next, if that is wanted.

        Parameters
        ----------
        ending
            ``"done"``, ``"stopped"``, ``"failed"``, or ``"discarded"``, which holds for the rest.
        words
            The same in full.
        """
        if (item := self._item(_RUNNING)) is None:
            return
        self._mark(item, ending, words)
        while ending == "discarded" and (rest := self._item(_WAITING)) is not None:
            self._mark(rest, ending, "Discarded before it began.")
        # Not at once: whatever ends a run is not over yet.
        QTimer.singleShot(0, self._next)

    def _add_selected(self) -> None:
        """Add the selected images, in the order in which they lie."""
        chosen = self._viewer.layers.selection
        for layer in self._viewer.layers:
            if layer in chosen and isinstance(layer, Image) and layer not in self._waiting():
                item = QListWidgetItem(self.list)
                item.setData(_LAYER, layer)
                self._mark(item, _WAITING, "")
        self.hold(busy=self.running)

    def _begin(self) -> None:
        try:
            self._wanted = self._ask()
        except NapariDipError as error:
            self.said.emit(str(error))
            return
        self._next()

    def _next(self) -> None:
        item = self._item(_WAITING)
        self.hold(busy=item is not None)
        if item is None and not self.running and self.list.count() > 1:
            self.said.emit(self._in_sum())
        if item is None or self.running or self._wanted is None:
            return
        layer = item.data(_LAYER)
        self._mark(item, _RUNNING, "")
        if layer in self._viewer.layers:
            self.wanted.emit(layer, self._wanted)
        else:
            self.take("failed", "The layer was deleted.")

    def _in_sum(self) -> str:
        """Count the layers by how they ended; the last of them may have ended well."""
        counts = Counter(item.data(_STATUS) for item in self._items())
        words = ", ".join(f"{count} {ending}" for ending, count in counts.items())
        why = [item for item in self._items() if item.data(_STATUS) == "failed"]
        return f"Of {self.list.count()} layers: {words}." + "".join(
            f" '{item.data(_LAYER).name}': {item.toolTip().rstrip('.')}." for item in why
        )

    def _clear(self) -> None:
        self.list.clear()
        self.hold(busy=False)

    def keyPressEvent(self, event: Any) -> None:
        """Take the chosen layer off the list, unless it runs."""
        item = self.list.currentItem()
        if event.key() != Qt.Key.Key_Delete or item is None:
            super().keyPressEvent(event)
        elif item.data(_STATUS) != _RUNNING:
            self.list.takeItem(self.list.row(item))
            self.hold(busy=self.running)

    def _items(self) -> list[QListWidgetItem]:
        return [item for row in range(self.list.count()) if (item := self.list.item(row))]

    def _item(self, status: str) -> QListWidgetItem | None:
        return next((item for item in self._items() if item.data(_STATUS) == status), None)

    def _waiting(self) -> list[Any]:
        return [item.data(_LAYER) for item in self._items() if item.data(_STATUS) == _WAITING]

    @staticmethod
    def _mark(item: QListWidgetItem, status: str, words: str) -> None:
        item.setData(_STATUS, status)
        item.setText(plain(f"{status}: {item.data(_LAYER).name}"))
        item.setToolTip(as_html(words))


_ADD = "Put the Image layers that are selected in napari's layer list on this list."
_RUN = (
    "Restore the layers one after another, with the settings above. Stop ends the one that runs, "
    "Discard the rest as well."
)
_CLEAR = "Empty the list; the layers stay."
