"""The controls of a panel, as the controller of its runs uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image

    from napari_dip.files.folder_plan import FolderPlan
    from napari_dip.plugin.models.file_job import FileJob
    from napari_dip.plugin.models.request_template import RequestTemplate
    from napari_dip.plugin.models.run_request import RunRequest
    from napari_dip.settings import Settings

__all__ = ["RunForm"]


class RunForm(Protocol):
    """The controls of a panel, as the controller uses them."""

    @property
    def keep_history(self) -> bool:
        """Whether all previews are added as one layer at the end."""
        ...

    def input_layer(self) -> Image:
        """Return the chosen image, or raise a BadImage."""
        ...

    def choose_image(self, layer: Image) -> None:
        """Choose an image."""
        ...

    def template(self) -> RequestTemplate:
        """Return the values of the controls, or raise a NapariDipError."""
        ...

    def file_job(self, plan: FolderPlan, *, overwrite: bool) -> FileJob:
        """Return the job for image files, or raise a NapariDipError."""
        ...

    def propose_target(self, layer: Image) -> None:
        """Propose a folder for the result of an image."""
        ...

    def choose_target(self, *, too_large: bool) -> bool:
        """Choose disk or memory for the result; return whether the choice changed to disk."""
        ...

    def ask_about_folder(self, request: RunRequest) -> RunRequest | None:
        """Ask what to do with the content of the folder; ``None`` cancels the run."""
        ...

    def set_controls(self, settings: Settings, origin: Mapping[str, Any]) -> tuple[bool, list[str]]:
        """Set the controls; return whether the task fits, and the settings without a control."""
        ...
