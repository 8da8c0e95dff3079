"""Show and edit the axes of the image and the spacing along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from psygnal import Signal
from qtpy.QtWidgets import QSizePolicy

from napari_dip.errors import BadImage
from napari_dip.plugin.models.layer_axes import (
    LENGTH_UNITS,
    TIME_UNITS,
    Spacing,
    axes_text,
    checked_letters,
    checked_size,
    set_from_file,
    set_letters,
    set_spacing,
    shape_of,
    shown_letters,
    spacing_of,
)
from napari_dip.plugin.views import controls, tooltips

if TYPE_CHECKING:
    from collections.abc import Mapping

    from magicgui.widgets import ComboBox, LineEdit
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["AxesControls"]

LETTERS_WIDTH = 90  # pixels: five letters; the shape of the image needs the rest of the row
UNIT_WIDTH = 80  # pixels: the numbers need the rest of the row

TOGETHER, ONE_BY_ONE = "together", "one by one"


class AxesControls(Container[Widget]):
    """The controls under *Axes*: letters, voxel size, time step, and how channels are restored.

    A valid edit is kept on the layer at once. ``edited`` follows each edit; ``message`` has a text
    for the user.

    Parameters
    ----------
    viewer
        The viewer.

    Attributes
    ----------
    channels
        Whether the channels are restored together.
    section
        These controls in a section, whose title tells the axes.
    """

    edited = Signal()
    message = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._problem = ""
        self._shown: dict[str, str] = {}
        self._tried: dict[str, str] = {}
        self.letters = controls.text_field("axes", "Axes", tooltips.AXES, "such as ZYX")
        self._shape = controls.text_line("axes_shape")
        self._shape.native.setWordWrap(False)
        self._sizes = {
            letter: _size_field(f"size_{letter.lower()}", f"Size along {letter}")
            for letter in "ZYX"
        }
        self._unit = controls.combo_box(
            "size_unit", "Unit of the size", tooltips.UNIT, [(unit, unit) for unit in LENGTH_UNITS]
        )
        self._step = _size_field("time_step", "Time step")
        self._step_unit = controls.combo_box(
            "time_unit", "Unit of time", tooltips.UNIT, [(unit, unit) for unit in TIME_UNITS]
        )
        for combo in (self._unit, self._step_unit):
            combo.native.setMinimumContentsLength(3)
            combo.native.setMaximumWidth(UNIT_WIDTH)
        self.letters.native.setMaximumWidth(LETTERS_WIDTH)
        self.channels = controls.combo_box(
            "channels",
            "Channels",
            tooltips.CHANNELS,
            [("one by one", ONE_BY_ONE), ("together", TOGETHER)],
        )
        self._letters_row = controls.row(self.letters, self._shape, label="Axes")
        self._size_row = controls.row(*self._sizes.values(), self._unit, label="Voxel size")
        self._step_row = controls.row(self._step, self._step_unit, label="Time step")
        super().__init__(widgets=[self._letters_row, self._size_row, self._step_row, self.channels])
        self.margins = (0, 0, 0, 0)
        controls.align_labels(self)
        for field in (self.letters, *self._sizes.values(), self._step):
            field.native.editingFinished.connect(self._apply)
        for combo in (self._unit, self._step_unit):
            combo.native.activated.connect(self._apply)
        self.channels.changed.connect(lambda _: self.edited.emit())
        self.section = controls.section("axes_section", "Axes", self)
        # A long title must not make the panel wider.
        title = self.section.toggleButton()
        title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def share_channels(self) -> bool:
        """Whether the image has channels and they are to be restored together."""
        return "C" in self._letters and bool(self.channels.value == TOGETHER)

    def set_channels(self, *, together: bool) -> None:
        """Choose whether the channels are restored together."""
        self.channels.value = TOGETHER if together else ONE_BY_ONE

    def check(self) -> None:
        """Refuse a run while a field is not valid.

        Raises
        ------
        BadImage
            With what is wrong with the field.
        """
        if self._problem:
            raise BadImage(self._problem)

    def show_layer(self, layer: Image | None) -> None:
        """Show the axes of an image; what its file tells of them is kept on the layer first."""
        if layer is not self._layer:
            self._layer, self._problem, self._shown = layer, "", {}
            if layer is not None:
                with _KeptView(self._viewer, layer):
                    found = set_from_file(self._viewer.layers, layer)
                if found:
                    self.message.emit(found)
        self.section.setVisible(layer is not None)
        if layer is not None and not self._problem:
            self._fill(layer)

    def set_sizes(self, sizes: Mapping[str, float]) -> None:
        """Keep sizes of the pixels in µm on the image."""
        if self._layer is None or not sizes:
            return
        with _KeptView(self._viewer, self._layer):
            letters = shown_letters(self._layer)
            set_spacing(self._viewer.layers, self._layer, letters, Spacing(sizes, "µm"))

    @property
    def _letters(self) -> str:
        return "" if self._layer is None else shown_letters(self._layer)

    def _fill(self, layer: Image) -> None:
        letters = shown_letters(layer)
        lengths, times = (spacing_of(layer, letters, wanted) for wanted in ("ZYX", "T"))
        self.letters.value = letters
        self._shape.value = " × ".join(map(str, shape_of(layer)))
        for letter, field in self._sizes.items():
            field.value = _text(lengths.sizes.get(letter))
            field.visible = letter in letters
        self._step.value = _text(times.sizes.get("T"))
        self._unit.value, self._step_unit.value = lengths.unit, times.unit
        self._step_row.visible = "T" in letters
        self.channels.visible = "C" in letters
        title = axes_text(letters, lengths)
        self.section.setText(title)
        self.section.toggleButton().setToolTip(title)
        self._shown = self._tried = self._typed()

    def _typed(self) -> dict[str, str]:
        fields = (self.letters, *self._sizes.values(), self._unit, self._step, self._step_unit)
        return {field.name: str(field.value) for field in fields}

    def _apply(self, _value: Any = None) -> None:
        """Keep the values of the fields on the layer, or remember what is wrong with them."""
        layer, typed = self._layer, self._typed()
        if layer is None or typed == self._tried:
            return
        self._tried = typed
        try:
            letters = checked_letters(self.letters.value, layer)
            lengths = self._changed_spacing(self._sizes, self._unit, letters)
            times = self._changed_spacing({"T": self._step}, self._step_unit, letters)
        except BadImage as error:
            self._problem = str(error)
        else:
            self._problem = ""
            with _KeptView(self._viewer, layer):
                set_letters(layer, letters)
                for spacing in (lengths, times):
                    set_spacing(self._viewer.layers, layer, letters, spacing)
        self.edited.emit()

    def _changed_spacing(
        self, fields: dict[str, LineEdit], unit: ComboBox, letters: str
    ) -> Spacing:
        """Return the sizes that the user changed; 0 for one that is not known any more.

        A new unit changes those of all fields: the numbers stay.
        """
        new_unit = unit.value != self._shown[unit.name]
        sizes = {
            letter: checked_size(letter, field.value) or 0.0
            for letter, field in fields.items()
            if letter in letters and (new_unit or field.value != self._shown[field.name])
        }
        return Spacing(sizes, unit.value)


class _KeptView:
    """Show the same planes after a change of the scale, and fit the image into the canvas."""

    def __init__(self, viewer: Viewer, layer: Image) -> None:
        self._viewer, self._layer = viewer, layer

    def __enter__(self) -> None:
        self._scale, self._step = tuple(self._layer.scale), self._viewer.dims.current_step

    def __exit__(self, *_: object) -> None:
        if tuple(self._layer.scale) != self._scale:
            self._viewer.dims.current_step = self._step
            self._viewer.reset_view()


def _size_field(name: str, label: str) -> LineEdit:
    field = controls.text_field(
        name, label, tooltips.VOXEL_SIZE, label[-1] if "along" in label else ""
    )
    field.native.setMinimumWidth(20)
    return field


def _text(size: float | None) -> str:
    return "" if size is None else f"{size:.6g}"
