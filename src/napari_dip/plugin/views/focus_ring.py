"""Draw a frame around the control with the keyboard focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.theme import get_theme
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QPoint, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtGui import QPaintEvent

__all__ = ["FocusRing"]

MARGIN = 2  # pixels between the control and the outer edge of the frame

FOLLOWED = {QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide}


class FocusRing(QWidget):
    """A frame around the focused control of a panel; napari's style sheet shows no focus.

    It lies above the controls, so that no control changes its size.

    Parameters
    ----------
    content
        The widget whose descendants get a frame; it owns this widget.
    viewer
        Its theme gives the colour.
    """

    def __init__(self, content: QWidget, viewer: Viewer) -> None:
        super().__init__(content)
        self._content, self._viewer = content, viewer
        self._followed: list[QWidget] = []
        self.setObjectName("focus_ring")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the control when the layout moves it; no event is filtered out."""
        if event is not None and event.type() in FOLLOWED:
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the frame."""
        painter = QPainter(self)
        pen = painter.pen()
        pen.setColor(QColor(get_theme(self._viewer.theme).text.as_hex()))
        pen.setWidth(MARGIN)
        painter.setPen(pen)
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _follow(self, _old: QWidget | None, focused: QWidget | None) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        for widget in self._followed:
            if isalive(widget):  # type: ignore[no-untyped-call]
                widget.removeEventFilter(self)
        self._followed = []
        inside = focused is not None and self._content.isAncestorOf(focused)
        parent = focused if inside else None
        while parent is not None and parent is not self._content:
            self._followed.append(parent)
            parent.installEventFilter(self)
            parent = parent.parentWidget()
        self._place()

    def _place(self) -> None:
        if not self._followed or not self._followed[0].isVisible():
            self.hide()
            return
        control = self._followed[0]
        corner = control.mapTo(self._content, QPoint(0, 0))
        box = control.rect().translated(corner)
        self.setGeometry(box.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))
        self.raise_()
        self.show()
