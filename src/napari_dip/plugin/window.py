"""What napari's window does with a panel: the viewer it hands over, and how it lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtCore import QEvent, QObject, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.utils.events import EventEmitter
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

__all__ = ["Docking", "unwrapped"]


def unwrapped(viewer: Viewer) -> Viewer:
    """Return the viewer itself for the proxy that napari gives to plugins.

    What comes out of a proxy is a proxy again, and no such layer is identical with itself.
    """
    real: Viewer = getattr(viewer, "__wrapped__", viewer)
    return real


class Watch:
    """Calls a function when layers change in a way that counts for a run.

    Parameters
    ----------
    look_again
        Called without anything; held weakly, as napari does it.
    """

    # The last ones are of Labels: a stroke, each of its steps, and what undo emits.
    _COUNTS = ("data", "axis_labels", "name", "scale", "translate", "rotate", "shear", "affine")
    _OF_LABELS = ("paint", "labels_update", "set_data")

    def __init__(self, look_again: Callable[[], None]) -> None:
        self._look_again = look_again
        self._layers: list[Layer] = []

    def only(self, layers: list[Layer]) -> None:
        """Watch these layers and no others."""
        if layers == self._layers:
            return
        for layer in self._layers:
            for event in self._events(layer):
                event.disconnect(self._look_again)
        self._layers = layers
        for layer in self._layers:
            for event in self._events(layer):
                event.connect(self._look_again)

    def _events(self, layer: Layer) -> list[EventEmitter]:
        names = (*self._COUNTS, *(self._OF_LABELS if isinstance(layer, Labels) else ()))
        return [getattr(layer.events, name) for name in names]


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
