"""What napari's window does with a panel: the viewer it hands over, and how it lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

__all__ = ["Docking", "unwrapped"]


def unwrapped(viewer: Viewer) -> Viewer:
    """Return the viewer itself for the proxy that napari gives to plugins.

    What comes out of a proxy is a proxy again, and no such layer is identical with itself.
    """
    real: Viewer = getattr(viewer, "__wrapped__", viewer)
    return real


class Docking(QObject):
    """Watches a panel; napari, which removes it from its dock, says so to nobody.

    Parameters
    ----------
    panel
        The widget to watch, and the owner of this object.
    """

    undocked = Signal()

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        panel.installEventFilter(self)

    def eventFilter(self, panel: QObject | None, event: QEvent | None) -> bool:
        """Listen, and let everything pass."""
        moved = event is not None and event.type() == QEvent.Type.ParentChange
        if moved and panel is not None and panel.parent() is None:
            self.undocked.emit()
        return False
