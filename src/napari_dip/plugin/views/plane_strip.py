"""Show the state of each plane of a stack in a thin strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_dip.plaintext import as_html

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.models.plane_states import PlaneState, PlaneStates

__all__ = ["PlaneStrip"]

HEIGHT = 14  # pixels
MIN_CELL = 4  # pixels: a narrower cell cannot be seen
MIN_FRAMED_CELL = 8  # pixels: in a narrower cell, the frame would hide the colour

# Okabe and Ito's colours, which differ for colour-blind users, under a black pattern where two of
# them could be mistaken. Waiting planes are empty cells.
LOOKS: dict[PlaneState, tuple[str, Qt.BrushStyle]] = {
    "failed": ("#d55e00", Qt.BrushStyle.DiagCrossPattern),
    "running": ("#e69f00", Qt.BrushStyle.NoBrush),
    "partial": ("#56b4e9", Qt.BrushStyle.FDiagPattern),
    "waiting": ("transparent", Qt.BrushStyle.NoBrush),
    "untouched": ("#999999", Qt.BrushStyle.Dense6Pattern),
    "done": ("#009e73", Qt.BrushStyle.NoBrush),
}


class PlaneStrip(QWidget):
    """One cell for each plane; many planes share a cell, which has the most urgent state of them.

    It is hidden for a single plane. The tooltip names the planes of a cell and their states.

    Parameters
    ----------
    viewer
        Its theme gives the colour of the frames.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.setObjectName("planes")
        self.setAccessibleName("State of the planes")
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._viewer = viewer
        self.states: PlaneStates | None = None
        viewer.events.theme.connect(self._repaint)
        self.hide()

    @property
    def has_planes(self) -> bool:
        """Whether there are several planes to show."""
        return self.states is not None and len(self.states.states) > 1

    def draw(self, states: PlaneStates | None) -> None:
        """Draw the states of the planes; ``None`` if there are none."""
        if states == self.states:
            return
        self.states = states
        if states is not None:
            self.setAccessibleDescription(states.in_words())
        self.setVisible(self.has_planes)
        self.update()

    def text_at(self, x: float) -> str:
        """Return the tooltip at a column of the strip."""
        if self.states is None:
            return ""
        bounds = self._bounds(self.states)
        cell = min(len(bounds) - 1, max(0, int(x / max(1, self.width()) * len(bounds))))
        return f"{self.states.describe(*bounds[cell])}\nAll planes: {self.states.in_words()}"

    def event(self, event: QEvent | None) -> bool:
        """Show the tooltip of a cell."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), as_html(self.text_at(event.pos().x())), self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the cells."""
        if self.states is None:
            return
        painter = QPainter(self)
        frame = QPen(QColor(get_theme(self._viewer.theme).text.as_hex()), 1)
        frame.setCosmetic(True)
        cells = self.states.cells(len(self._bounds(self.states)))
        width = (self.width() - 1) / len(cells)
        for number, state in enumerate(cells):
            colour, pattern = LOOKS[state]
            cell = QRectF(number * width, 0, width, self.height() - 1)
            painter.fillRect(cell, QColor(colour))
            painter.setPen(frame if width >= MIN_FRAMED_CELL else Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(QColor("black"), pattern))
            painter.drawRect(cell)
        painter.setPen(frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(0, 0, self.width() - 1, self.height() - 1))
        painter.end()

    def _bounds(self, states: PlaneStates) -> list[tuple[int, int]]:
        return states.bounds(self.width() // MIN_CELL)

    def _repaint(self) -> None:
        self.update()
