"""The controls that look back over a run: scrub, take another picture, blend, continue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSlider, QSpinBox, QWidget

from napari_dip.plaintext import as_html
from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from magicgui.widgets import PushButton

    from napari_dip.plugin.models.history import Frame

__all__ = ["Tools"]


class Tools(QWidget):
    """Sliders and buttons; what they do is for others to say.

    ``scrubbed`` tells the position of a picture, from 0; ``blended`` the share of the result.
    """

    scrubbed = Signal(int)
    blended = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.scrub = _slider(
            "scrub", "Look back: the pictures of the run, the latest on the right. ", self
        )
        self.blend = _slider("blend", "How much of the result, and how much of the image. ", self)
        self.blend.setRange(0, 100)
        self.blend.setValue(100)
        self.use_this = _button("use_this", "Use this one", _USE)
        self.keep_as_layer = _button("keep_as_layer", "Keep as layer", _KEEP)
        self.history = _button("history", "History", _HISTORY)
        self.onward = _button("continue", "Continue", _CONTINUE)
        self.more = QSpinBox()  # its parent, and its turn by Tab, come with its place
        self.more.setObjectName("more")
        self.more.setAccessibleName("more iterations")
        self.more.setToolTip("How many more iterations Continue does.")
        self.more.setRange(1, controls.MOST)
        self.more.setValue(100)
        self.more.setPrefix("+ ")
        self._where, self._share = QLabel(self), QLabel("100 %", self)
        for label in (self._where, self._share):
            label.setMinimumWidth(self.fontMetrics().horizontalAdvance("iteration 00000"))
        self._lay_out()
        self.scrub.valueChanged.connect(self.scrubbed)
        self.blend.valueChanged.connect(self._blended)

    def live(self, frames: Sequence[Frame]) -> None:
        """Follow a run, unless the slider was taken back from its end."""
        following = self.scrub.value() == self.scrub.maximum()
        self._range(len(frames), self.scrub.value() if not following else len(frames))
        for control in (self.use_this, self.keep_as_layer, self.history, self.onward):
            control.enabled = False
        self.blend.setEnabled(False)

    def ended(self, frames: Sequence[Frame], *, part: str, final: str, unblended: str) -> None:
        """Offer what can be done with a result; the words say why something cannot."""
        self._range(len(frames) - 1, len(frames) - 1)
        several = len(frames) > 1
        none = "" if several else "The run was too short, or the image too large, to keep pictures."
        _offer(self.scrub, f"{_SCRUB} {part}".strip(), none)
        _offer(self.history.native, f"{_HISTORY} {part}".strip(), none)
        _offer(self.use_this.native, _USE, none)
        self.keep_as_layer.text = "Keep as layer"
        _offer(self.keep_as_layer.native, _KEEP, "")
        _offer(self.blend, _BLEND, unblended and f"It cannot be blended: {unblended}.")
        _offer(self.onward.native, _CONTINUE, final and f"It cannot be continued: {final}.")
        self.more.setEnabled(not final)
        self.blend.setValue(100)

    def deleted(self) -> None:
        """Offer nothing but to add the result, whose layer was deleted during the run."""
        why = "The layer was deleted. Press Add the result to have it back."
        for control in (self.scrub, self.history.native, self.use_this.native, self.blend):
            _offer(control, "", why)
        _offer(self.onward.native, "", why)
        self.more.setEnabled(False)
        self.keep_as_layer.text = "Add the result"
        _offer(self.keep_as_layer.native, "Add the result of the run as a layer.", "")

    def say_where(self, words: str) -> None:
        """Name the picture that is shown."""
        self._where.setText(as_html(words))

    def _range(self, last: int, value: int) -> None:
        # Not by the user: nothing is to be shown for it.
        self.scrub.blockSignals(True)
        self.scrub.setRange(0, last)
        self.scrub.setValue(value)
        self.scrub.blockSignals(False)

    def _blended(self, percent: int) -> None:
        self._share.setText(f"{percent} %")
        self.blended.emit(percent / 100)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for row, (title, slider, words) in enumerate(
            [("scrub", self.scrub, self._where), ("blend", self.blend, self._share)]
        ):
            grid.addWidget(QLabel(title, self), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(words, row, 2)
        for row, widgets in enumerate(
            [
                [self.use_this.native, self.keep_as_layer.native, self.history.native],
                [self.onward.native, self.more],
            ],
            start=2,
        ):
            line = QHBoxLayout()
            for widget in widgets:
                line.addWidget(widget)
            grid.addLayout(line, row, 0, 1, 3)


_SCRUB = "Look back: the pictures of the run, the result on the right."
_BLEND = "How much of the result, and how much of the image as it was; nothing is fitted again."
_USE = "Make the picture that is shown the result; the metadata say so."
_KEEP = "Add what is shown as a layer of its own."
_HISTORY = "Add all pictures as one layer with an axis for the iteration."
_CONTINUE = "Go on from where the run ended, with the same network."


def _slider(name: str, tip: str, parent: QWidget) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal, parent)
    slider.setObjectName(name)
    slider.setAccessibleName(name)
    slider.setToolTip(tip)
    return slider


def _button(name: str, text: str, tip: str) -> PushButton:
    return controls.button(name, text, tip, enabled=False)


def _offer(control: QWidget, tip: str, why_not: str) -> None:
    """Enable a control, or say why not."""
    control.setEnabled(not why_not)
    control.setToolTip(as_html(why_not or tip))
