"""The buttons that begin, hold and end a run, and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, PushButton, Widget
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut  # type: ignore[attr-defined]

from napari_dip.plugin import controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

__all__ = ["Buttons", "bind"]

# napari uses none of them, but Esc in shapes and labels that are being drawn on the canvas.
_KEYS = {
    "run": ["F5"],
    "pause": ["F6"],
    "resume": ["F6"],
    "stop": ["F7", "Esc"],
    "continue": ["F8"],
    "discard": ["F9"],
}

_NEXT = {"run": "pause", "pause": "resume", "resume": "pause"}
"""Which button comes in the place of one that was pressed and makes no sense any more."""


class Buttons(Container[Widget]):
    """A row of buttons, of which only those can be pressed that make sense."""

    def __init__(self) -> None:
        self.run = controls.button("run", "Run", "Restore the image into a new layer.")
        self.pause = controls.button("pause", "Pause", "Hold on at the next iteration.")
        self.resume = controls.button("resume", "Resume", "Go on after the pause.")
        self.stop = controls.button("stop", "Stop", "End the run now and keep the best so far.")
        self.discard = controls.button(
            "discard", "Discard", "End the run now and remove its result."
        )
        self.all = [self.run, self.pause, self.resume, self.stop, self.discard]
        super().__init__(widgets=self.all, layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self.allow("run")

    def allow(self, *names: str) -> None:
        """Let only these be pressed; of *Pause* and *Resume* only one is seen."""
        able = {button.name: button for button in self.all if button.name in names}
        for button in able.values():
            button.enabled = True
        seen, hidden = self.pause, self.resume
        if "resume" in able:
            seen, hidden = hidden, seen
        seen.visible = True
        for button in self.all:
            if button.name in able:
                continue
            if button.native.hasFocus():
                # Qt would go on to the next: from Stop to Discard, which a second press would ask.
                follows = able.get(_NEXT.get(button.name, ""), self)
                follows.native.setFocus()
            button.enabled = False
        hidden.visible = False


def bind(panel: QWidget, buttons: Sequence[PushButton]) -> None:
    """Let keys press buttons while the panel has the focus; the tooltips tell which.

    A click anywhere in the panel gives it the focus.
    """
    panel.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    for key in dict.fromkeys(key for keys in _KEYS.values() for key in keys):
        own = [button for button in buttons if key in _KEYS[button.name]]

        def press(own: list[PushButton] = own) -> None:
            # Only one of them: to press it may enable the next.
            able = [button for button in own if button.enabled]
            if able:
                able[0].native.click()

        shortcut = QShortcut(QKeySequence(key), panel)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(press)
    for button in buttons:
        button.tooltip = f"{button.tooltip} ({' or '.join(_KEYS[button.name])})"
