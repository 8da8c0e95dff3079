"""Show the sliders and buttons for the frames and the result of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QLabel, QSlider, QSpinBox, QWidget

from napari_dip.plaintext import as_html
from napari_dip.plugin.models.history import FIRST_ESTIMATE
from napari_dip.plugin.views import controls, tooltips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QShowEvent

    from napari_dip.plugin.models.history import Frame

__all__ = ["ResultTools"]

MAX_MORE = 99_999  # iterations: the box is as wide as this number

LABEL_PADDING = 12  # pixels: of napari's style sheet beside a text, with a margin


class ResultTools(QWidget):
    """Sliders and buttons without their actions; the panel places the rows of buttons.

    ``frame_chosen`` has the number of a frame, ``strength_changed`` the
    part of the result from 0 to 1.

    Parameters
    ----------
    parent
        The parent widget.

    Attributes
    ----------
    keep_row
        *Use as result*, *Keep as layer* and *Keep history*.
    continue_row
        *Continue* and its number of iterations.
    """

    frame_chosen = Signal(int)
    strength_changed = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.strength_slider = _slider("strength", "Strength", tooltips.STRENGTH, self)
        self.strength_slider.setRange(0, 100)
        self.strength_slider.setValue(100)
        self.frame_slider = _slider("scrub", "History", tooltips.HISTORY_LIVE, self)
        self.use_this = controls.button(
            "use_this", "Use as result", tooltips.USE_AS_RESULT, enabled=False
        )
        self.keep_as_layer = controls.button(
            "keep_as_layer", "Keep as layer", tooltips.KEEP_AS_LAYER, enabled=False
        )
        self.keep_history = controls.button(
            "history", "Keep history", tooltips.KEEP_HISTORY, enabled=False
        )
        self.resume_rest = controls.button("resume_rest", "Resume", tooltips.RESUME_REST)
        self.resume_rest.native.hide()
        self.continue_run = controls.button(
            "continue", "Continue", tooltips.CONTINUE, enabled=False
        )
        self.more = QSpinBox()  # the layout sets its parent, and so its place in the Tab order
        self.more.setObjectName("more")
        self.more.setAccessibleName("More iterations")
        self.more.setToolTip(tooltips.MORE)
        self.more.setRange(1, MAX_MORE)
        self.more.setValue(100)
        self.more.setPrefix("+ ")
        self.more.setSuffix(" iterations")
        self.more.setEnabled(False)
        self._frame_label, self._strength_label = QLabel(self), QLabel("100 %", self)
        self._file_note = controls.text_line("file_note")
        self._file_note.native.hide()
        self._arrange()
        self.frame_slider.valueChanged.connect(self.frame_chosen)
        self.strength_slider.valueChanged.connect(self._emit_strength)

    def show_running(self, frames: Sequence[Frame]) -> None:
        """Offer the frames of a run in progress; the slider follows unless the user moved it."""
        following = self.frame_slider.value() == self.frame_slider.maximum()
        self._set_range(len(frames), self.frame_slider.value() if not following else len(frames))
        for control in (self.use_this, self.keep_as_layer, self.keep_history):
            control.enabled = False
        self.strength_slider.setEnabled(False)
        self.show_left(0)
        self.show_none()

    def show_left(self, planes: int, noun: str = "plane") -> None:
        """Offer to restore so many planes, which ``noun`` names, that a stopped run has left."""
        self.resume_rest.text = f"Resume {planes} {noun}{'' if planes == 1 else 's'}"
        self.resume_rest.native.setVisible(planes > 0)

    def show_none(self) -> None:
        """Offer no continuation, because there is no result."""
        self.continue_run.enabled = False
        self.more.setEnabled(False)

    def show_finished(
        self,
        frames: Sequence[Frame],
        *,
        part: str,
        continue_obstacle: str,
        strength_obstacle: str,
        file_obstacle: str,
    ) -> None:
        """Offer the frames and actions of a result.

        Parameters
        ----------
        frames
            The frames, the result last.
        part
            The part of the image that the frames show, as a sentence; empty for all of it.
        continue_obstacle, strength_obstacle
            Why the result cannot be continued, or its strength changed; empty if it can.
        file_obstacle
            Why no frame can be shown in the layer; empty if it can.
        """
        self._set_range(len(frames) - 1, len(frames) - 1)
        none = ""
        if len(frames) == 1:
            none = "There are no frames: the run was too short, or the image is too large."
        in_file = (
            file_obstacle and f"Not possible: {file_obstacle}. Keep history adds the previews."
        )
        _set_state(self.frame_slider, f"{tooltips.HISTORY} {part}".strip(), none or in_file)
        _set_state(self.keep_history.native, f"{tooltips.KEEP_HISTORY} {part}".strip(), none)
        _set_state(self.use_this.native, tooltips.USE_AS_RESULT, none or in_file)
        self.keep_as_layer.text = "Keep as layer"
        _set_state(self.keep_as_layer.native, tooltips.KEEP_AS_LAYER, in_file)
        _set_state(
            self.strength_slider,
            tooltips.STRENGTH,
            strength_obstacle and f"The strength cannot be changed: {strength_obstacle}.",
        )
        _set_state(
            self.continue_run.native,
            tooltips.CONTINUE,
            continue_obstacle and f"It cannot be continued: {continue_obstacle}.",
        )
        self.more.setEnabled(not continue_obstacle)
        self._file_note.value = (
            f"Strength and History need a result in memory: {file_obstacle}."
            if file_obstacle
            else ""
        )
        self._file_note.native.setVisible(bool(file_obstacle))
        self.strength_slider.setValue(100)

    def show_deleted(self) -> None:
        """Offer only to add the result, because the user deleted its layer during the run."""
        why = "The layer was deleted. Press Add the result to show it again."
        for control in (
            self.frame_slider,
            self.keep_history.native,
            self.use_this.native,
            self.strength_slider,
            self.continue_run.native,
        ):
            _set_state(control, "", why)
        self.more.setEnabled(False)
        self.keep_as_layer.text = "Add the result"
        _set_state(self.keep_as_layer.native, tooltips.ADD_RESULT, "")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Make room for the longest name of a frame in the font of napari's style sheet."""
        super().showEvent(event)
        self._fit_labels()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the size of the font."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_labels()

    def _fit_labels(self) -> None:
        metrics = self._frame_label.fontMetrics()
        widest = max(map(metrics.horizontalAdvance, (FIRST_ESTIMATE, "iteration 000")))
        for label in (self._frame_label, self._strength_label):
            label.setMinimumWidth(widest + LABEL_PADDING)

    def set_frame_name(self, name: str) -> None:
        """Name the frame that is shown."""
        self._frame_label.setText(as_html(name))

    def _set_range(self, last: int, value: int) -> None:
        # Without signals: only the user chooses a frame.
        self.frame_slider.blockSignals(True)
        self.frame_slider.setRange(0, last)
        self.frame_slider.setValue(value)
        self.frame_slider.blockSignals(False)

    def _emit_strength(self, percent: int) -> None:
        self._strength_label.setText(f"{percent} %")
        self.strength_changed.emit(percent / 100)

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for row, (title, slider, label) in enumerate(
            [
                ("Strength", self.strength_slider, self._strength_label),
                ("History", self.frame_slider, self._frame_label),
            ]
        ):
            grid.addWidget(QLabel(title, self), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(label, row, 2)
        grid.addWidget(self._file_note.native, 2, 0, 1, 3)
        self.keep_row = controls.flow(
            self.use_this.native, self.keep_as_layer.native, self.keep_history.native
        )
        self.continue_row = controls.flow(self.continue_run.native, self.more)


def _slider(name: str, title: str, tip: str, parent: QWidget) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal, parent)
    slider.setObjectName(name)
    slider.setAccessibleName(title)
    slider.setToolTip(tip)
    return slider


def _set_state(control: QWidget, tip: str, obstacle: str) -> None:
    """Enable a control, or disable it and say why in its tooltip."""
    control.setEnabled(not obstacle)
    control.setToolTip(as_html(obstacle or tip))
