"""Restore all images of a folder, or all fields of a plate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from napari_dip.errors import NapariDipError
from napari_dip.files.file_run import open_run
from napari_dip.files.folder_plan import plan_folder
from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_dip.files.folder_plan import FolderItem, FolderPlan
    from napari_dip.settings import Settings

__all__ = ["FileStatus", "RestoreItem", "restore_folder", "restore_items"]


Status = Literal["restored", "skipped", "failed"]


class FileStatus(NamedTuple):
    """What became of an image of a folder.

    Attributes
    ----------
    name
        The name of the file; of a plate, the path of the field.
    output
        The file of the result; of a plate, the field in it, which is there when all are complete.
    status
        ``"restored"``, ``"skipped"`` if its result existed already, or ``"failed"``.
    reason
        The error, if it failed.
    """

    name: str
    output: Path
    status: Status
    reason: str = ""


def restore_folder(
    source: str | Path,
    output: str | Path,
    settings: Settings,
    *,
    overwrite: bool = False,
    pattern: str = "",
    **options: Any,
) -> Iterator[FileStatus]:
    """Restore all images of a folder, or all fields of a plate or of one of its wells.

    An image is skipped if its result exists, of the same pixels and with these settings. An
    unfinished OME-Zarr is resumed. An image that fails does not end the run: call it again to go
    on.

    Parameters
    ----------
    source
        A folder with image files, whose subfolders are not searched; or a plate in OME-Zarr, or a
        well in it.
    output
        The folder of the results, which is made; of a plate, an OME-Zarr, which is written when
        all fields are complete. The result of an OME-Zarr is one, others are OME-TIFF.
    settings
        Settings of the restoration.
    overwrite
        Whether to replace results with other settings, or an older plate.
    pattern
        Which names of files count, such as ``"*_ch1.tif"``; all by default.
    **options
        Further arguments of ``napari_dip.files.file_run.open_run``, such as ``mask``.

    Yields
    ------
    FileStatus
        After each image.

    Raises
    ------
    FileProblem
        If there is no image, or the output is not valid.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import tifffile
    >>> from napari_dip import Settings, restore_folder
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "raw").mkdir()
    >>> for name in "ab":
    ...     pixels = np.random.default_rng(0).poisson(50, (24, 24)).astype("uint16")
    ...     tifffile.imwrite(folder / "raw" / f"{name}.tif", pixels)
    >>> settings = Settings(prior="none", device="cpu")
    >>> [one.status for one in restore_folder(folder / "raw", folder / "out", settings)]
    ['restored', 'restored']
    >>> [one.status for one in restore_folder(folder / "raw", folder / "out", settings)]
    ['skipped', 'skipped']
    """
    plan = plan_folder(source, output, overwrite=overwrite, pattern=pattern)

    def restore(item: FolderItem, *, resume: bool, overwrite: bool) -> None:
        run = open_run(
            item.source, item.output, settings, overwrite=overwrite, resume=resume, **options
        )
        try:
            run.write(finished(run.steps()))
        finally:
            run.close()

    files = options.get("mask"), options.get("psf")
    return restore_items(plan, settings, restore, *files, overwrite=overwrite)


class RestoreItem(Protocol):
    """Restore an image, and write its result."""

    def __call__(self, item: FolderItem, /, *, resume: bool, overwrite: bool) -> None:
        """Resume an unfinished result, or replace one, if told so."""


def restore_items(
    plan: FolderPlan,
    settings: Settings,
    restore: RestoreItem,
    mask: str | Path | None = None,
    psf: str | Path | None = None,
    *,
    overwrite: bool = False,
) -> Iterator[FileStatus]:
    """Restore the images of a plan that are not done, and yield what became of each.

    Parameters
    ----------
    plan, settings, mask, psf, overwrite
        As for :func:`restore_folder`.
    restore
        Called for each image that is not done. Its errors are statuses, but for an interrupt.
    """
    plan.prepare()
    failed = False
    for item in plan.items:
        status: Status = "restored"
        reason = ""
        try:
            state = item.state(settings, mask, psf)
            if state == "done":
                status = "skipped"
            else:
                resume = state == "unfinished"
                restore(item, resume=resume, overwrite=overwrite and not resume)
        except (NapariDipError, OSError, MemoryError) as error:
            status, reason, failed = "failed", str(error) or type(error).__name__, True
        yield FileStatus(item.name, item.final, status, reason)
    if not failed:
        plan.finish()
