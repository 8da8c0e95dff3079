"""A panel that is higher than its window is scrolled, and the wheel changes nothing on the way."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QScrollArea,
    QScrollBar,
    QSlider,
    QVBoxLayout,
    QWidget,
)

__all__ = ["make_scrollable"]

_MARGIN = 6
"""Around what a panel holds: its rows and a scroll bar fit side by side into the panel's width."""


class _Area(QScrollArea):
    """Asks for all the room that its content would like to have, where Qt's asks for a part."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content, self._bar = content, QScrollBar(Qt.Orientation.Vertical)
        self.setVerticalScrollBar(self._bar)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(content)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Say that there is more in it, or less; Qt's scroll area would not become wider for it."""
        if watched is self._content and event and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        """As large as the content."""
        return self._with_bar(self._content.sizeHint())

    def minimumSizeHint(self) -> QSize:
        """As wide as the content, and as low as can be."""
        width = self._with_bar(self._content.minimumSizeHint()).width()
        return QSize(width, super().minimumSizeHint().height())

    def _with_bar(self, size: QSize) -> QSize:
        return size + QSize(self._bar.sizeHint().width() + 2 * self.frameWidth(), 0)


class _Wheel(QObject):
    """Leaves the wheel to the scroll bar, where a control has not been chosen before."""

    def eventFilter(self, control: QObject | None, event: QEvent | None) -> bool:
        """Hold the wheel back from what has no focus; its event goes on to the parent."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(control, QWidget) and control.hasFocus():
            return False
        event.ignore()
        return True


def make_scrollable(panel: QWidget) -> None:
    """Put what a panel holds into a scroll area; the layout stays the one that it had."""
    content = QWidget()
    inner = panel.layout()
    content.setLayout(inner)  # and with it all that lies in it
    if isinstance(inner, QVBoxLayout):
        inner.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        inner.addStretch(1)
    outer = QVBoxLayout(panel)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(_Area(content))
    wheel = _Wheel(panel)
    for kind in (QComboBox, QAbstractSpinBox, QSlider):
        for control in content.findChildren(kind):
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel
            control.installEventFilter(wheel)
