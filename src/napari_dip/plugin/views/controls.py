"""Make the controls of the panels, with names, tooltips and texts for screen readers."""

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
from qtpy.QtCore import QEvent, QObject, QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QSpinBox, QWidget
from superqt import QCollapsible, QFlowLayout

from napari_dip.plaintext import plain
from napari_dip.plugin.models.layer_record import shows_uncertainty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = [
    "MAX_INTEGER",
    "align_labels",
    "bead_box",
    "button",
    "check_box",
    "combo_box",
    "devices",
    "flow",
    "integer_box",
    "layer_box",
    "mask_box",
    "number_box",
    "row",
    "save_path",
    "section",
    "text_field",
    "text_line",
]

MAX_INTEGER = 2**31 - 1  # the largest integer of Qt's spin box

LABEL_WIDTH = 88  # pixels: fits most labels

GAP = 4  # pixels between buttons, and between the title of a section and its content

MAX_HEIGHT = 2**24 - 1  # pixels: QWIDGETSIZE_MAX, which some Qt bindings lack

W = TypeVar("W", bound=Widget)


class _QtSpinBox(QBaseRangedWidget):
    """Qt's spin box, in place of magicgui's for integers of any size."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(QSpinBox, **kwargs)


class _OrderedComboBox(ComboBox):
    """A combo box in the order of its choices; if the chosen one is removed, the first is chosen.

    magicgui's combo box appends new choices and emits no signal when the last one is removed; Qt
    chooses a neighbour of the removed one.
    """

    def reset_choices(self, *_: Any) -> None:
        """Fill the list again."""
        before = self.value if self.choices else None
        with self.changed.blocked(), QSignalBlocker(self.native):
            self.native.clear()
            super().reset_choices()
            if self.choices:
                self.value = before if before in self.choices else self.choices[0]
        after = self.value if self.choices else None
        if after is not before:
            self.changed.emit(after)


def layer_box(name: str, label: str, tip: str, viewer: Viewer, kind: type[Layer]) -> ComboBox:
    """Make a combo box of the layers of one kind.

    The first is chosen automatically, so an uncertainty is never first.
    """

    def choices(_: Any) -> list[Layer]:
        layers = [layer for layer in viewer.layers if isinstance(layer, kind)]
        return sorted(layers, key=shows_uncertainty)

    return _compact(_OrderedComboBox(label=label, choices=choices), name, tip)


def mask_box(
    name: str, label: str, tip: str, viewer: Viewer, image: Callable[[], Layer | None]
) -> ComboBox:
    """Make a combo box of the layers that can be a mask; Labels and Shapes come first.

    The first is chosen automatically, so an Image layer is never first.
    """

    def choices(_: Any) -> list[tuple[str, Layer | None]]:
        others = [layer for layer in viewer.layers if layer is not image()]
        painted = [layer for layer in others if isinstance(layer, Labels | Shapes)]
        images = [layer for layer in others if isinstance(layer, Image)]
        named: list[tuple[str, Layer | None]] = [(one.name, one) for one in (*painted, *images)]
        return named if painted or not images else [("none", None), *named]

    return _compact(_OrderedComboBox(label=label, choices=choices), name, tip)


def bead_box(
    name: str, label: str, tip: str, viewer: Viewer, image: Callable[[], Layer | None]
) -> ComboBox:
    """Make a combo box of the Image layers that can show a bead; none is chosen automatically."""

    def choices(_: Any) -> list[tuple[str, Layer | None]]:
        images = [one for one in viewer.layers if isinstance(one, Image) and one is not image()]
        return [("none", None), *((layer.name, layer) for layer in images)]

    return _compact(_OrderedComboBox(label=label, choices=choices), name, tip)


def row(*widgets: Widget, label: str = "") -> Container[Widget]:
    """Place controls side by side."""
    container = Container(widgets=widgets, layout="horizontal", labels=False, label=label)
    container.margins = (0, 0, 0, 0)
    return container


def flow(*widgets: QWidget) -> QWidget:
    """Place widgets side by side, in as many lines as they need."""
    place = QWidget()
    layout = QFlowLayout(place)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(GAP)
    layout.setVerticalSpacing(GAP)
    for widget in widgets:
        layout.addWidget(widget)
    return place


def combo_box(name: str, label: str, tip: str, choices: Sequence[tuple[str, str]]) -> ComboBox:
    """Make a combo box of pairs of text and value; the first is chosen."""
    return _compact(ComboBox(label=label, choices=choices), name, tip)


def integer_box(
    name: str, label: str, tip: str, low: int, high: int, value: int, special: str = ""
) -> RangedWidget[int]:
    """Make a spin box for integers; ``special`` is the text of the lowest value."""
    box = RangedWidget(widget_type=_QtSpinBox, label=label, min=low, max=high, value=value)
    box.native.setSpecialValueText(special)
    return _named(box, name, tip)


def number_box(name: str, label: str, tip: str, low: float = 0, special: str = "") -> FloatSpinBox:
    """Make a spin box for real numbers; ``special`` is the text of the lowest value."""
    box = FloatSpinBox(label=label, min=low, max=1e9, value=0, step=1)
    box.native.setDecimals(4)
    box.native.setSpecialValueText(special)
    return _named(box, name, tip)


def check_box(name: str, text: str, tip: str, *, value: bool = False) -> CheckBox:
    """Make a check box."""
    return _named(CheckBox(text=text, label="", value=value), name, tip)


def button(name: str, text: str, tip: str, *, enabled: bool = True) -> PushButton:
    """Make a button."""
    return _named(PushButton(text=text, enabled=enabled), name, tip)


def text_field(name: str, label: str, tip: str, placeholder: str) -> LineEdit:
    """Make a line edit; ``placeholder`` is shown while it is empty."""
    line = LineEdit(label=label)
    line.native.setPlaceholderText(placeholder)
    return _named(line, name, tip)


def save_path(name: str, label: str, tip: str, kinds: str) -> FileEdit:
    """Make a line edit for a path to write, with a button that opens a file dialog."""
    edit = FileEdit(label=label, mode=FileDialogMode.OPTIONAL_FILE, filter=kinds, nullable=True)
    named = _named(edit, name, tip)
    for part, what in ((edit.line_edit, "path"), (edit.choose_btn, "browse")):
        part.tooltip = tip
        part.native.setAccessibleName(f"{label}: {what}")
        part.native.setObjectName(f"{name}_{what}")
    edit.choose_btn.text = "…"
    edit.choose_btn.native.setMaximumWidth(36)
    return named


class _PlainLabel(Label):
    """A label that shows any text literally: no HTML, no control characters."""

    def set_value(self, value: object) -> None:
        """Set the text."""
        super().set_value(plain(value))


def text_line(name: str, label: str = "") -> Label:
    """Make a label that wraps its text and allows copying it."""
    line = _PlainLabel(value="", label=label)
    native: QLabel = line.native
    native.setWordWrap(True)
    native.setTextFormat(Qt.TextFormat.PlainText)
    native.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return _named(line, name, "")


def align_labels(container: Container[Widget]) -> None:
    """Give most labels the same width; magicgui measures them in another font."""
    widths = _LabelWidths(container.native)
    for label in container.native.findChildren(QLabel):
        label.setMinimumWidth(LABEL_WIDTH if label.text() else 0)
        if label.text():
            label.installEventFilter(widths)


class _LabelWidths(QObject):
    """Keep labels as wide as their texts in the current font."""

    def eventFilter(self, label: QObject | None, event: QEvent | None) -> bool:
        """Follow the font; no event is filtered out."""
        measured = event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.Show)
        if measured and isinstance(label, QLabel):
            label.setMinimumWidth(max(LABEL_WIDTH, label.sizeHint().width()))
        return False


def section(name: str, title: str, content: Container[Widget] | QWidget) -> QCollapsible:
    """Make a collapsible section."""
    fold = QCollapsible(title)
    fold.layout().setContentsMargins(0, 0, 0, 0)  # type: ignore[union-attr]
    fold.layout().setSpacing(0)  # type: ignore[union-attr]
    fold.setObjectName(name)
    fold.toggleButton().setAccessibleName(title)
    inner = content if isinstance(content, QWidget) else content.native
    left, _, right, bottom = _margins(inner)
    inner.setContentsMargins(left, GAP, right, bottom)
    fold.setContent(inner)
    fold.setDuration(0)

    def show_content(on: bool) -> None:
        inner.setVisible(on)  # Tab must skip the controls of a collapsed section
        if on:
            inner.setMaximumHeight(MAX_HEIGHT)  # controls may be shown and hidden later

    fold.toggled.connect(show_content)
    fold.collapse(animate=False)
    return fold


def _margins(widget: QWidget) -> tuple[int, int, int, int]:
    margins = widget.contentsMargins()
    return margins.left(), margins.top(), margins.right(), margins.bottom()


def devices() -> list[tuple[str, str]]:
    """List the devices that this kind of computer may have, without loading torch."""
    graphics = "mps" if sys.platform == "darwin" else "cuda"
    return [
        ("automatic", "auto"),
        ("processor (cpu)", "cpu"),
        (f"graphics card ({graphics})", graphics),
    ]


def _compact(combo: ComboBox, name: str, tip: str) -> ComboBox:
    """Allow a combo box to be narrower than its longest choice."""
    native: QComboBox = combo.native
    native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    native.setMinimumContentsLength(6)
    return _named(combo, name, tip)


def _named(widget: W, name: str, tip: str) -> W:
    widget.name = name
    widget.tooltip = tip
    native = widget.native
    native.setObjectName(name)
    native.setAccessibleName(widget.label or getattr(widget, "text", "") or name)
    native.setAccessibleDescription(tip)
    return widget
