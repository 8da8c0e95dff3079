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

# napari uses none of them.
_KEYS = {
    "run": "F5",
    "pause": "F6",
    "resume": "F6",
    "stop": "F7",
    "continue": "F8",
    "discard": "F9",
}


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
        for button in self.all:
            button.enabled = button.name in names
        self.pause.visible, self.resume.visible = "resume" not in names, "resume" in names


def bind(panel: QWidget, buttons: Sequence[PushButton]) -> None:
    """Let keys press buttons while the panel has the focus; the tooltips tell which."""
    for key in dict.fromkeys(_KEYS.values()):
        own = [button for button in buttons if _KEYS[button.name] == key]

        def press(own: list[PushButton] = own) -> None:
            # Only one of them: to press it may enable the next.
            able = [button for button in own if button.enabled]
            if able:
                able[0].native.click()

        shortcut = QShortcut(QKeySequence(key), panel)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(press)
        for button in own:
            button.tooltip = f"{button.tooltip} ({key})"
