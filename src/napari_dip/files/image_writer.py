"""Images into files: what a name asks for is checked, and written under it when it is whole.

A file is written under another name in the same folder and renamed when it is whole, so that
no half file ever stands under the name that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic_core import to_json

from napari_dip.errors import FileProblem, OutputExists
from napari_dip.files.atomic_write import atomic_file, check_writable
from napari_dip.files.dropped_metadata import dropped_metadata
from napari_dip.files.file_conflicts import files_behind, refuse_conflicts
from napari_dip.files.write_plan import (
    empty_copy,
    is_zarr_name,
    local_path,
    plan_write,
    possible_formats,
    write_format,
)
from napari_dip.files.zarr_output_check import check_new_zarr, check_zarr_location
from napari_dip.files.zarr_writer import write_zarr

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
    """Make sure that a name is one that :func:`write_image` can write to.

    Parameters
    ----------
    path
        The name. Nothing is left there, and what is there stays.
    dtype, axes
        Of the image. Whether its size and all that is said of it fit, :func:`plan_write` tells.
    overwrite, resume
        Whether something may be there, to be replaced or to be gone on with.

    Raises
    ------
    OutputExists
        If the file is there and `overwrite` is false.
    FileProblem
        If the folder is missing or closed, the suffix not known, or the format has no room for
        the dtype or the axes.
    """
    path = local_path(path)
    check_writable(path)
    if path.is_dir() and not is_zarr_name(path):
        raise FileProblem(f"{path} is a folder; name a file in it, such as {path / 'out.tif'}")
    if is_zarr_name(path) and resume:
        check_zarr_location(path)
    elif is_zarr_name(path):
        check_new_zarr(path, overwrite)
    elif path.exists() and not overwrite:
        raise OutputExists(f"{path} exists; choose another name, or pass --overwrite")
    possible_formats(path, np.dtype(dtype), axes)


def dropped_notes(
    path: str | Path,
    stored: StoredImage,
    dtype: DTypeLike,
    axes: str,
    factors: Mapping[str, int] | None = None,
) -> tuple[str, ...]:
    """Say what the input tells of its image and the output will not.

    Parameters
    ----------
    path
        Of the output, as for :func:`write_image`.
    stored
        What was read.
    dtype, axes, factors
        Of the result: its type, its axes, and by how much the input was refined along some.

    Returns
    -------
    tuple of str
        Sentences; empty where all is kept.

    Raises
    ------
    FileProblem
        If the result cannot be written, as :func:`plan_write` says.
    """
    settled = plan_write(path, empty_copy(stored, axes, dtype, factors))
    missing = dropped_metadata(settled.form, stored, np.dtype(dtype), factors or {})
    if not missing:
        return settled.notes
    said = f"Not kept, for want of a place in this file: {', '.join(missing)}."
    return (*settled.notes, said)


def write_image(
    path: str | Path,
    stored: StoredImage,
    *,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write an image in the format that the name asks for.

    Parameters
    ----------
    path
        ``.ome.tif`` is OME-TIFF; ``.tif`` is a hyperstack for ImageJ where its types and axes
        allow it and OME-TIFF or plain TIFF otherwise; ``.png`` takes grey and colours;
        ``.zarr`` and ``.ome.zarr`` are a folder of OME-Zarr, in which colours are channels.
    stored
        The image, its axes and pixel sizes; :meth:`StoredImage.with_image` makes it from what
        was read.
    provenance
        A record of how the image came about, which :func:`read_provenance` gives back.
    overwrite
        Whether a file that is already there may be replaced.

    Raises
    ------
    FileProblem
        As :func:`check_output` says, or if the values are still to be read from there.
    NapariDipError
        If the disk is full or the folder has gone.
    """
    path = local_path(path)
    read_later = () if isinstance(stored.image, np.ndarray) else stored.files
    refuse_conflicts({"the image": path}, [*read_later, *files_behind(stored.image)])
    check_output(path, stored.image.dtype, stored.axes, overwrite=overwrite)
    chosen, stored, _ = plan_write(path, stored)
    if chosen == "zarr":
        write_zarr(path, stored, provenance, overwrite)
        return
    # Python's own JSON would write NaN and Infinity, which JSON does not know.
    record = to_json(provenance, inf_nan_mode="null").decode() if provenance else ""
    with atomic_file(path) as partial:
        write_format(partial, chosen, stored, record)
