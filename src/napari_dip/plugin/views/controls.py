"""The controls of the three panels: each named, explained, and known to screen readers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from magicgui.backends._qtpy.widgets import QBaseRangedWidget
from magicgui.types import FileDialogMode
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FileEdit,
    FloatSpinBox,
    Label,
    LineEdit,
    PushButton,
    Widget,
)
from magicgui.widgets.bases import RangedWidget
from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QSpinBox, QWidget
from superqt import QCollapsible

from napari_dip.plaintext import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = [
    "MOST",
    "align",
    "button",
    "check",
    "choice",
    "devices",
    "file_to_save",
    "folded",
    "integer",
    "layer_choice",
    "mask_choice",
    "number",
    "row",
    "text",
    "words",
]

MOST = 2**31 - 1
"""The largest whole number that Qt's spin box holds."""

_LABEL_WIDTH = 88

_ANY_HEIGHT = 2**24 - 1
"""Qt's QWIDGETSIZE_MAX, which not every binding names."""

W = TypeVar("W", bound=Widget)


class _QtSpinBox(QBaseRangedWidget):
    """Qt's own spin box, where magicgui has one for integers of any size."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(QSpinBox, **kwargs)


class _InOrder(ComboBox):
    """A list in the order of its choices; where the chosen one has gone, the first is chosen.

    magicgui's adds at the end what is new, says nothing when the last has gone, and Qt chooses the
    neighbour of what has gone.
    """

    def reset_choices(self, *_: Any) -> None:
        """Make the list anew."""
        before = self.value if self.choices else None
        with self.changed.blocked(), QSignalBlocker(self.native):
            self.native.clear()
            super().reset_choices()
            if self.choices:
                self.value = before if before in self.choices else self.choices[0]
        after = self.value if self.choices else None
        if after is not before:
            self.changed.emit(after)


def layer_choice(name: str, label: str, tip: str, viewer: Viewer, kind: type[Layer]) -> ComboBox:
    """Make a list of the viewer's layers of one kind, no wider than its panel."""

    def choices(_: Any) -> list[Layer]:
        return [layer for layer in viewer.layers if isinstance(layer, kind)]

    return _choice(_InOrder(label=label, choices=choices), name, tip)


def mask_choice(
    name: str, label: str, tip: str, viewer: Viewer, image: Callable[[], Layer | None]
) -> ComboBox:
    """Make a list of the layers that can be a mask of the chosen image, the likely ones first.

    An image is a mask only where somebody says so: what comes first is chosen by itself.
    """

    def choices(_: Any) -> list[tuple[str, Layer | None]]:
        others = [layer for layer in viewer.layers if layer is not image()]
        painted = [layer for layer in others if isinstance(layer, Labels | Shapes)]
        images = [layer for layer in others if isinstance(layer, Image)]
        named: list[tuple[str, Layer | None]] = [(one.name, one) for one in (*painted, *images)]
        return named if painted or not images else [("none yet", None), *named]

    return _choice(_InOrder(label=label, choices=choices), name, tip)


def row(*widgets: Widget) -> Container[Widget]:
    """Lay controls side by side."""
    container = Container(widgets=widgets, layout="horizontal", labels=False, label="")
    container.margins = (0, 0, 0, 0)
    return container


def choice(name: str, label: str, tip: str, choices: Sequence[tuple[str, str]]) -> ComboBox:
    """Make a list of pairs of what is shown and what is meant; the first is chosen."""
    return _choice(ComboBox(label=label, choices=choices), name, tip)


def _choice(combo: ComboBox, name: str, tip: str) -> ComboBox:
    native: QComboBox = combo.native
    native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    native.setMinimumContentsLength(10)
    return _named(combo, name, tip)


def integer(
    name: str, label: str, tip: str, low: int, high: int, value: int, special: str = ""
) -> RangedWidget[int]:
    """Make a box for a whole number; ``special`` is what it shows for the lowest."""
    box = RangedWidget(widget_type=_QtSpinBox, label=label, min=low, max=high, value=value)
    box.native.setSpecialValueText(special)
    return _named(box, name, tip)


