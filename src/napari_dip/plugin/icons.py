"""napari's own icons on the buttons and folds of a panel, in the colour of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QObject, QSize
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QPushButton, QWidget
from superqt import QCollapsible

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["Icons"]


class Icons(QObject):
    """Gives a panel its icons, and new ones when the theme changes.

    What napari has no fitting icon for, as *Pause*, stays with its text alone.

    Parameters
    ----------
    panel
        The widget with the buttons, and the owner of this object.
    viewer
        Whose theme gives the colour.
    """

    def __init__(self, panel: QWidget, viewer: Viewer) -> None:
        super().__init__(panel)
        self._panel, self._viewer = panel, viewer
        self._dress()
        viewer.events.theme.connect(self._dress)

    def _dress(self, _event: Any = None) -> None:
        theme = get_theme(self._viewer.theme).id
        for button in self._panel.findChildren(QPushButton):
            if name := _OF_BUTTONS.get(button.objectName()):
                button.setIcon(_icon(theme, name))
                button.setIconSize(_SIZE)
        for fold in self._panel.findChildren(QCollapsible):
            fold.setCollapsedIcon(_icon(theme, "right_arrow"))
            fold.setExpandedIcon(_icon(theme, "down_arrow"))
            fold.toggleButton().setIconSize(_SIZE)


def _icon(theme: str, name: str) -> QIcon:
    """Take an icon from where napari's own style sheet has it."""
    icon = QIcon(f"theme_{theme}:/{name}.svg")
    icon.addFile(f"theme_{theme}:/{name}_50.svg", mode=QIcon.Mode.Disabled)
    return icon


_SIZE = QSize(16, 12)  # with air on either side

_OF_BUTTONS = {
    "run": "right_arrow",
    "resume": "right_arrow",
    "stop": "square",
    "discard": "delete",
    "continue": "right_arrow",
    "keep_as_layer": "new_image",
    "open_sample": "new_image",
    "new_mask": "new_labels",
    "queue_run": "right_arrow",
    "queue_clear": "delete",
}
