"""The three panels: Denoise, Super-resolution and Inpaint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from napari_dip import settings
from napari_dip.errors import BadMask
from napari_dip.plugin import controls
from napari_dip.plugin.layers import LayerInput, read_layer
from napari_dip.plugin.masks import check_painted
from napari_dip.plugin.panel import Panel
from napari_dip.plugin.window import unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari.viewer
    from napari.layers import Layer

__all__ = ["Denoise", "Inpaint", "SuperResolution"]


class Denoise(Panel):
    """Remove noise, or the blocks of JPEG compression.

    Parameters
    ----------
    viewer
        napari's viewer, which napari fills in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.artefact = controls.choice(
            "artefact",
            "remove",
            "What spoils the image: noise of the camera, or blocks of JPEG compression.",
            [("noise", "noise"), ("JPEG blocks", "jpeg")],
        )
        super().__init__(viewer, own=[], folded=[self.artefact])

    def task(self) -> settings.Task:
        """Say what the controls of the task ask for."""
        return settings.Denoise(artefact=self.artefact.value)

    def take(self, task: Any, came: Mapping[str, Any]) -> None:
        """Set the controls of the task as a record has it."""
        self.artefact.value = task.artefact


class SuperResolution(Panel):
    """Refine the pixel grid by an integer factor.

    Parameters
    ----------
    viewer
        napari's viewer, which napari fills in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.axis = controls.choice(
            "axis",
            "along",
            "What becomes finer: the pixels of each plane, or the distance of the planes of a "
            "z-stack, by the factor or until the voxels are nearest to cubes.",
            [("Y and X", "YX"), ("Z", "Z"), ("Z, to make voxels cubes", "isotropic")],
        )
        self.factor = controls.integer(
            "factor", "factor", "How many pixels each pixel becomes, along each axis.", 2, 8, 2
        )
        self.downsampler = controls.choice(
            "downsampler",
            "shrunk by",
            "How the image came to have large pixels: by a resampling filter, or by the camera, "
            "which sums over each pixel (binning). Along Z it is the profile of a plane.",
            [
                ("usual for the axis", "usual"),
                ("Lanczos 2 filter", "lanczos2"),
                ("Lanczos 3 filter", "lanczos3"),
                ("camera binning", "box"),
                ("Gaussian blur", "gaussian"),
            ],
        )
        self.axis.changed.connect(self._factor_is_asked)
        super().__init__(viewer, own=[self.axis, self.factor, self.downsampler], folded=[])

    def task(self) -> settings.Task:
        """Say what the controls of the task ask for."""
        isotropic = self.axis.value == "isotropic"
        kernel = self.downsampler.value
        return settings.SuperResolve(
            factor="isotropic" if isotropic else int(self.factor.value),
            axis="Z" if self.axis.value != "YX" else None,
            downsampler=None if kernel == "usual" else kernel,
        )

    def take(self, task: Any, came: Mapping[str, Any]) -> None:
        """Set the controls of the task as a record has it."""
        isotropic = task.factor == "isotropic"
        self.axis.value = "isotropic" if isotropic else task.axis or "YX"
        if not isotropic:
            self.factor.value = task.factor
        self.downsampler.value = task.downsampler or "usual"

    def _factor_is_asked(self, axis: str) -> None:
        self.factor.enabled = axis != "isotropic"


class Inpaint(Panel):
    """Fill in what is painted over in a Labels layer.

    Parameters
    ----------
    viewer
        napari's viewer, which napari fills in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.mask = controls.layer_choice(
            "mask",
            "mask",
            "The Labels layer in which the missing parts are painted. It may lie on another "
            "pixel grid, and one plane of it serves a whole stack.",
            unwrapped(viewer),
            Labels,
        )
        self.which = controls.integer(
            "label",
            "label",
            "Which label means missing; 'any' is all that is painted.",
            0,
            controls.MOST,
            0,
            special="any",
        )
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
        self.keep_known = controls.check(
            "keep_known",
            "keep known pixels",
            "Leave all pixels that are not painted exactly as they are. Without it they are "
            "smoothed by the network as well.",
            value=True,
        )
        super().__init__(
            viewer, own=[self.mask, self.which], folded=[self.missing, self.keep_known]
        )

    def task(self) -> settings.Task:
        """Say what the controls of the task ask for."""
        return settings.Inpaint(missing=self.missing.value, keep_known=self.keep_known.value)

    def take(self, task: Any, came: Mapping[str, Any]) -> None:
        """Set the controls of the task as a record has it, with its mask if that is still there."""
        self.missing.value, self.keep_known.value = task.missing, task.keep_known
        if mask := came.get("mask"):
            self.which.value = mask["label"] or 0
            there: list[Any] = [*self.mask.choices]
            named = [layer for layer in there if layer.name == mask["layer"]]
            self.mask.value = next(iter(named), self.mask.value)

    def watched(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value, self.mask.value]

    def check(self, layer: Layer) -> LayerInput:
        """Read of the layers what can be read at once, or say why a run is impossible."""
        if self.mask.value is None:
            raise BadMask(
                "There is no mask yet: add a Labels layer, paint what is missing, then press Run."
            )
        check_painted(self.mask.value, int(self.which.value) or None)
        return read_layer(layer)

    def read(self, layer: Layer) -> LayerInput:
        """Read the layers that are chosen."""
        return read_layer(layer, self.mask.value, int(self.which.value) or None)
