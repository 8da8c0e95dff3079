"""The row of buttons that repeats how a selected layer was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

from napari_dip.errors import NapariDipError
from napari_dip.plugin import controls
from napari_dip.plugin.recall import as_command, as_python, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer

__all__ = ["Again", "reapplied"]


class Again(QWidget):
    """Copies how the selected layer was made, or gives it back to the controls.

    It is seen only while a layer is selected that we made. ``reapplied`` tells its record and its
    name, ``said`` what was done.

    Parameters
    ----------
    viewer
        Where the layers are.
    """

    reapplied = Signal(object, str)
    said = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Any = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for name, text, tip, act in (
            ("copy_python", "Copy Python", _PYTHON, lambda: self._copy(as_python, "Python")),
            ("copy_command", "Copy command", _COMMAND, lambda: self._copy(as_command, "a command")),
            ("reapply", "Reapply", _REAPPLY, self._reapply),
        ):
            button = controls.button(name, text, tip)
            button.native.setMinimumWidth(0)
            button.changed.connect(act)
            setattr(self, name, button)  # magicgui drops what nobody holds
            row.addWidget(button.native)
        viewer.layers.selection.events.active.connect(self.look)
        self.look()

    def look(self, _event: Any = None) -> None:
        """Show the buttons if the selected layer is one that we made."""
        active = self._viewer.layers.selection.active
        if active is not self._layer:
            if self._layer is not None:
                self._layer.events.metadata.disconnect(self.look)
            self._layer = active
            if active is not None:
                active.events.metadata.connect(self.look)
        self.setVisible(record_of(active) is not None)

    def _copy(self, write: Callable[[dict[str, Any], str], str], what: str) -> None:
        record = record_of(self._layer)
        if record is None:
            return
        try:
            text = write(record, self._layer.name)
        except NapariDipError as error:
            self.said.emit(str(error))
            return
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(text)
        first = " Its first lines say what to save before." if "Save it first" in text else ""
        self.said.emit(f"'{self._layer.name}' is in the clipboard as {what}.{first}")

    def _reapply(self) -> None:
        record = record_of(self._layer)
        if record is not None:
            self.reapplied.emit(record, self._layer.name)


def reapplied(name: str, other: str, rest: list[str]) -> str:
    """Say that the controls are set as a layer was made, and what of it they cannot say.

    Parameters
    ----------
    name
        Of the layer.
    other
        What it was made by, where that was another task.
    rest
        The settings without a control.
    """
    words = f"The controls are set as '{name}' was made."
    if other:
        words += f" Its task was to {other}, for which there is another panel."
    if rest:
        words += f" There is no control for {', '.join(rest)}."
    return words


_PYTHON = "Copy Python that makes the selected layer again, with the same seed and settings."
_COMMAND = "Copy the command line that makes the selected layer again, from file to file."
_REAPPLY = "Put the settings that the selected layer was made with into the controls."
