"""Show the buttons that start, steer and repeat runs, and bind their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (  # type: ignore[attr-defined]
    QApplication,
    QShortcut,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from napari_dip.errors import NapariDipError
from napari_dip.plugin.models.layer_record import record_of
from napari_dip.plugin.models.provenance import SAVE_COMMENT, python_code, shell_command
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.check_tools import CheckTools
from napari_dip.plugin.views.save_result import SaveResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Set

    from magicgui.widgets import PushButton
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["ProvenanceButtons", "RunButtons", "TrialButtons", "bind_shortcuts", "settings_loaded"]

# napari uses none of these keys, except Esc while a shape or label is drawn on the canvas.
SHORTCUTS = {
    "compare": ["F4"],
    "run": ["F5"],
    "pause": ["F6"],
    "resume": ["F6"],
    "stop": ["F7", "Esc"],
    "continue": ["F8"],
    "discard": ["F9"],
}

# The buttons that get the focus when a button with the focus is disabled: the first enabled one.
NEXT_FOCUS = {
    "run": ("pause",),
    "pause": ("resume", "run"),
    "resume": ("pause", "run"),
    "stop": ("run",),
    "discard": ("run",),
}


class RunButtons(QWidget):
    """Run, Pause, Resume, Stop and Discard."""

    def __init__(self) -> None:
        super().__init__()
        self.run = controls.button("run", "Run", tooltips.RUN)
        self.pause = controls.button("pause", "Pause", tooltips.PAUSE)
        self.resume = controls.button("resume", "Resume", tooltips.RESUME)
        self.stop = controls.button("stop", "Stop", tooltips.STOP_RUN)
        self.discard = controls.button("discard", "Discard", tooltips.DISCARD)
        self.all = [self.run, self.pause, self.resume, self.stop, self.discard]
        # Pause and Resume have one place, so that the buttons after it never move.
        place = QWidget()
        row = QStackedLayout(place)
        row.addWidget(self.pause.native)
        row.addWidget(self.resume.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(
            controls.flow(self.run.native, place, self.stop.native, self.discard.native)
        )
        self._place = row
        self.allow({"run"})

    def allow(self, names: Set[str]) -> None:
        """Enable these buttons only; either *Pause* or *Resume* is visible."""
        enabled = {button.name: button for button in self.all if button.name in names}
        for button in enabled.values():
            button.enabled = True
        shown = self.resume if "resume" in enabled else self.pause
        focused = next((one for one in self.all if one.native.hasFocus()), None)
        self._place.setCurrentWidget(shown.native)
        if focused is not None and focused.name not in enabled:
            # Qt would move the focus from Stop to Discard, where a second press discards.
            following = next((enabled[n] for n in NEXT_FOCUS[focused.name] if n in enabled), None)
            (self if following is None else following.native).setFocus()
        elif self.hasFocus() and self.run.name in enabled:  # after Stop or Discard
            self.run.native.setFocus()
        for button in self.all:
            if button.name not in enabled:
                button.enabled = False


class TrialButtons(QWidget):
    """The buttons that restore a part first, and then the whole in the same way."""

    def __init__(self) -> None:
        super().__init__()
        self.try_here = controls.button("try_here", "Try here first", tooltips.TRY_HERE)
        self.apply_to_stack = controls.button(
            "apply_to_stack", "Apply to whole", tooltips.APPLY_TO_STACK, enabled=False
        )
        self.all = [self.try_here, self.apply_to_stack]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(controls.flow(*(button.native for button in self.all)))

    def allow(self, names: Set[str]) -> None:
        """Enable these buttons only."""
        for button in self.all:
            button.enabled = button.name in names


class ProvenanceButtons(QWidget):
    """The buttons that save a layer, copy how it was made, or load its settings.

    They apply to the selected layer if a run made it, or else to the last result of the panel, and
    are enabled only if there is one. ``loaded`` has the record and the name of the layer,
    ``message`` a text for the user.

    Parameters
    ----------
    viewer
        The viewer.

    Attributes
    ----------
    beside, check
        *Save result*, *Residual* and *Report*, which appear with a run or a layer that a run made,
        and the other tools that check a result. The panel places them.
    """

    loaded = Signal(object, str)
    message = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Any = None
        self._last_result: Callable[[], Layer | None] = lambda: None
        self.save = SaveResult(viewer, lambda: self._layer)
        self.check = CheckTools(viewer, lambda: self._layer)
        self.beside = QWidget()
        row = QVBoxLayout(self.beside)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(controls.flow(self.save, *(button.native for button in self.check.buttons)))
        row.addWidget(self.check.verdict)
        for source in (self.save, self.check):
            source.message.connect(self.message)
        self.beside.hide()
        self._buttons: list[PushButton] = []
        for name, text, tip, action in (
            ("copy_python", "Copy Python", tooltips.COPY_PYTHON, lambda: self._copy(python_code)),
            (
                "copy_command",
                "Copy command",
                tooltips.COPY_COMMAND,
                lambda: self._copy(shell_command),
            ),
            ("reapply", "Load settings", tooltips.LOAD_SETTINGS, self._load),
        ):
            button = controls.button(name, text, tip)
            button.changed.connect(action)
            self._buttons.append(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(controls.flow(*(button.native for button in self._buttons)))
        viewer.layers.selection.events.active.connect(self.update_layer)
        viewer.layers.events.removed.connect(self.update_layer)
        self.update_layer()

    def set_last_result(self, layer: Layer | None) -> None:
        """Set the last result of the panel."""
        if layer is not None:
            self._last_result = ref(layer)
        self.update_layer()

    def update_layer(self, _event: Any = None) -> None:
        """Choose the layer, and enable the buttons if a run made it."""
        layer, last = self._viewer.layers.selection.active, self._last_result()
        if record_of(layer) is None and last is not None and last in self._viewer.layers:
            layer = last
        if layer is not self._layer:
            if self._layer is not None:
                self._layer.events.metadata.disconnect(self.update_layer)
            self._layer = layer
            if layer is not None:
                layer.events.metadata.connect(self.update_layer)
        recorded = record_of(layer) is not None
        for button in self._buttons:
            button.enabled = recorded
        self.save.setEnabled(recorded)
        self.check.allow(recorded=recorded)
        if recorded:
            self.beside.show()

    def _copy(self, write: Callable[[dict[str, Any], str], str]) -> None:
        record = record_of(self._layer)
        if record is None:
            return
        try:
            text = write(record, self._layer.name)
        except NapariDipError as error:
            self.message.emit(str(error))
            return
        except (LookupError, TypeError, ValueError, AttributeError):
            self.message.emit(f"The metadata of '{self._layer.name}' are not a valid record.")
            return
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(text)
        save_first = " Save the input first: see the top lines." if SAVE_COMMENT in text else ""
        self.message.emit(f"Copied.{save_first}")

    def _load(self) -> None:
        record = record_of(self._layer)
        if record is not None:
            self.loaded.emit(record, self._layer.name)


def bind_shortcuts(panel: QWidget, buttons: Sequence[PushButton]) -> None:
    """Bind keys to buttons while the panel has the focus, and name them in the tooltips.

    A click on the panel gives it the focus.
    """
    panel.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    for key in dict.fromkeys(key for keys in SHORTCUTS.values() for key in keys):
        own = [button for button in buttons if key in SHORTCUTS[button.name]]

        def press(own: list[PushButton] = own) -> None:
            # Only the first: its action may enable the next one.
            enabled = [button for button in own if button.enabled]
            if enabled:
                enabled[0].native.click()

        shortcut = QShortcut(QKeySequence(key), panel)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(press)
    for button in buttons:
        button.tooltip = f"{button.tooltip} ({' or '.join(SHORTCUTS[button.name])})"


def settings_loaded(name: str, other_task: str, without_control: list[str]) -> str:
    """Say that the settings of a layer were loaded, and which of them have no control.

    Parameters
    ----------
    name
        The name of the layer.
    other_task
        The task of the layer, if it is not that of the panel.
    without_control
        The settings without a control.
    """
    text = f"Loaded the settings of '{name}'."
    if other_task:
        text += f" Its task, {other_task}, has another panel."
    if without_control:
        text += f" There is no control for {', '.join(without_control)}."
    return text
