"""The folder of a resumable OME-Zarr: create it, resume it, and move it to its final place."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from napari_dip.errors import NapariDipError
from napari_dip.files.atomic_write import (
    complete_swap,
    filled_folder,
    hidden_sibling,
    swap_folder,
    translate_disk_errors,
)
from napari_dip.files.journal import Journal
from napari_dip.files.output_folder import JOURNAL, working_folder
from napari_dip.files.pyramid_arrays import copy_metadata, restore_metadata
from napari_dip.files.zarr_output_check import check_new_zarr
from napari_dip.files.zarr_writer import create_zarr, finished_attribute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from napari_dip.files.ngff import Version
    from napari_dip.image.metadata import StoredImage

__all__ = ["create_folder", "move_folder", "resume_folder"]

_METADATA = "metadata"
"""Folder within the journal: copies of the original metadata, to restore lost files."""


def create_folder(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    stored: StoredImage,
    axes: str,
    record: Mapping[str, Any],
    *,
    overwrite: bool,
    version: Version,
) -> Path:
    """Create an empty image with its journal, beside `path` if that exists; return its folder.

    Parameters and errors are those of
    :meth:`~napari_dip.files.resumable_zarr.ResumableZarr.create`.
    """
    with translate_disk_errors(path):
        complete_swap(path)
    check_new_zarr(path, overwrite)
    new = hidden_sibling(path, "new")
    shutil.rmtree(new, ignore_errors=True)  # from a killed run that is not resumed
    folder = new if path.exists() else path
    with (
        translate_disk_errors(path),
        filled_folder(folder, hidden_sibling(path, "part")) as hidden,
    ):
        create_zarr(hidden, shape, dtype, stored, axes, finished_attribute(False), version)
        Journal(hidden / JOURNAL).begin({"axes": axes, "record": record})
        copy_metadata(hidden, hidden / JOURNAL / _METADATA)
    return folder


def resume_folder(path: Path, record: Mapping[str, Any]) -> Path:
    """Check that a run has this record, restore its lost metadata, and return its folder.

    Raises
    ------
    BadSettings
        If the record differs; the message lists the differing entries.
    FileProblem
        If no run created the folder, or its journal is damaged.
    """
    with translate_disk_errors(path):
        complete_swap(path)
    folder = working_folder(path)
    Journal(folder / JOURNAL).check(record)
    with translate_disk_errors(folder):
        restore_metadata(folder, folder / JOURNAL / _METADATA)
    return folder


def move_folder(folder: Path, target: Path) -> None:
    """Move a complete image to its final place; an image there is replaced.

    Raises
    ------
    NapariDipError
        If it cannot be moved. The message names its folder.
    """
    try:
        swap_folder(folder, target)
    except OSError as error:
        raise NapariDipError(
            f"{target} could not be replaced ({error.strerror or error}); the new image is "
            f"complete in {folder}: close programs that use the old one, then --resume"
        ) from error