def number(name: str, label: str, tip: str, least: float = 0, special: str = "") -> FloatSpinBox:
    """Make a box for a number; ``special`` is what it shows for the least."""
    box = FloatSpinBox(label=label, min=least, max=1e9, value=0, step=1)
    box.native.setDecimals(4)
    box.native.setSpecialValueText(special)
    return _named(box, name, tip)


def check(name: str, text: str, tip: str, *, value: bool = False) -> CheckBox:
    """Make a box to tick."""
    return _named(CheckBox(text=text, label="", value=value), name, tip)


def button(name: str, text: str, tip: str, *, enabled: bool = True) -> PushButton:
    """Make a button."""
    return _named(PushButton(text=text, enabled=enabled), name, tip)


def text(name: str, label: str, tip: str, hint: str) -> LineEdit:
    """Make a line to type in; ``hint`` is shown while it is empty."""
    line = LineEdit(label=label)
    line.native.setPlaceholderText(hint)
    return _named(line, name, tip)


def file_to_save(name: str, label: str, tip: str, kinds: str) -> FileEdit:
    """Make a line for the name of a file to write, with a button that looks for a place."""
    edit = FileEdit(label=label, mode=FileDialogMode.OPTIONAL_FILE, filter=kinds, nullable=True)
    named = _named(edit, name, tip)
    for part, what in ((edit.line_edit, "path"), (edit.choose_btn, "browse")):
        part.tooltip = tip
        part.native.setAccessibleName(f"{label}: {what}")
        part.native.setObjectName(f"{name}_{what}")
    edit.choose_btn.text = "…"
    edit.choose_btn.native.setMaximumWidth(36)
    return named


class _Words(Label):
    """A label that shows names from files as they are: no HTML, no control characters."""

    def set_value(self, value: object) -> None:
        """Say something."""
        super().set_value(plain(value))


def words(name: str) -> Label:
    """Make a line that says something, as many lines long as it must be."""
    line = _Words(value="")
    native: QLabel = line.native
    native.setWordWrap(True)
    native.setTextFormat(Qt.TextFormat.PlainText)
    native.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return _named(line, name, "")


def align(container: Container[Widget]) -> None:
    """Give all labels of a container one width; magicgui measures them in another font."""
    for label in container.native.findChildren(QLabel):
        label.setMinimumWidth(_LABEL_WIDTH)


def folded(name: str, title: str, content: Container[Widget] | QWidget) -> QCollapsible:
    """Fold controls away under a title."""
    fold = QCollapsible(title)
    fold.layout().setContentsMargins(0, 0, 0, 0)  # type: ignore[union-attr]
    fold.layout().setSpacing(0)  # type: ignore[union-attr]
    fold.setObjectName(name)
    fold.toggleButton().setAccessibleName(title)
    inner = content if isinstance(content, QWidget) else content.native
    fold.setContent(inner)
    fold.setDuration(0)

    def unfold(on: bool) -> None:
        inner.setVisible(on)  # else Tab goes through all that nobody sees
        if on:
            inner.setMaximumHeight(_ANY_HEIGHT)  # controls may come and go in it

    fold.toggled.connect(unfold)
    fold.collapse(animate=False)
    return fold


def devices() -> list[tuple[str, str]]:
    """List the devices that a machine like this one may have, without asking torch for them."""
    graphics = "mps" if sys.platform == "darwin" else "cuda"
    return [
        ("automatic", "auto"),
        ("processor (cpu)", "cpu"),
        (f"graphics card ({graphics})", graphics),
    ]


def _named(widget: W, name: str, tip: str) -> W:
    widget.name = name
    widget.tooltip = tip
    native = widget.native
    native.setObjectName(name)
    native.setAccessibleName(widget.label or getattr(widget, "text", "") or name)
    native.setAccessibleDescription(tip)
    return widget
