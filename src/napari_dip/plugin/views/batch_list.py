"""Show the layers of a batch with their status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QVBoxLayout, QWidget

from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.views import controls, tooltips

if TYPE_CHECKING:
    from napari_dip.plugin.controllers.batch import Batch

__all__ = ["BatchList"]

MAX_HEIGHT = 96  # pixels: about five layers, the others are scrolled


class BatchList(QWidget):
    """The controls under *Batch*.

    Parameters
    ----------
    batch
        The batch to show.
    """

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self._batch = batch
        self.list = QListWidget(self)
        self.list.setObjectName("queue")
        self.list.setAccessibleName("Batch")
        self.list.setToolTip(tooltips.BATCH)
        self.list.setMaximumHeight(MAX_HEIGHT)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.add = controls.button("queue_add", "Add selected layers", tooltips.BATCH_ADD)
        self.run = controls.button("queue_run", "Run all", tooltips.BATCH_RUN, enabled=False)
        self.clear = controls.button("queue_clear", "Clear", tooltips.BATCH_CLEAR, enabled=False)
        actions = {self.add: batch.add_selected, self.run: batch.run, self.clear: batch.clear}
        for button, action in actions.items():
            button.changed.connect(action)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addWidget(controls.flow(*(button.native for button in actions)))
        batch.changed.connect(self._update)

    def keyPressEvent(self, event: Any) -> None:
        """Remove the current layer with Delete, unless it is running."""
        number = self.list.currentRow()
        if event.key() == Qt.Key.Key_Delete and number >= 0:
            self._batch.remove(number)
        else:
            super().keyPressEvent(event)

    def _update(self) -> None:
        items = self._batch.items
        while self.list.count() > len(items):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(items):
            self.list.addItem("")
        for number, item in enumerate(items):
            line = self.list.item(number)
            assert line is not None
            line.setText(plain(f"{item.status}: {item.layer.name}"))
            line.setToolTip(as_html(item.text))
        self.run.enabled = self._batch.can_run
        self.clear.enabled = self._batch.can_clear
