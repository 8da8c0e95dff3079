"""The button that saves a result to a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.controllers.background import in_background
from napari_dip.plugin.controllers.backups import is_displayed
from napari_dip.plugin.models.saved_layer import SavedLayer, with_suffix
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.save_dialog import ask_path, may_replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["SaveResult"]

TITLE = "Save result"


class SaveResult(QWidget):
    """A button that asks for a file and writes a layer to it in a worker thread.

    ``message`` has a text for the user.

    Parameters
    ----------
    viewer
        Its layers may show the file.
    layer
        Return the layer to save.
    """

    message = Signal(str)

    def __init__(self, viewer: Viewer, layer: Callable[[], Layer | None]) -> None:
        super().__init__()
        self._viewer, self._layer = viewer, layer
        self.button = controls.button("save_result", "Save result…", tooltips.SAVE)
        self.button.changed.connect(self._save)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button.native)

    def _save(self) -> None:
        layer = self._layer()
        if not isinstance(layer, Image):
            return
        try:
            saved = SavedLayer.of(layer)
            path = self._ask_path(saved)
            if path is None:
                return
            if is_displayed(self._viewer, path):
                raise FileProblem(f"A layer of the viewer shows {path}: choose another name.")
        except NapariDipError as error:
            self._fail(str(error))
            return
        exists = os.path.lexists(path)
        if exists and not may_replace(self, TITLE, path):
            return
        self.button.enabled = False
        self.message.emit(f"Saving '{layer.name}' …")
        in_background(
            self,
            lambda: saved.write(path, overwrite=exists),
            self._finish,
            lambda text: self._finish(text, failed=True),
        )

    def _ask_path(self, saved: SavedLayer) -> Path | None:
        formats = saved.formats()
        if not formats:
            raise FileProblem(
                f"No file format can hold '{saved.name}' with the axes {saved.stored.axes}: name "
                "the axes under Axes."
            )
        filters = {f"{name} (*{suffix})": suffix for suffix, name in formats.items()}
        first = next(iter(formats))
        proposed = with_suffix(saved.proposed_path(), first)
        path, chosen = ask_path(self, TITLE, proposed, filters)
        return path and with_suffix(path, filters.get(chosen, first))

    def _finish(self, text: str, *, failed: bool = False) -> None:
        self.button.enabled = True
        if failed:
            self._fail(text)
        else:
            self.message.emit(text)

    def _fail(self, text: str) -> None:
        self.message.emit(text)
        show_error(as_html(plain(text)))
