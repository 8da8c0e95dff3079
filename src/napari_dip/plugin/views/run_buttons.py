"""The buttons that begin, hold and end a run, and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from magicgui.widgets import Container, PushButton, Widget
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QApplication, QHBoxLayout, QShortcut, QWidget  # type: ignore[attr-defined]

from napari_dip.errors import NapariDipError
from napari_dip.plugin.models.provenance import as_command, as_python, record_of
from napari_dip.plugin.models.run_request import Reader
from napari_dip.plugin.models.trial import Trial
from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.finished_run import Afterwards

__all__ = ["Again", "Buttons", "Trying", "bind", "reapplied"]

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


class Trying(Container[Widget]):
    """Tries on a part, and remembers the last trial that came to an end.

    Attributes
    ----------
    trial
        The last that was not discarded, or ``None``.
    """

    def __init__(self) -> None:
        self.trial: Trial | None = None
        self._layer: Image | None = None
        self._reader = Reader()
        self.try_here = controls.button("try_here", "Try here first", _TRY)
        self.apply_to_stack = controls.button(
            "apply_to_stack", "Apply to the whole", _APPLY, enabled=False
        )
        buttons = [self.try_here, self.apply_to_stack]
        super().__init__(widgets=buttons, layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)

    def begin(self, layer: Image | None = None, reader: Reader | None = None) -> None:
        """Remember that a part of this layer is being restored, or no part, and how it was read."""
        self._layer, self._reader = layer, reader or Reader()

    def end(self, ended: Afterwards | None) -> None:
        """Take down how a run ended, if it was a trial."""
        layer, self._layer = self._layer, None
        if layer is not None and ended is not None and ended.result.reports:
            self.trial = Trial(layer, ended.layer, self._reader)

    def hold(self, *, busy: bool) -> None:
        """Let the buttons be pressed only where a run could begin."""
        self.try_here.enabled = not busy
        self.apply_to_stack.enabled = not busy and self.trial is not None


_TRY = (
    "Restore only what the canvas shows, of the current plane, or the rectangle in a selected "
    "Shapes layer. The result lies in its place."
)


_APPLY = (
    "Restore all of the image, or stack, as in the last trial: the same settings, plane by plane, "
    "and as many iterations as gave its result."
)


class Again(QWidget):
    """Copies how a layer was made, or gives it back to the controls.

    That is the selected layer where we made it, and else the last result of the panel. It is seen
    only where there is one. ``reapplied`` tells its record and its name, ``said`` what was done.

    Parameters
    ----------
    viewer
        Where the layers are.
    """

    reapplied = Signal(object, str)
    said = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Any = None
        self._last: Callable[[], Layer | None] = lambda: None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for name, text, tip, act in (
            ("copy_python", "Copy Python", _PYTHON, lambda: self._copy(as_python, "Python")),
            ("copy_command", "Copy command", _COMMAND, lambda: self._copy(as_command, "a command")),
            ("reapply", "Reapply", _REAPPLY, self._reapply),
        ):
            button = controls.button(name, text, tip)
            button.native.setMinimumWidth(0)
            button.changed.connect(act)
            setattr(self, name, button)  # magicgui drops what nobody holds
            row.addWidget(button.native)
        viewer.layers.selection.events.active.connect(self.look)
        viewer.layers.events.removed.connect(self.look)
        self.look()

    def made(self, layer: Layer | None) -> None:
        """Remember the last result, which need not be selected."""
        if layer is not None:
            self._last = ref(layer)
        self.look()

    def look(self, _event: Any = None) -> None:
        """Show the buttons if there is a layer that we made."""
        layer, last = self._viewer.layers.selection.active, self._last()
        if record_of(layer) is None and last is not None and last in self._viewer.layers:
            layer = last
        if layer is not self._layer:
            if self._layer is not None:
                self._layer.events.metadata.disconnect(self.look)
            self._layer = layer
            if layer is not None:
                layer.events.metadata.connect(self.look)
        self.setVisible(record_of(layer) is not None)

    def _copy(self, write: Callable[[dict[str, Any], str], str], what: str) -> None:
        record = record_of(self._layer)
        if record is None:
            return
        try:
            text = write(record, self._layer.name)
        except NapariDipError as error:
            self.said.emit(str(error))
            return
        except (LookupError, TypeError, ValueError, AttributeError):
            self.said.emit(f"'{self._layer.name}' does not say as napari-dip does how it was made.")
            return
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(text)
        first = " Its first lines say what to save before." if "Save it first" in text else ""
        self.said.emit(f"'{self._layer.name}' is in the clipboard as {what}.{first}")

    def _reapply(self) -> None:
        record = record_of(self._layer)
        if record is not None:
            self.reapplied.emit(record, self._layer.name)


def reapplied(name: str, other: str, rest: list[str]) -> str:
    """Say that the controls are set as a layer was made, and what of it they cannot say.

    Parameters
    ----------
    name
        Of the layer.
    other
        What it was made by, where that was another task.
    rest
        The settings without a control.
    """
    words = f"The controls are set as '{name}' was made."
    if other:
        words += f" Its task was to {other}, for which there is another panel."
    if rest:
        words += f" There is no control for {', '.join(rest)}."
    return words


_WHICH = "the selected layer, or else the last result,"


_PYTHON = f"Copy Python that makes {_WHICH} again, with the same seed and settings."


_COMMAND = f"Copy the command line that makes {_WHICH} again, from file to file."


_REAPPLY = f"Put the settings that {_WHICH} was made with into the controls."
