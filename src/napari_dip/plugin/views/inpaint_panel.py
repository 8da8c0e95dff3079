"""The panel Inpaint, with the controls of its mask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.compat import isalive

from napari_dip import settings
from napari_dip.errors import BadMask, NapariDipError
from napari_dip.plugin.controllers.run_estimate import Estimate, Estimator
from napari_dip.plugin.controllers.viewer_layers import (
    MaskOutline,
    add_mask,
    suggest_mask,
    unwrap_viewer,
)
from napari_dip.plugin.models.mask_layers import Mask, MaskSource, has_more_planes
from napari_dip.plugin.models.request_template import LayerReader
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.docks import UndockWatcher
from napari_dip.plugin.views.panel import Panel
from napari_dip.plugin.views.path_row import PathRow, ask_file
from napari_dip.plugin.views.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari.viewer
    from magicgui.widgets import Widget
    from napari.layers import Layer

    from napari_dip.plugin.controllers.viewer_layers import MaskSuggestion

__all__ = ["Inpaint"]

EVERY_PLANE, SHOWN_PLANE = "every", "shown"


@dataclass(frozen=True)
class _MaskedImage:
    """An image and its mask, for an estimate of the missing part."""

    mask: Mask
    image: Image

    def describe(self) -> str:
        """Say which part of the pixels is missing."""
        return self.mask.describe(self.image)

    def prepare(self) -> None:
        """Nothing waits for a coverage."""


class Inpaint(Panel):
    """Fill the pixels that a mask marks.

    Parameters
    ----------
    viewer
        napari's viewer.
    """

    task_type = settings.Inpaint

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._mask_outline = MaskOutline()
        self._make_controls(unwrap_viewer(viewer))
        self._coverage_estimator = Estimator(self.coverage, "Counting missing pixels …")
        self._coverage_estimator.estimated.connect(self._show_coverage)
        super().__init__(
            viewer,
            task_controls=[
                self.mask,
                controls.row(self.new_mask, self.suggest_mask),
                self.marks,
                self._labels_row,
                self.planes,
                self.keep_known,
            ],
            advanced_controls=[self.missing, self.match_noise],
            notes=[self.coverage],
        )
        self.image.changed.connect(self._update_masks)
        self.new_mask.changed.connect(self._add_mask)
        self.suggest_mask.changed.connect(self._suggest)
        self._viewer.dims.events.current_step.connect(self._update_shown_plane)
        UndockWatcher(self.native).undocked.connect(self._remove_outline)

    def task(self) -> settings.Task:
        """Return the task that the controls show."""
        return settings.Inpaint(
            missing=self.missing.value,
            keep_known=self.keep_known.value,
            match_noise=self.match_noise.value and self.keep_known.value,
        )

    def set_task(self, recorded: settings.Settings, origin: Mapping[str, Any]) -> None:
        """Set the controls of the task to those of a recorded layer, and its mask if it exists."""
        task: Any = recorded.task
        self.missing.value, self.keep_known.value = task.missing, task.keep_known
        self.match_noise.value = task.match_noise
        if mask := origin.get("mask"):
            layers: list[Any] = [*self.mask.choices]
            named = [layer for layer in layers if layer.name == mask["layer"]]
            self.mask.value = next(iter(named), self.mask.value)
            self.label_number.value, self.marks.value = mask["label"] or 0, mask["marks"]
            self.planes.value = EVERY_PLANE if mask["plane"] is None else SHOWN_PLANE

    def watched_layers(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value, self.mask.value]

    def reader(self) -> LayerReader:
        """Return how layers are read with the current controls.

        Raises
        ------
        BadMask
            If there is no mask.
        """
        return LayerReader(self._mask_source())

    def file_controls(self) -> list[Widget]:
        """Return the file of the mask, which a batch of files needs."""
        return [self.mask_file.row]

    def file_inputs(self) -> dict[str, Any]:
        """Return the file of the mask and the meaning of its pixels.

        Raises
        ------
        BadMask
            If there is none.
        """
        if not (name := self.mask_file.line.value.strip()):
            raise BadMask("Choose the file of a mask, above Results: it is used for all images.")
        return {"mask": Path(name).expanduser(), "marks": self.marks.value}

    def _mask_source(self) -> MaskSource:
        if self.mask.value is None:
            raise BadMask(
                "There is no mask: press New mask, paint the pixels to fill, then press Run."
            )
        is_labels = isinstance(self.mask.value, Labels)
        one_plane = self.planes.value == SHOWN_PLANE
        return MaskSource(
            self.mask.value,
            label=(int(self.label_number.value) or None) if is_labels else None,
            marks=self.marks.value,
            point=self._viewer.dims.point if one_plane else None,
        )

    def _make_controls(self, viewer: napari.viewer.Viewer) -> None:
        self.mask = controls.mask_box("mask", "Mask", tooltips.MASK, viewer, self._chosen_image)
        self.new_mask = controls.button("new_mask", "New mask", tooltips.NEW_MASK)
        self.suggest_mask = controls.button("suggest_mask", "Suggest mask", tooltips.SUGGEST_MASK)
        self.marks = controls.combo_box(
            "marks",
            "Painted pixels",
            tooltips.MARKS,
            [("to fill", "missing"), ("known", "known")],
        )
        self.label_number = controls.integer_box(
            "label", "Label", tooltips.LABEL, 0, controls.MAX_INTEGER, 0, special="any"
        )
        self.planes = controls.combo_box(
            "planes",
            "Applies to",
            tooltips.PLANES,
            [("every plane", EVERY_PLANE), ("the shown plane", SHOWN_PLANE)],
        )
        self.keep_known = controls.check_box(
            "keep_known", "Known pixels unchanged", tooltips.KEEP_KNOWN, value=True
        )
        self.match_noise = controls.check_box(
            "match_noise", "Match the noise in gaps", tooltips.MATCH_NOISE
        )
        self.outline = controls.check_box("outline", "Outline", tooltips.OUTLINE)
        self._labels_row = controls.row(self.label_number, self.outline, label="Label")
        self.coverage = TextLines("coverage", "Coverage", 2)
        self.mask_file = PathRow(
            "mask_file",
            "Mask file",
            tooltips.FILES_MASK,
            "a mask for all images",
            partial(ask_file, "A mask for all images"),
        )
        self.missing = controls.combo_box(
            "missing",
            "Gap type",
            tooltips.GAP_TYPE,
            [
                ("automatic", "auto"),
                ("scratches or text", "scratches"),
                ("a hole", "hole"),
                ("a large hole", "large-hole"),
                ("single pixels", "pixels"),
            ],
        )

    def _chosen_image(self) -> Layer | None:
        """Return the image; the list of masks is made before that of images."""
        images = vars(self).get("image")
        return None if images is None else images.value

    def _update_masks(self) -> None:
        self.mask.reset_choices()

    def _check(self) -> None:
        mask, image = self.mask.value, self.image.value
        self._labels_row.visible = isinstance(mask, Labels)
        both = image is not None and mask is not None
        self.planes.visible = both and has_more_planes(image, mask)
        self.match_noise.enabled = self.keep_known.value
        self.new_mask.enabled = self.suggest_mask.enabled = image is not None
        self._mask_outline.show(mask if self.outline.value else None)
        super()._check()
        self._estimate_coverage()

    def _remove_outline(self) -> None:
        self.outline.value = False

    def _update_shown_plane(self) -> None:
        if self.planes.value == SHOWN_PLANE:
            self._estimate_coverage()

    def _estimate_coverage(self) -> None:
        """Estimate which part of the pixels is missing."""
        image, mask = self.image.value, self.mask.value
        both = image is not None and mask is not None
        if not both:
            self.coverage.show_text("")
        masked = _MaskedImage(self._mask_source().mask_for(image), image) if both else None
        self._coverage_estimator.request(masked)

    def _show_coverage(self, estimate: Estimate) -> None:
        self.coverage.show_text(estimate.text if estimate.possible else "")
        if not estimate.possible:
            self.controller.block(estimate.text)

    def _add_mask(self) -> None:
        mask, text = add_mask(self._viewer, self.image.value)
        self._choose_mask(mask)
        self.controller.say(text)

    def _choose_mask(self, mask: Labels) -> None:
        """Choose a new mask, whose painted pixels are missing."""
        self.reset_choices()
        self.mask.value, self.marks.value, self.label_number.value = mask, "missing", 0

    def _suggest(self) -> None:
        image = self.image.value
        try:
            suggest_mask(self._viewer, image, self._receive_suggestion)
        except NapariDipError as error:
            self.controller.say(str(error))
            return
        self.suggest_mask.enabled = False
        self.controller.say(f"Looking for bad pixels in '{image.name}' …")

    def _receive_suggestion(self, suggestion: MaskSuggestion) -> None:
        if not isalive(self.native):  # type: ignore[no-untyped-call]
            return
        self.suggest_mask.enabled = True
        mask = suggestion.add_to(self._viewer)
        if mask is not None:
            self._choose_mask(mask)
        self.controller.say(suggestion.describe())
