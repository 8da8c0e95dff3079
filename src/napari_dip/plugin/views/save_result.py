"""The button that saves a result to a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QWidget
from superqt.utils import create_worker

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.controllers.backups import is_displayed
from napari_dip.plugin.models.saved_layer import SavedLayer, with_suffix
from napari_dip.plugin.views import controls, tooltips

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["SaveResult"]


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
        if exists and not self._may_replace(path):
            return
        self.button.enabled = False
        self.message.emit(f"Saving '{layer.name}' …")
        worker: Any = create_worker(_write, saved, path, overwrite=exists)
        worker.returned.connect(self._finish)
        worker.start()

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
        text, chosen = QFileDialog.getSaveFileName(
            self,
            "Save result",
            str(proposed),
            ";;".join(filters),
            options=QFileDialog.Option.DontConfirmOverwrite,  # the suffix is added afterwards
        )
        return with_suffix(Path(text), filters.get(chosen, first)) if text else None

    def _may_replace(self, path: Path) -> bool:
        answer = QMessageBox.question(
            self,
            "Save result",
            as_html(f"{path} exists. Replace it?"),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _finish(self, outcome: _Outcome) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        self.button.enabled = True
        if outcome.saved:
            self.message.emit(outcome.text)
        else:
            self._fail(outcome.text)

    def _fail(self, text: str) -> None:
        self.message.emit(text)
        show_error(as_html(plain(text)))


class _Outcome(NamedTuple):
    text: str
    saved: bool


def _write(saved: SavedLayer, path: Path, *, overwrite: bool) -> _Outcome:
    """Write a layer in the worker thread; an exception there would emit no signal."""
    try:
        return _Outcome(saved.write(path, overwrite=overwrite), saved=True)
    except Exception as error:  # noqa: BLE001 - every error must reach the user
        known = isinstance(error, NapariDipError)
        text = str(error) if known else f"{path} was not saved ({type(error).__name__}: {error})."
        return _Outcome(text, saved=False)
