"""Describe a run over image files: which images, where their results go, and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadImage, BadSettings, NapariDipError, OutputExists
from napari_dip.plugin.models.layer_file import stored_in_file

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from napari_dip.files.folder_plan import FolderPlan
    from napari_dip.plugin.models.run_request import ComputeOptions
    from napari_dip.settings import Settings

__all__ = ["FileChoice", "FileJob", "bead_file", "file_of", "proposed_results"]


@dataclass(frozen=True)
class FileChoice:
    """The images that a user chose, and the place of their results.

    Attributes
    ----------
    folder
        A folder of images, a plate or a well of it, or one OME-Zarr image; ``None`` if files were
        chosen.
    files
        The chosen files.
    pattern
        Which names in the folder count; empty for all.
    results
        The folder of the results, or the plate.
    overwrite
        Whether results with other settings are replaced.
    """

    folder: Path | None = None
    files: tuple[Path, ...] = ()
    pattern: str = ""
    results: Path | None = None
    overwrite: bool = False

    def plan(self) -> FolderPlan | None:
        """List the images; ``None`` if none were chosen. No pixels are read.

        Raises
        ------
        NapariDipError
            If there is no image, or the place of the results is not valid.
        """
        from napari_dip.files.folder_plan import plan_files, plan_folder
        from napari_dip.files.ngff import is_zarr
        from napari_dip.files.plate import open_plate

        if self.folder is None and not self.files:
            return None
        if self.results is None:
            raise BadSettings("Choose a folder for the results.")
        try:
            if self.folder is None:
                return plan_files(self.files, self.results)
            if not self.folder.is_dir():
                raise BadImage(f"{self.folder} is no folder: choose one with images, or files.")
            if is_zarr(self.folder) and open_plate(self.folder) is None:
                return plan_files([self.folder], self.results)
            return plan_folder(
                self.folder, self.results, overwrite=self.overwrite, pattern=self.pattern
            )
        except OutputExists:
            raise OutputExists(
                f"{self.results} exists: check Replace older results, or choose another name."
            ) from None
        except OSError as error:
            raise BadImage(
                f"{self.folder or self.files[0].parent} cannot be read: {error}"
            ) from None


@dataclass(frozen=True)
class FileJob:
    """The images of a run, and how they are restored.

    Attributes
    ----------
    plan
        The images and the places of their results.
    settings
        The settings for all of them.
    compute
        Which processes compute.
    files
        The files for all images, as arguments of :func:`~napari_dip.files.file_run.open_run`:
        ``mask`` and what it ``marks``, or ``psf``.
    overwrite
        Whether results with other settings are replaced.
    """

    plan: FolderPlan
    settings: Settings
    compute: ComputeOptions
    files: dict[str, Any]
    overwrite: bool

    def __post_init__(self) -> None:
        """Check what would fail for every image.

        Raises
        ------
        BadSettings
            If a setting cannot be used for files.
        """
        self.compute.check()
        if self.settings.uncertainty:
            raise BadSettings(
                "The uncertainty is not written for files: uncheck Uncertainty under Advanced "
                "settings, or restore the image as a layer."
            )


def proposed_results(images: Path, done: str) -> Path:
    """Propose the place of the results, beside the images.

    Parameters
    ----------
    images
        The folder of the images, one of them, or a plate.
    done
        What is done to them, such as ``"denoised"``.

    Examples
    --------
    >>> proposed_results(Path("/data/raw"), "denoised").as_posix()
    '/data/raw (denoised)'
    """
    from napari_dip.files.ngff import is_zarr
    from napari_dip.files.plate import open_plate

    images = images.absolute()
    try:
        plate = open_plate(images) if is_zarr(images) else None
    except NapariDipError:  # the list of the images says what is wrong
        plate = None
    if plate is not None:
        name = plate.path.name.removesuffix(".zarr").removesuffix(".ome")
        return plate.path.with_name(f"{name} ({done}).ome.zarr")
    folder = images.parent if images.is_file() or is_zarr(images) else images
    return folder.parent / f"{folder.name or 'images'} ({done})"


def file_of(layer: Layer) -> Path | None:
    """Return the file that a layer was read from; ``None`` if it is not known, or gone."""
    path = Path(layer.source.path) if layer.source.path else None
    return path if path is not None and path.exists() else None


def bead_file(layer: Image) -> Path:
    """Return the file of the image of a bead.

    Raises
    ------
    BadImage
        If it is in no file as it is shown.
    """
    path = file_of(layer)
    if path is None or stored_in_file(layer) is None:
        raise BadImage(
            f"The bead '{layer.name}' is in no file as it is shown: save it, and open it as Bead."
        )
    return path
