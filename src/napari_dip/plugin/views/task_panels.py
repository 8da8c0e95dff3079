"""The panels Denoise and Super-resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip import settings
from napari_dip.plugin.views import controls
from napari_dip.plugin.views.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari.viewer

__all__ = ["Denoise", "SuperResolution"]


class Denoise(Panel):
    """Remove noise, or the blocks of JPEG compression.

    Parameters
    ----------
    viewer
        napari's viewer, which napari fills in.
    """

    page, sample = "denoise", "noisy"

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

    page, sample = "super-resolution", "low_resolution"

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
