"""Check the output of an image, and write it.

A file is written under a hidden name in the same folder and renamed when it is complete, so that no
incomplete file has the requested name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem, OutputExists
from napari_dip.files.atomic_write import check_writable
from napari_dip.files.file_conflicts import files_behind, refuse_conflicts
from napari_dip.files.formats import format_of_name
from napari_dip.files.write_plan import (
    empty_copy,
    is_zarr_name,
    local_path,
    plan_write,
)
from napari_dip.files.zarr_output_check import check_new_zarr, check_zarr_location

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import DTypeLike

    from napari_dip.image.metadata import StoredImage

__all__ = ["check_output", "dropped_notes", "write_image"]


def check_output(
    path: str | Path,
    dtype: DTypeLike,
    axes: str,
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> None:
    """Check that :func:`write_image` can write to a path.

    Parameters
    ----------
    path
        The output. Nothing is left there, and an existing file is unchanged.
    dtype, axes
        Of the image. :func:`plan_write` checks its size and metadata.
    overwrite, resume
        Whether an existing output may be replaced, or resumed.

    Raises
    ------
    OutputExists
        If the output exists and `overwrite` is false.
    FileProblem
        If the folder is missing or not writable, the suffix is unknown, or the format cannot hold
        the dtype or the axes.
    """
    path = local_path(path)
    check_writable(path)
    if path.is_dir() and not is_zarr_name(path):
        raise FileProblem(f"{path} is a folder; give a file in it, such as {path / 'out.tif'}")
    if is_zarr_name(path) and resume:
        check_zarr_location(path)
    elif is_zarr_name(path):
        check_new_zarr(path, overwrite)
    elif path.exists() and not overwrite:
        raise OutputExists(f"{path} exists; choose another name, or pass --overwrite")
    format_of_name(path).dialects(path.name, np.dtype(dtype), axes, ())


def dropped_notes(
    path: str | Path,
    stored: StoredImage,
    dtype: DTypeLike,
    axes: str,
    factors: Mapping[str, int] | None = None,
    *,
    pyramid: bool = False,
) -> tuple[str, ...]:
    """Describe the metadata of the input that the output will not hold.

    Parameters
    ----------
    path
        Output, as for :func:`write_image`.
    stored
        The image as read.
    dtype, axes, factors
        Dtype and axes of the result, and its refinement factors by axis.
    pyramid
        As for :func:`write_image`.

    Returns
    -------
    tuple of str
        Sentences; empty if everything is kept.

    Raises
    ------
    FileProblem
        If the result cannot be written, as for :func:`plan_write`.
    """
    plan = plan_write(path, empty_copy(stored, axes, dtype, factors), pyramid=pyramid)
    notes = [*plan.notes]
    if missing := plan.form.dropped(plan.dialect, stored, np.dtype(dtype), factors or {}):
        notes.append(f"Not kept, since the format cannot hold it: {', '.join(missing)}.")
    levels = stored.extras.get("tiff", {}).get("levels", 1)
    if levels > 1 and plan.dialect not in ("pyramid", "zarr"):
        notes.append(
            f"{levels - 1} smaller copies of each plane are not written; --pyramid, in Python "
            "pyramid=True, writes them to an .ome.tif."
        )
    return tuple(notes)


def write_image(
    path: str | Path,
    stored: StoredImage,
    *,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    pyramid: bool = False,
) -> None:
    """Write an image in the format of the suffix.

    Parameters
    ----------
    path
        ``.ome.tif`` is OME-TIFF. ``.tif`` is an ImageJ hyperstack if dtype and axes allow it,
        otherwise OME-TIFF or plain TIFF. ``.png`` holds grey and colour images. ``.zarr`` and
        ``.ome.zarr`` are a folder of OME-Zarr, in which colours are channels.
    stored
        The image, its axes and pixel sizes; :meth:`StoredImage.with_image` makes it from the input.
    provenance
        A record of how the image was made; :func:`read_provenance` returns it.
    overwrite
        Whether an existing output may be replaced.
    pyramid
        Whether to write smaller copies of each plane too, for viewers of large images: into
        ``.ome.tif``. OME-Zarr always has them.

    Raises
    ------
    FileProblem
        As for :func:`check_output`, or if the values are still to be read from the output.
    NapariDipError
        If the disk is full or the folder was removed.
    """
    path = local_path(path)
    sources = () if isinstance(stored.image, np.ndarray) else stored.files
    refuse_conflicts({"the image": path}, [*sources, *files_behind(stored.image)])
    check_output(path, stored.image.dtype, stored.axes, overwrite=overwrite)
    plan = plan_write(path, stored, pyramid=pyramid)
    plan.form.save(path, plan.dialect, plan.stored, provenance, overwrite)
