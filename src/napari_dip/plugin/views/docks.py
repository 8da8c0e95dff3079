"""Watch the dock of a panel: show it again, and notice that the panel leaves it."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

__all__ = ["DockWatcher", "UndockWatcher"]


class DockWatcher(QObject):
    """Show a docked panel again when napari's menu hides it.

    The entry of a panel in the menu hides it, also if another tab covers it, where a user wants to
    see it. A dock that the user closes gets an event of its own before, and stays closed.

    Parameters
    ----------
    panel
        The widget in the dock, which owns this object.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self._panel, self._closing = panel, False
        self._dock: QDockWidget | None = None
        panel.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Watch the dock; no event is filtered out."""
        if event is None:
            return False
        if watched is self._panel and event.type() == QEvent.Type.ParentChange:
            self._find_dock()
        elif self._dock is not None and watched is self._dock and not event.spontaneous():
            if event.type() == QEvent.Type.Close:
                self._closing = True
            elif event.type() == QEvent.Type.Hide:
                if self._dock.isHidden() and not self._closing:
                    QTimer.singleShot(0, self._show)
                self._closing = False
            elif event.type() == QEvent.Type.Show:
                QTimer.singleShot(0, self._raise)
        return False

    def _find_dock(self) -> None:
        if self._dock is not None and isalive(self._dock):  # type: ignore[no-untyped-call]
            self._dock.removeEventFilter(self)
        parent = self._panel.parentWidget()
        while parent is not None and not isinstance(parent, QDockWidget):
            parent = parent.parentWidget()
        self._dock = parent
        if parent is not None:
            parent.installEventFilter(self)

    def _show(self) -> None:
        """Show the dock again, unless napari has removed it."""
        dock = self._dock
        if dock is None or not isalive(dock):  # type: ignore[no-untyped-call]
            return
        window = dock.parentWidget()
        nowhere = Qt.DockWidgetArea.NoDockWidgetArea
        if isinstance(window, QMainWindow) and window.dockWidgetArea(dock) != nowhere:
            dock.show()

    def _raise(self) -> None:
        """Show the dock above the tabs that cover it."""
        dock = self._dock
        if dock is not None and isalive(dock) and not dock.isHidden():  # type: ignore[no-untyped-call]
            dock.raise_()


class UndockWatcher(QObject):
    """Emit ``undocked`` when napari removes a panel from its dock, which has no signal itself.

    Parameters
    ----------
    panel
        The widget to watch, which owns this object.
    """

    undocked = Signal()

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        panel.installEventFilter(self)

    def eventFilter(self, panel: QObject | None, event: QEvent | None) -> bool:
        """Watch for a change of the parent; no event is filtered out."""
        moved = event is not None and event.type() == QEvent.Type.ParentChange
        if moved and panel is not None and panel.parent() is None:
            self.undocked.emit()
        return False
