"""The panel Deconvolve, with the controls of its point spread function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_dip import settings
from napari_dip.errors import BadImage, NapariDipError
from napari_dip.plugin.controllers.background import in_background
from napari_dip.plugin.controllers.result_layer import insert_beside
from napari_dip.plugin.controllers.run_estimate import Estimate, Estimator
from napari_dip.plugin.controllers.viewer_layers import unwrap_viewer
from napari_dip.plugin.models.file_job import bead_file
from napari_dip.plugin.models.layer_axes import shape_of, shown_letters
from napari_dip.plugin.models.layer_file import optics_of
from napari_dip.plugin.models.pixel_sizes import recorded_sizes
from napari_dip.plugin.models.point_spread import psf_layer
from napari_dip.plugin.models.psf_text import aberrations_found
from napari_dip.plugin.models.request_template import LayerReader
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.panel import Panel
from napari_dip.plugin.views.psf_controls import PsfControls
from napari_dip.plugin.views.text_lines import TextLines
from napari_dip.settings.optics import ABERRATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari.viewer
    from napari.layers import Layer

    from napari_dip.optics.psf import PSF
    from napari_dip.plugin.models.run_request import RunRequest

__all__ = ["Deconvolve"]

VOLUME, PLANES = "volume", "planes"

PSF_LINES = 4  # lines that fit the widths and a warning about planes and pixels at a large font


@dataclass(frozen=True)
class _Blur:
    """The point spread function of a run, for an estimate."""

    request: RunRequest

    def describe(self) -> str:
        """Say what the point spread function is."""
        return self.request.describe_psf()

    def prepare(self) -> None:
        """Nothing waits for a point spread function."""


class Deconvolve(Panel):
    """Remove the blur of the microscope, and the noise.

    Parameters
    ----------
    viewer
        napari's viewer.
    """

    task_type = settings.Deconvolve

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._psf = PsfControls(unwrap_viewer(viewer), self._chosen_image)
        self.stack = controls.combo_box(
            "stack",
            "Stack",
            tooltips.STACK,
            [("as a volume", VOLUME), ("plane by plane", PLANES)],
        )
        self.show_psf = controls.button("show_psf", "Show PSF", tooltips.SHOW_PSF)
        self.described = TextLines("psf", "Point spread function", PSF_LINES)
        self._described_layer: Layer | None = None
        self._psf_estimator = Estimator(self.described)
        self._psf_estimator.estimated.connect(self._describe_psf)
        super().__init__(
            viewer,
            task_controls=[*self._psf.all, self.stack, self.show_psf],
            advanced_controls=[],
            notes=[self.described],
        )
        self.image.changed.connect(self._psf.bead.reset_choices)
        self.show_psf.changed.connect(self._compute_psf)
        self._psf.estimate.changed.connect(self._estimate_aberrations)
        self._psf.open_bead.message.connect(self.controller.say)

    def task(self) -> settings.Task:
        """Return the task that the controls show."""
        return self._psf.task()

    def general_settings(self) -> dict[str, Any]:
        """Return how a stack is restored."""
        as_volume = self._has_planes and self.stack.value == VOLUME
        return {"ndim": 3} if as_volume else {"ndim": 2}

    def set_task(self, recorded: settings.Settings, origin: Mapping[str, Any]) -> None:
        """Set the controls of the task to those of a recorded layer, and its bead if it exists."""
        task: Any = recorded.task
        self._psf.set_task(task, origin.get("bead"))
        if self._has_planes:
            self.stack.value = VOLUME if recorded.ndim == 3 else PLANES
        self._check()  # no control changes if the bead of both is gone

    def set_image(self, recorded: settings.Settings) -> str:
        """Set the sizes of the pixels that are not known, and name those that differ."""
        layer = self._chosen_image()
        if not isinstance(layer, Image):
            return ""
        sizes, said = recorded_sizes(layer, recorded)
        self._axes.set_sizes(sizes)
        self._check()
        return said

    def watched_layers(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value, self._psf.bead.value]

    def reader(self) -> LayerReader:
        """Return how layers are read with the current controls.

        Raises
        ------
        BadImage
            If there is no bead, and the point spread function is to be measured.
        """
        return LayerReader(bead=self._psf.chosen_bead())

    def file_inputs(self) -> dict[str, Any]:
        """Return the file of the bead, if the point spread function is measured.

        Raises
        ------
        BadImage
            If no image is open, or the bead is in no file.
        """
        if self._chosen_image() is None:
            raise BadImage(
                "Open one of the images first: its planes and its optics set the controls above."
            )
        bead = self._psf.chosen_bead()
        return {} if bead is None else {"psf": bead_file(bead)}

    @property
    def _has_planes(self) -> bool:
        """Whether the image has several planes along Z."""
        image = self._chosen_image()
        if not isinstance(image, Image):
            return False
        letters = shown_letters(image)
        return "Z" in letters and shape_of(image)[letters.index("Z")] > 1

    def _chosen_image(self) -> Layer | None:
        """Return the image; the list of beads is made before that of images."""
        images = vars(self).get("image")
        return None if images is None else images.value

    def _arrange(self) -> None:
        self._psf.place_button()
        self._psf.update_visibility()
        super()._arrange()

    def _check(self) -> None:
        image = self.image.value
        if image is not self._described_layer:
            self._described_layer = image
            self._psf.fill({} if image is None else optics_of(image))
        super()._check()
        self.stack.visible = self._has_planes
        request = self._request()
        self.show_psf.enabled = request is not None
        self._psf.estimate.enabled = request is not None and request.may_estimate_optics
        if request is None:
            self.described.show_text("")
        self._psf_estimator.request(None if request is None else _Blur(request))

    def _request(self, *, read: bool = False) -> RunRequest | None:
        """Return the request of a run; ``None`` if none is possible, which the plan explains."""
        try:
            return self.template().for_layer(self.input_layer(), read_mask=read)
        except NapariDipError:
            return None

    def _describe_psf(self, estimate: Estimate) -> None:
        if estimate.possible:
            self.described.show_with_details(estimate.text)
        else:
            self.described.show_text("")
            self.controller.block(estimate.text)

    def _compute_psf(self) -> None:
        request = self._request(read=True)
        if request is None:
            return
        self.show_psf.enabled = False
        self.controller.say(f"Computing the PSF of '{request.source.name}' …")

        def add(psf: PSF | None) -> None:
            assert psf is not None
            self._add_psf(psf, request)
            self._end_psf(f"Added '{request.source.name} PSF'.\n\n{psf.describe()}.")

        in_background(self.native, request.psf, add, self._end_psf)

    def _estimate_aberrations(self) -> None:
        request = self._request(read=True)
        if request is None:
            return
        self._psf.estimate.enabled = False
        name = request.source.name
        self.controller.say(f"Estimating the aberrations of '{name}' …")

        def fill(task: Any) -> None:
            if self.image.value is not request.source.layer():
                end(f"The aberrations of '{name}' are not used: another image is chosen.")
                return
            self._psf.set_numbers(task, ABERRATIONS)
            end(aberrations_found(task, name))

        def end(text: str) -> None:
            self._check()
            self.controller.say(text)

        in_background(self.native, request.estimated_optics, fill, end)

    def _add_psf(self, psf: PSF, request: RunRequest) -> None:
        """Show a point spread function, in place of that which was shown before."""
        pixels, keywords, _ = psf_layer(psf, request.source, request.settings)
        image, viewer = request.source.layer(), self._viewer
        for layer in [*viewer.layers]:
            if layer.name == keywords["name"] and "napari-dip psf" in layer.metadata:
                viewer.layers.remove(layer)
        insert_beside(viewer, image, Image(pixels, **keywords), above=True)

    def _end_psf(self, text: str) -> None:
        self.show_psf.enabled = True
        self.controller.say(text)
