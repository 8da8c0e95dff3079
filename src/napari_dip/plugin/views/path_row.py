"""Make a row with a path and a button that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.history import get_open_history, update_open_history
from qtpy.QtWidgets import QFileDialog

from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets import Container, LineEdit, PushButton, Widget

__all__ = ["PathRow", "ask_file", "ask_files", "ask_folder"]

BUTTON_WIDTH = 44  # pixels: the path needs the rest of the row; fits the arrow of a menu


class PathRow:
    """A line for a path, and a button beside it.

    Parameters
    ----------
    name, label, tip
        The name of the line, its label, and what the path is.
    placeholder
        What is shown while the line is empty.
    ask
        Ask for a path when the button is pressed; an empty text if the user cancels. Without it,
        the caller gives the button a menu.

    Attributes
    ----------
    row, line, button
        The widgets.
    """

    def __init__(
        self,
        name: str,
        label: str,
        tip: str,
        placeholder: str,
        ask: Callable[[], str] | None = None,
    ) -> None:
        self.line: LineEdit = controls.text_field(name, label, tip, placeholder)
        self.button: PushButton = controls.button(f"{name}_browse", "…", tip)
        self.button.native.setAccessibleName(f"{label}: browse")
        self.button.native.setFixedWidth(BUTTON_WIDTH)
        self.row: Container[Widget] = controls.row(self.line, self.button, label=label)
        self._ask = ask
        if ask is not None:
            self.button.changed.connect(self._fill)

    def _fill(self) -> None:
        if self._ask is not None and (name := self._ask()):
            self.line.value = name
            self.line.native.editingFinished.emit()


def ask_folder(title: str) -> str:
    """Ask for a folder, which may be made in the dialog."""
    return _remembered(QFileDialog.getExistingDirectory(None, title, get_open_history()[0]))


def ask_file(title: str) -> str:
    """Ask for a file."""
    return _remembered(QFileDialog.getOpenFileName(None, title, get_open_history()[0])[0])


def ask_files(title: str) -> list[str]:
    """Ask for several files."""
    names, _ = QFileDialog.getOpenFileNames(None, title, get_open_history()[0])
    if names:
        _remembered(names[0])
    return names


def _remembered(name: str) -> str:
    if name:
        update_open_history(name)
    return name
