"""The row of buttons that repeats how a selected layer was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

from napari_dip.errors import NapariDipError
from napari_dip.plugin import controls
from napari_dip.plugin.recall import as_command, as_python, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["Again", "reapplied"]


class Again(QWidget):
    """Copies how a layer was made, or gives it back to the controls.

    That is the selected layer where we made it, and else the last result of the panel. It is seen
    only where there is one. ``reapplied`` tells its record and its name, ``said`` what was done.

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
        self._last: Callable[[], Layer | None] = lambda: None
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
        viewer.layers.events.removed.connect(self.look)
        self.look()

    def made(self, layer: Layer | None) -> None:
        """Remember the last result, which need not be selected."""
        if layer is not None:
            self._last = ref(layer)
        self.look()

    def look(self, _event: Any = None) -> None:
        """Show the buttons if there is a layer that we made."""
        layer, last = self._viewer.layers.selection.active, self._last()
        if record_of(layer) is None and last is not None and last in self._viewer.layers:
            layer = last
        if layer is not self._layer:
            if self._layer is not None:
                self._layer.events.metadata.disconnect(self.look)
            self._layer = layer
            if layer is not None:
                layer.events.metadata.connect(self.look)
        self.setVisible(record_of(layer) is not None)

    def _copy(self, write: Callable[[dict[str, Any], str], str], what: str) -> None:
        record = record_of(self._layer)
        if record is None:
            return
        try:
            text = write(record, self._layer.name)
        except NapariDipError as error:
            self.said.emit(str(error))
            return
        except (LookupError, TypeError, ValueError, AttributeError):
            self.said.emit(f"'{self._layer.name}' does not say as napari-dip does how it was made.")
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


_WHICH = "the selected layer, or else the last result,"
_PYTHON = f"Copy Python that makes {_WHICH} again, with the same seed and settings."
_COMMAND = f"Copy the command line that makes {_WHICH} again, from file to file."
_REAPPLY = f"Put the settings that {_WHICH} was made with into the controls."
