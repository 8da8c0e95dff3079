"""The panels Denoise and Super-resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip import settings
from napari_dip.plugin.views import controls, tooltips
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
        napari's viewer.
    """

    task_type = settings.Denoise

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.artefact = controls.combo_box(
            "artefact",
            "Remove",
            tooltips.ARTEFACT,
            [("noise", "noise"), ("JPEG blocks", "jpeg")],
        )
        super().__init__(viewer, task_controls=[], advanced_controls=[self.artefact])

    def task(self) -> settings.Task:
        """Return the task that the controls show."""
        return settings.Denoise(artefact=self.artefact.value)

    def set_task(self, recorded: settings.Settings, origin: Mapping[str, Any]) -> None:
        """Set the controls of the task to those of a recorded layer."""
        task: Any = recorded.task
        self.artefact.value = task.artefact


class SuperResolution(Panel):
    """Increase the number of pixels by an integer factor.

    Parameters
    ----------
    viewer
        napari's viewer.
    """

    task_type = settings.SuperResolve

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.axis = controls.combo_box(
            "axis",
            "Along",
            tooltips.AXIS,
            [("Y and X", "YX"), ("Z", "Z"), ("Z, to cubic voxels", "isotropic")],
        )
        self.factor = controls.integer_box("factor", "Factor", tooltips.FACTOR, 2, 8, 2)
        self.downsampler = controls.combo_box(
            "downsampler",
            "Downsampling",
            tooltips.DOWNSAMPLING,
            [
                ("default", "default"),
                ("Lanczos 2 filter", "lanczos2"),
                ("Lanczos 3 filter", "lanczos3"),
                ("camera binning", "box"),
                ("Gaussian blur", "gaussian"),
            ],
        )
        self.axis.changed.connect(self._enable_factor)
        task_controls = [self.axis, self.factor, self.downsampler]
        super().__init__(viewer, task_controls, advanced_controls=[])

    def task(self) -> settings.Task:
        """Return the task that the controls show."""
        isotropic = self.axis.value == "isotropic"
        kernel = self.downsampler.value
        return settings.SuperResolve(
            factor="isotropic" if isotropic else int(self.factor.value),
            axis="Z" if self.axis.value != "YX" else None,
            downsampler=None if kernel == "default" else kernel,
        )

    def set_task(self, recorded: settings.Settings, origin: Mapping[str, Any]) -> None:
        """Set the controls of the task to those of a recorded layer."""
        task: Any = recorded.task
        isotropic = task.factor == "isotropic"
        self.axis.value = "isotropic" if isotropic else task.axis or "YX"
        if not isotropic:
            self.factor.value = task.factor
        self.downsampler.value = task.downsampler or "default"

    def _enable_factor(self, axis: str) -> None:
        self.factor.enabled = axis != "isotropic"
