"""Choose where a point spread function comes from: the optics, a bead, or a Gaussian."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_dip.errors import BadImage, BadSettings, NapariDipError
from napari_dip.plugin.models.opened_file import OpenedFile
from napari_dip.plugin.models.optics_fields import fields_of, number_text, optics_values
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.open_file import OpenButton
from napari_dip.settings import Deconvolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from magicgui.widgets import LineEdit, Widget
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["PsfControls"]

OPTICS, BEAD, GAUSSIAN = "optics", "bead", "gaussian"

MODALITIES = [
    ("widefield", "widefield"),
    ("confocal", "confocal"),
    ("two-photon", "two-photon"),
    ("light sheet", "light-sheet"),
]

UNITS = [("pixels", "px"), ("nm", "nm"), ("µm", "µm")]

UNIT_WIDTH = 100  # pixels: the number needs the rest of the row


class PsfControls:
    """The controls of a point spread function; only those of the chosen source are visible.

    Parameters
    ----------
    viewer
        Its layers can be beads.
    image
        Return the chosen image, which is no bead of its own.

    Attributes
    ----------
    source
        Where the point spread function comes from.
    bead
        The layer with the image of a bead.
    all
        The controls from top to bottom.
    """

    def __init__(self, viewer: Viewer, image: Callable[[], Layer | None]) -> None:
        self._viewer = viewer
        self._filled: dict[str, str] = {}
        self._lost = ""
        self.source = controls.combo_box(
            "psf_source",
            "PSF",
            tooltips.PSF_SOURCE,
            [
                ("from the optics", OPTICS),
                ("measured (bead)", BEAD),
                ("Gaussian (width)", GAUSSIAN),
            ],
        )
        self.modality = controls.combo_box("modality", "Modality", tooltips.MODALITY, MODALITIES)
        self.fields: dict[str, LineEdit] = {
            name: controls.text_field(name, label, tip, placeholder)
            for name, label, tip, placeholder in (
                ("na", "NA", tooltips.NA, "NA"),
                ("ri", "Immersion", tooltips.IMMERSION, "oil, 1.33 …"),
                ("wavelength", "Emission", tooltips.EMISSION, "nm, such as 520"),
                ("excitation", "Excitation", tooltips.EXCITATION, "nm, such as 488"),
                ("pinhole", "Pinhole", tooltips.PINHOLE, "Airy units, such as 1"),
                ("sheet", "Sheet", tooltips.SHEET, "µm thick, such as 3"),
                ("sample_ri", "Sample index", tooltips.SAMPLE_INDEX, "index"),
                ("depth", "Depth", tooltips.DEPTH, "depth, µm"),
                ("spherical", "Spherical", tooltips.SPHERICAL, "waves"),
                ("astigmatism", "Astigmatism", tooltips.ASTIGMATISM, "waves"),
                ("astigmatism_angle", "Angle", tooltips.ASTIGMATISM_ANGLE, "angle, °"),
            )
        }
        fields = self.fields
        self._objective = controls.row(fields["na"], fields["ri"], label="NA, index")
        self._sample = controls.row(fields["sample_ri"], fields["depth"], label="Sample")
        self.estimate = controls.button("estimate_psf", "Estimate", tooltips.ESTIMATE_ABERRATIONS)
        self._spherical = controls.row(fields["spherical"], self.estimate, label="Spherical")
        self._astigmatism = controls.row(
            fields["astigmatism"], fields["astigmatism_angle"], label="Astigmatism"
        )
        self.bead = controls.bead_box("bead", "Bead", tooltips.BEAD, viewer, image)
        self.open_bead = OpenButton(viewer, "open_bead", tooltips.OPEN_BEAD)
        self.width = controls.text_field("fwhm", "Full width", tooltips.FULL_WIDTH, "such as 3")
        self.unit = controls.combo_box("fwhm_unit", "Unit", tooltips.UNIT, UNITS)
        self.unit.native.setMinimumContentsLength(4)
        self.unit.native.setMaximumWidth(UNIT_WIDTH)
        self._width_row = controls.row(self.width, self.unit, label="Full width")
        self.all: list[Widget] = [
            self.source,
            self.modality,
            self._objective,
            fields["wavelength"],
            fields["excitation"],
            fields["pinhole"],
            fields["sheet"],
            self._sample,
            self._spherical,
            self._astigmatism,
            self.bead,
            self._width_row,
        ]
        self.source.changed.connect(self.update_visibility)
        self.modality.changed.connect(self.update_visibility)
        self.bead.changed.connect(self._forget_lost)

    def place_button(self) -> None:
        """Place the button that opens a file beside the beads, once these are in a layout."""
        self.bead.native.setMinimumContentsLength(4)
        self.bead.native.parentWidget().layout().addWidget(self.open_bead)
        self.open_bead.opened.connect(self._choose_opened)

    def task(self) -> Deconvolve:
        """Return the task that the controls show.

        Raises
        ------
        BadSettings
            If a number is missing or not possible.
        """
        if self.source.value == OPTICS:
            texts = {name: str(field.value) for name, field in self.fields.items()}
            return Deconvolve(**optics_values(self.modality.value, texts))
        return Deconvolve(fwhm=self._fwhm()) if self.source.value == GAUSSIAN else Deconvolve()

    def chosen_bead(self) -> Image | None:
        """Return the layer of the bead; ``None`` if the source is another one.

        Raises
        ------
        BadImage
            If no layer is chosen.
        """
        if self.source.value != BEAD:
            return None
        if self.bead.value is None:
            lost = f"The bead '{self._lost}' is gone: open it. " if self._lost else ""
            raise BadImage(f"{lost}Choose a Bead, or open one (beside it).")
        layer: Image = self.bead.value
        return layer

    def set_task(self, task: Deconvolve, bead: Mapping[str, Any] | None) -> None:
        """Set the controls to a recorded task, and choose its bead if it exists."""
        if task.fwhm is not None:
            self.width.value, self.unit.value = task.fwhm.split()
            self.source.value = GAUSSIAN
        elif task.microscope is not None:
            self.modality.value = task.microscopy
            self.set_numbers(task, self.fields)
            self.source.value = OPTICS
        else:
            self.bead.value = None if bead is None else self._find_bead(bead)
            self._lost = "" if bead is None else bead["layer"] or Path(bead["path"]).name
            self.source.value = BEAD

    def set_numbers(self, task: Deconvolve, names: Iterable[str]) -> None:
        """Write numbers of a task into their fields."""
        for name in names:
            self.fields[name].value = number_text(name, getattr(task, name))

    def fill(self, known: Mapping[str, Any]) -> None:
        """Fill in what an image knows of its microscope; what the user typed stays otherwise."""
        for name, field in self.fields.items():
            text = number_text(name, known[name]) if name in known else ""
            if text or field.value == self._filled.get(name):
                field.value = text
            self._filled[name] = text
        if "modality" in known:
            self.modality.value = known["modality"]

    def update_visibility(self, _value: Any = None) -> None:
        """Show only what matters for the chosen source and the kind of microscope."""
        source = self.source.value
        used = fields_of(self.modality.value) if source == OPTICS else ()
        for name in ("wavelength", "excitation", "pinhole", "sheet"):
            self.fields[name].visible = name in used
        of_optics = self._objective, self._sample, self._spherical, self._astigmatism
        for part in (self.modality, *of_optics):
            part.visible = source == OPTICS
        self.bead.visible = source == BEAD
        self.open_bead.setVisible(source == BEAD)
        self._width_row.visible = source == GAUSSIAN

    def _fwhm(self) -> str:
        text = self.width.value.strip()
        if not text:
            raise BadSettings("Type the full width of the blur at half of its maximum.")
        try:
            return str(Deconvolve(fwhm=f"{text} {self.unit.value}").fwhm)
        except BadSettings:
            raise BadSettings(
                f"Full width: '{text}' is not a width above 0. Type one number, such as 2.5, or "
                "one for each axis, such as 4, 2.5, 2.5 for Z, Y and X."
            ) from None

    def _find_bead(self, bead: Mapping[str, Any]) -> Image | None:
        """Find the layer of a recorded bead, or open its file."""
        for layer in self._viewer.layers:
            if isinstance(layer, Image) and layer.name == bead["layer"]:
                return layer
        if not bead["path"] or not Path(bead["path"]).exists():
            return None
        try:
            layer = OpenedFile.open(Path(bead["path"])).layers()[0]
        except NapariDipError:
            return None
        layer.visible = False
        self._viewer.add_layer(layer)
        return layer

    def _choose_opened(self, layer: Image) -> None:
        layer.visible = False  # it would cover the image
        self.bead.value = layer

    def _forget_lost(self, layer: Image | None) -> None:
        self._lost = "" if layer is not None else self._lost
