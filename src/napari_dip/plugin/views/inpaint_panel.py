"""The panel Inpaint: the mask, how it was made, and how much it hides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.compat import isalive
from superqt.utils import create_worker

from napari_dip import settings
from napari_dip.errors import BadMask, NapariDipError
from napari_dip.image.arrays import as_lazy
from napari_dip.noise.bad_pixels import BadPixels, find_bad_pixels
from napari_dip.plugin.controllers.run_estimate import Answer, Estimate
from napari_dip.plugin.controllers.viewer_layers import (
    Contour,
    Grid,
    grid_of,
    new_mask,
    ready_to_paint,
    unwrapped,
)
from napari_dip.plugin.models.mask_pixels import finest
from napari_dip.plugin.models.masks import Marking, Mask, has_more_planes, plane_at
from napari_dip.plugin.models.run_request import Reader
from napari_dip.plugin.views import controls
from napari_dip.plugin.views.panel import Panel
from napari_dip.plugin.views.panel_frame import Docking

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari.viewer
    from napari.layers import Layer

__all__ = ["Inpaint"]

_EVERY, _THIS = "every", "this"


@dataclass(frozen=True)
class _Coverage:
    """How much of an image is missing."""

    mask: Mask
    image: Image

    def outlook(self) -> str:
        """Count, and say it."""
        return self.mask.in_words(self.image)


class Inpaint(Panel):
    """Fill in what is marked in a mask.

    Parameters
    ----------
    viewer
        napari's viewer, which napari fills in.
    """

    page, sample = "inpaint", "scratched"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._contour = Contour()
        self.new_mask = controls.button(
            "new_mask",
            "New mask",
            "Add a Labels layer on the pixels of the image, and take the brush to paint over what "
            "is missing.",
        )
        self.suggest_mask = controls.button(
            "suggest_mask",
            "Suggest mask",
            "Look for saturated, hot and dead pixels and NaN, and put them into a new Labels "
            "layer, with a label for each kind.",
        )
        self.marks = controls.choice(
            "marks",
            "painted are",
            "What is painted, or bright in an image: the missing pixels, or those that are known, "
            "as in most published masks.",
            [("missing", "missing"), ("known", "known")],
        )
        self.marks.native.setMinimumContentsLength(6)  # beside it there is the label
        self.which = controls.integer(
            "label",
            "label",
            "Which label counts; 'any' is all that is painted.",
            0,
            controls.MOST,
            0,
            special="any",
        )
        self.planes = controls.choice(
            "planes",
            "holds for",
            "The mask has fewer dimensions than the image: it holds for every plane, or only for "
            "the plane that is shown.",
            [("every plane", _EVERY), ("the plane that is shown", _THIS)],
        )
        self.keep_known = controls.check(
            "keep_known",
            "keep known pixels",
            "Leave all pixels that are not missing exactly as they are, to the last bit. Without "
            "it the whole image is smoothed by the network.",
            value=True,
        )
        self.outline = controls.check(
            "outline", "outline", "Draw the mask as an outline, to see what lies under it."
        )
        self.coverage = controls.words("coverage")
        self.missing = controls.choice(
            "missing",
            "missing are",
            "The shape of what is missing, by which the network is chosen (preset 'paper').",
            [
                ("told from the mask", "auto"),
                ("scratches or text", "scratches"),
                ("a hole", "hole"),
                ("a large hole", "large-hole"),
                ("single pixels", "pixels"),
            ],
        )
        self.mask = controls.mask_choice(
            "mask",
            "mask",
            "The layer that says what is missing: Labels or Shapes that were painted, or an "
            "image, cut at half of its grey levels. It may lie on another pixel grid, and one "
            "plane of it serves a whole stack.",
            unwrapped(viewer),
            self._chosen_image,
        )
        self._measure = Estimate(self.coverage.native)
        self._measure.answered.connect(self._tell_coverage)
        super().__init__(
            viewer,
            own=[
                self.mask,
                controls.row(self.new_mask, self.suggest_mask),
                self.marks,
                self.which,
                self.planes,
                self.keep_known,
                self.outline,
                self.coverage,
            ],
            folded=[self.missing],
        )
        self.image.changed.connect(self._offer_masks)
        self.new_mask.changed.connect(self._new_mask)
        self.suggest_mask.changed.connect(self._suggest)
        self._viewer.dims.events.current_step.connect(self._stepped)
        Docking(self.native).undocked.connect(self._give_back_outline)

    def task(self) -> settings.Task:
        """Say what the controls of the task ask for."""
        return settings.Inpaint(missing=self.missing.value, keep_known=self.keep_known.value)

    def take(self, task: Any, came: Mapping[str, Any]) -> None:
        """Set the controls of the task as a record has it, with its mask if that is still there."""
        self.missing.value, self.keep_known.value = task.missing, task.keep_known
        if mask := came.get("mask"):
            there: list[Any] = [*self.mask.choices]
            named = [layer for layer in there if layer.name == mask["layer"]]
            self.mask.value = next(iter(named), self.mask.value)
            self.which.value, self.marks.value = mask["label"] or 0, mask["marks"]
            self.planes.value = _EVERY if mask["plane"] is None else _THIS

    def watched(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value, self.mask.value]

    def reader(self) -> Reader:
        """Say how layers are read, as the controls stand now."""
        if self.mask.value is None:
            raise BadMask(
                "There is no mask yet: press New mask, paint what is missing, then press Run."
            )
        labels = isinstance(self.mask.value, Labels)
        this = self.planes.value == _THIS
        return Reader(
            Marking(
                self.mask.value,
                label=(int(self.which.value) or None) if labels else None,
                marks=self.marks.value,
                point=self._viewer.dims.point if this else None,
            )
        )

    def _mask(self) -> Mask:
        """Say what is missing, in the words of the controls."""
        marked = self.reader().marked
        assert marked is not None
        return marked(self.image.value)

    @property
    def _fewer_axes(self) -> bool:
        """Whether the image has several planes for one of the mask."""
        image, mask = self.image.value, self.mask.value
        if image is None or mask is None:
            return False
        return has_more_planes(image, mask)

    def _chosen_image(self) -> Layer | None:
        """Give the image; the list of masks is made before that of the images is there."""
        images = vars(self).get("image")
        return None if images is None else images.value

    def _offer_masks(self) -> None:
        self.mask.reset_choices()

    def _look_again(self) -> None:
        mask, image = self.mask.value, self.image.value
        self.which.visible = self.outline.visible = isinstance(mask, Labels)
        self.planes.visible = self._fewer_axes
        self.new_mask.enabled = self.suggest_mask.enabled = image is not None
        self._contour.only(mask if self.outline.value else None)
        super()._look_again()
        self._cover()

    def _give_back_outline(self) -> None:
        self.outline.value = False

    def _stepped(self) -> None:
        if self.planes.value == _THIS:
            self._cover()

    def _cover(self) -> None:
        """Find out how much is missing."""
        image, mask = self.image.value, self.mask.value
        both = image is not None and mask is not None
        self.coverage.visible = both and self.coverage.visible
        self._measure.ask(_Coverage(self._mask(), image) if both else None)

    def _tell_coverage(self, answer: Answer) -> None:
        """Say how much is missing, or why nothing can be filled in."""
        self.coverage.value = answer.words
        self.coverage.visible = answer.possible
        if not answer.possible:
            self._readiness.hinder(answer.words)

    def _new_mask(self) -> None:
        mask, words = new_mask(self._viewer, self.image.value)
        self._take(mask)
        self.status.value = words

    def _take(self, mask: Labels) -> None:
        """Choose a mask that was made here, in which painted means missing."""
        self.reset_choices()
        self.mask.value, self.marks.value, self.which.value = mask, "missing", 0

    def _suggest(self) -> None:
        image = self.image.value
        grid = grid_of(image)
        plane = plane_at(self._viewer.dims.point, image, range(image.ndim - len(grid.shape)))
        try:
            pixels = as_lazy(finest(image))
        except NapariDipError as error:
            self.status.value = str(error)
            return
        self.suggest_mask.enabled = False
        self.status.value = f"Looking for pixels of '{image.name}' that went wrong …"
        looking = create_worker(find_bad_pixels, pixels[plane] if plane else pixels, rgb=image.rgb)
        looking.returned.connect(partial(self._suggested, image, grid))
        looking.start()

    def _suggested(self, image: Image, grid: Grid, found: BadPixels) -> None:
        if not isalive(self.native):  # type: ignore[no-untyped-call]
            return
        self.suggest_mask.enabled = True
        where = "of this plane of" if grid.one_for_all else "of"
        words = found.describe()
        if not words:
            self.status.value = (
                f"No pixel {where} '{image.name}' is saturated, hot, dead or not finite."
            )
            return
        mask = self._viewer.add_labels(
            found.labels, name=f"suggested in {image.name}", **grid.placement
        )
        ready_to_paint(self._viewer, mask)
        self._take(mask)
        self.status.value = (
            f"Pixels {where} '{image.name}': {words}. Paint, erase or choose a label."
        )
