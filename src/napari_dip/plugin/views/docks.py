"""Watch the dock of a panel: show it again, and notice that the panel leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["DockWatcher", "UndockWatcher"]

# The end of the name of a dock that code has added with the name of the package; napari's menu
# uses the display name.
BY_CODE = "(napari-dip)"

_watchers: WeakSet[DockWatcher] = WeakSet()


class DockWatcher(QObject):
    """Show a docked panel when napari's menu would hide it, make a second one, or squeeze another.

    The entry of a panel in the menu hides it, also if another tab covers it, where a user wants to
    see it. A dock that the user closes gets an event of its own before, and stays closed. If code
    has opened the panel, the entry makes a second one, because the names of the docks differ: it is
    removed, and the first one is raised. A panel from the menu becomes a tab beside an earlier
    panel of another task: one above the other, neither would show its buttons.

    Parameters
    ----------
    panel
        The widget in the dock, which owns this object.
    viewer
        Its window has the docks.
    kind
        What is the same for two panels of the same task.
    """

    def __init__(self, panel: QWidget, viewer: Viewer, kind: Any) -> None:
        super().__init__(panel)
        self._panel, self._viewer, self.kind = panel, viewer, kind
        self._closing = False
        self._dock: QDockWidget | None = None
        _watchers.add(self)
        panel.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Watch the dock; no event is filtered out."""
        panel = self.__dict__.get("_panel")  # Qt still calls when Python has cleared this object
        if event is None or panel is None:
            return False
        if watched is panel and event.type() == QEvent.Type.ParentChange:
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
            QTimer.singleShot(0, self._settle)  # napari adds the dock to the window first

    def _settle(self) -> None:
        """Make room for the panel that napari's menu has opened, or raise the one it repeats."""
        dock, window = self.dock_in_window
        if dock is None or window is None or dock.objectName().endswith(BY_CODE):
            return
        beside = {
            other_dock: other.kind
            for other in list(_watchers)
            if other is not self and other.is_alive
            for other_dock, same_window in [other.dock_in_window]
            if other_dock is not None and same_window is window
        }
        for other_dock, kind in beside.items():
            if kind == self.kind:
                self._viewer.window.remove_dock_widget(dock)
                other_dock.show()
                other_dock.raise_()  # also if another tab covers it
                return
        area = window.dockWidgetArea
        for other_dock in beside:
            tabbed = dock in window.tabifiedDockWidgets(other_dock)
            if area(other_dock) == area(dock) and other_dock.isVisible() and not tabbed:
                window.tabifyDockWidget(other_dock, dock)
                dock.raise_()
                return

    @property
    def is_alive(self) -> bool:
        """Whether Qt has not deleted this object and its panel."""
        return bool(isalive(self) and isalive(self._panel))  # type: ignore[no-untyped-call]

    @property
    def dock_in_window(self) -> tuple[QDockWidget | None, QMainWindow | None]:
        """The dock and its window; ``None`` unless the dock is in the window."""
        dock = self._dock
        if dock is None or not isalive(dock):  # type: ignore[no-untyped-call]
            return None, None
        window = dock.parentWidget()
        nowhere = Qt.DockWidgetArea.NoDockWidgetArea
        if isinstance(window, QMainWindow) and window.dockWidgetArea(dock) != nowhere:
            return dock, window
        return None, None

    def _show(self) -> None:
        """Show the dock again, unless napari has removed it."""
        dock, _ = self.dock_in_window
        if dock is not None:
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
