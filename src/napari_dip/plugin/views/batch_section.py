"""Choose what a batch restores: layers of the viewer, or image files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.batch_list import BatchList
from napari_dip.plugin.views.file_list import FileList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.plugin.controllers.run_control import RunController

__all__ = ["BatchSection"]

LAYERS, FILES = "layers", "files"


class BatchSection(QWidget):
    """The content of *Batch*.

    Parameters
    ----------
    controller
        It has the batch of layers and that of files.
    done
        What is done to the images, such as ``"denoised"``.
    file_controls
        Further controls of the task for files.

    Attributes
    ----------
    files
        The controls of files.
    """

    def __init__(
        self, controller: RunController, done: str, file_controls: Sequence[Widget]
    ) -> None:
        super().__init__()
        self.kind = controls.combo_box(
            "batch_of",
            "Restore",
            tooltips.BATCH_OF,
            [("layers of the viewer", LAYERS), ("files or a folder", FILES)],
        )
        choice: Container[Widget] = Container(widgets=[self.kind])
        choice.margins = (0, 0, 0, 0)
        controls.align_labels(choice)
        self._layers = BatchList(controller.batch)
        self.files = FileList(controller.files, done, file_controls)
        self.files.stop.changed.connect(controller.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (choice.native, self._layers, self.files):
            layout.addWidget(part)
        self.kind.changed.connect(self._show)
        self._show()

    def _show(self, _value: Any = None) -> None:
        self._layers.setVisible(self.kind.value == LAYERS)
        self.files.setVisible(self.kind.value == FILES)
