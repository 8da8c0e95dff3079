"""Draw a line over the canvas that the user drags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QLabel, QWidget

from napari_dip.plugin.views import tooltips

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WipeLine"]

GRIP = 16  # pixels: width of the part that can be dragged
MARGIN = 6  # pixels between the line and the names of its sides
STEP = 0.01  # of the width of the canvas: for one press of an arrow key


class WipeLine(QWidget):
    """A vertical line that can be dragged, with the names of both sides at the top.

    ``moved`` has its place as a fraction of the width of the canvas; it is emitted too when the
    canvas gets another size.

    Parameters
    ----------
    canvas
        The widget under the line, which is its parent.
    names
        The names of the left and the right side.
    """

    moved = Signal(float)

    def __init__(self, canvas: QWidget, names: Sequence[str]) -> None:
        super().__init__(canvas)
        self.setObjectName("wipe_line")
        self.setAccessibleName("Line between the input and the result")
        self.setToolTip(tooltips.WIPE_LINE)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._canvas, self.fraction = canvas, 0.5
        self._names = [_name_tag(canvas, name) for name in names]
        canvas.installEventFilter(self)
        self.show()
        self._place()

    def move_to(self, fraction: float) -> None:
        """Move the line to a fraction of the width of the canvas."""
        self.fraction = min(1.0, max(0.0, fraction))
        self._place()
        self.moved.emit(self.fraction)

    def remove(self) -> None:
        """Remove the line and the names."""
        self._canvas.removeEventFilter(self)
        for widget in (*self._names, self):
            widget.hide()
            widget.deleteLater()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of the canvas; no event is filtered out."""
        if watched is self._canvas and event and event.type() == QEvent.Type.Resize:
            self.move_to(self.fraction)
        return False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the line."""
        if event is not None:
            place = self.mapTo(self._canvas, event.position().toPoint()).x()
            self.move_to(place / max(1, self._canvas.width()))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the line with the arrow keys."""
        steps = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}
        if event is not None and event.key() in steps:
            self.move_to(self.fraction + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the line white with a black edge, to be visible on every image."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, middle = self.width() / 2, self.height() / 2
        for colour, width in ((QColor("black"), 4), (QColor("white"), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(QPen(QColor("black"), 1))
        painter.setBrush(QColor("white"))
        painter.drawEllipse(QPointF(x, middle), GRIP / 2 - 1, GRIP / 2 - 1)
        painter.end()

    def _place(self) -> None:
        x = round(self.fraction * self._canvas.width())
        self.setGeometry(x - GRIP // 2, 0, GRIP, self._canvas.height())
        left, right = self._names
        left.move(x - MARGIN - left.width(), MARGIN)
        right.move(x + MARGIN, MARGIN)
        self.raise_()


def _name_tag(canvas: QWidget, name: str) -> QLabel:
    tag = QLabel(name, canvas)
    tag.setStyleSheet("background: rgba(0, 0, 0, 160); color: white; padding: 1px 5px;")
    tag.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    tag.adjustSize()
    tag.show()
    return tag
