"""Give the keyboard focus back to a button that was disabled while its work was done."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QApplication, QPushButton, QWidget

__all__ = ["ReturningFocus"]


class ReturningFocus(QObject):
    """Return the focus that Qt has moved from a disabled button to the control after it.

    If the user has moved the focus meanwhile, it stays.

    Parameters
    ----------
    button
        The button, which owns this object.
    """

    def __init__(self, button: QPushButton) -> None:
        super().__init__(button)
        self._button, self._lost = button, False
        self._receiver: QWidget | None = None
        button.installEventFilter(self)

    def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:
        """Watch the focus and the state of the button; no event is filtered out."""
        if event is None:
            return False
        if event.type() == QEvent.Type.FocusOut:
            self._lost = not self._button.isEnabled()  # else the user has moved it
        elif event.type() == QEvent.Type.EnabledChange:
            focused = QApplication.focusWidget()
            if not self._button.isEnabled():
                self._receiver = focused if self._lost else None
            elif self._lost:
                self._lost, receiver = False, self._receiver
                self._receiver = None
                moved = receiver is not None and isalive(receiver)  # type: ignore[no-untyped-call]
                if moved and focused is receiver:
                    self._button.setFocus()
        return False
