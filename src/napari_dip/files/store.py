"""Images in and out of files: TIFF, OME-TIFF, ImageJ's TIFF, PNG, OME-Zarr; more of them to read.

A file is written under another name in the same folder and renamed when it is whole, so that
no half file ever stands under the name that was asked for.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from pydantic_core import to_json

from napari_dip.errors import FileProblem, OutputExists
from napari_dip.files.boundary import reading, refuse_special
from napari_dip.files.durable import check_writable, renamed_when_whole
from napari_dip.files.lost import lost
from napari_dip.files.ngff import axes_in_zarr, is_zarr
from napari_dip.files.overlap import files_behind, refuse_conflicts
from napari_dip.files.picture import picture_provenance, read_picture, write_png
from napari_dip.files.series import is_pattern, read_series
from napari_dip.files.tiff import Dialect, holds, read_tiff, tiff_provenance, write_tiff
from napari_dip.files.tiff_header import COMPANION
from napari_dip.files.vendor import is_vendor, read_vendor
from napari_dip.files.zarr_target import check_target
from napari_dip.files.zarr_zip import refuse_inside_zarr, zarr_in_zip
from napari_dip.stack.marks import marked
from napari_dip.stack.observed import in_planes
from napari_dip.stack.stored import StoredImage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike, NDArray

__all__ = [
    "StoredImage",
    "StoredMask",
    "check_output",
    "is_zarr_name",
    "not_kept",
    "read_image",
    "read_mask",
    "read_provenance",
    "write_image",
]

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class StoredMask(NamedTuple):
    """A mask as read from a file: true where a pixel is missing."""

    missing: NDArray[np.bool_]
    axes: str
    notes: tuple[str, ...]


def read_image(path: str | Path, *, lazy: bool = False, series: int | None = None) -> StoredImage:
    """Read an image, its axes and its pixel sizes.

    The format is told from the content, and that of a microscope's own program (CZI, ND2, LIF …,
    with ``napari-dip[formats]``) from the name. A picture's colour table and CMYK colours
    become RGB, and a note says so. Numbers in the metadata that make no sense are ignored, and
    a note says which.

    Parameters
    ----------
    path
        A file, a folder of OME-Zarr, or a pattern such as ``frames_t*.tif`` for a series of
        files, one for each time point (or plane, if ``z`` stands before the number).
    lazy
        Whether the values of a TIFF file are read only when they are asked for, so that it may
        be larger than memory. Those of OME-Zarr and of a series always are, and those of
        pictures never.
    series
        Which image to take of a file that holds several, from 0: a series of TIFF, a scene of a
        microscope's own format, an image of OME-Zarr. ``None`` takes the first, and a note lists
        them all.

    Raises
    ------
    FileProblem
        If the file is missing, a folder, empty, damaged, in no format that is read here, has no
        image of that number, or names other files that are missing.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "cells.tif"
    >>> write_image(file, StoredImage(np.eye(8, dtype="uint16"), "YX", {"Y": 0.1, "X": 0.1}))
    >>> read_image(file).axes
    'YX'
    """
    return _checked(path, lazy=lazy, series=series)


def _checked(
    path: str | Path, *, lazy: bool, series: int | None = None, labels: bool = False
) -> StoredImage:
    """Read an image, of a picture the numbers of its colour table if `labels` are wanted."""
    path = _local(path)
    with reading(path):
        stored = _read(path, lazy=lazy, series=series, labels=labels)
    if 0 in stored.image.shape:
        raise FileProblem(f"{path} holds no values: its shape is {stored.image.shape}")
    return stored


def _read(path: Path, *, lazy: bool, series: int | None, labels: bool) -> StoredImage:
    if is_pattern(path):
        return read_series(path, partial(_checked, lazy=True, series=series, labels=labels))
    refuse_special(path)
    if is_zarr(path) or zarr_in_zip(path) is not None:
        from napari_dip.files.zarr_source import read_zarr

        return read_zarr(path, series)
    refuse_inside_zarr(path)
    if is_vendor(path):
        return read_vendor(path, series)
    if not _is_tiff(path):
        return read_picture(path, series, labels=labels)
    if not lazy:
        return read_tiff(path, series)
    from napari_dip.files.tiff_source import open_tiff

    return open_tiff(path, series)


def read_mask(path: str | Path, marks: Literal["missing", "known"] = "missing") -> StoredMask:
    """Read a mask: grey, colour or labels.

    Parameters
    ----------
    path
        An image file; colours count by their brightest channel, transparency does not count.
    marks
        What the non-zero pixels are. Labels as napari writes them mark what is ``"missing"``,
        most published masks mark what is ``"known"``.

    Returns
    -------
    StoredMask
        Of labels, whatever their dtype, all but 0 and NaN are marked; of a picture with a
        colour table its numbers are the labels. Grey levels, which antialiasing, blurring and
        JPEG leave between black and white, are cut half way between the lowest and the highest.
        A note says which.
    """
    stored = _checked(path, lazy=False, labels=True)
    values, axes = stored.whole(), stored.axes
    if axes.endswith("S"):
        values, axes = values[..., :3].max(-1), axes[:-1]
    found = marked(values != 0 if "labels" in stored.extras else values)
    missing = found.pixels if marks == "missing" else ~found.pixels
    notes = [*stored.notes, *filter(None, [found.note("It", marks)])]
    notes.append(f"{missing.mean():.1%} of the pixels are missing{in_planes(missing)}.")
    return StoredMask(missing, axes, tuple(notes))


def check_output(path: str | Path, dtype: DTypeLike, axes: str, *, overwrite: bool = False) -> None:
    """Make sure, before any work, that :func:`write_image` will be able to write.

    Raises
    ------
    OutputExists
        If the file is there and `overwrite` is false.
    FileProblem
        If the folder is missing or closed, the suffix not known, or the format has no room for
        the dtype or the axes.
    """
    path = _local(path)
    check_writable(path)
    if path.is_dir() and not is_zarr_name(path):
        raise FileProblem(f"{path} is a folder; name a file in it, such as {path / 'out.tif'}")
    if is_zarr_name(path):
        check_target(path, overwrite)
    elif path.exists() and not overwrite:
        raise OutputExists(f"{path} exists; choose another name, or pass --overwrite")
    _format(path, np.dtype(dtype), axes)


def not_kept(
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
        A sentence; empty where all is kept.
    """
    form = _format(_local(path), np.dtype(dtype), axes)
    missing = lost(form, stored, np.dtype(dtype), factors or {})
    if not missing:
        return ()
    return (f"Not kept, for want of a place in this file: {', '.join(missing)}.",)


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
    path = _local(path)
    read_later = () if isinstance(stored.image, np.ndarray) else stored.files
    refuse_conflicts({"the image": path}, [*read_later, *files_behind(stored.image)])
    check_output(path, stored.image.dtype, stored.axes, overwrite=overwrite)
    chosen = _format(path, stored.image.dtype, stored.axes)
    if chosen == "zarr":
        from napari_dip.files.zarr_whole import write_zarr

        write_zarr(path, stored, provenance, overwrite)
        return
    # Python's own JSON would write NaN and Infinity, which JSON does not know.
    record = to_json(provenance, inf_nan_mode="null").decode() if provenance else ""
    with renamed_when_whole(path) as partial:
        if chosen == "png":
            write_png(partial, stored, record)
        else:
            write_tiff(partial, stored, chosen, record)


def read_provenance(path: str | Path) -> dict[str, Any] | None:
    """Return the record that :func:`write_image` stored in a file, ``None`` without one."""
    path = _local(path)
    with reading(path):
        if is_zarr(path) or zarr_in_zip(path) is not None:
            from napari_dip.files.zarr_source import zarr_provenance

            return zarr_provenance(path)
        refuse_special(path)
        text = tiff_provenance(path) if _is_tiff(path) else picture_provenance(path)
        record = json.loads(text) if text else None
    return record if isinstance(record, dict) else None


def _local(path: str | Path) -> Path:
    """Refuse addresses, of which a path would make nonsense."""
    if re.match(r"\w{2,}:/", str(path)):  # a single letter is a drive
        raise FileProblem(f"{path} lies elsewhere; download it, or mount it as a folder")
    if "\0" in str(path):
        raise FileProblem(f"{str(path)!r} is no name of a file; check it")
    return Path(path)


def is_zarr_name(path: Path) -> bool:
    """Tell whether a name asks for a folder of OME-Zarr."""
    return path.name.lower().endswith(".zarr")


def _is_tiff(path: Path) -> bool:
    if path.name.lower().endswith(COMPANION):
        return True
    with path.open("rb") as file:
        return file.read(4) in _TIFF_STARTS


def _format(path: Path, dtype: np.dtype[Any], axes: str) -> Dialect | Literal["png", "zarr"]:
    """Choose how to write, or say why the name does not do."""
    name = path.name.lower()
    if is_zarr_name(path):
        axes_in_zarr(axes)
        return "zarr"
    tiff: tuple[Dialect, ...] = ("imagej", "ome", "shaped")
    if name.endswith((".ome.tif", ".ome.tiff")):
        if holds("ome", dtype, axes):
            return "ome"
        raise FileProblem(
            f"OME-TIFF cannot hold {dtype} with the axes {axes}; "
            f"write .tif instead of {path.name}, or pass --dtype float32"
        )
    if name.endswith((".tif", ".tiff")):
        return next(dialect for dialect in tiff if holds(dialect, dtype, axes))
    if name.endswith(".png"):
        grey = axes == "YX" and dtype in (np.bool_, np.uint8, np.uint16)
        if grey or (axes == "YXS" and dtype == np.uint8):
            return "png"
        raise FileProblem(
            f"PNG holds one grey plane of 8 or 16 bits or 8-bit colours, not {dtype} "
            f"with the axes {axes}; write .tif instead of {path.name}"
        )
    raise FileProblem(
        f"{path.name} ends in no format that is written here; "
        "end it in .tif, .ome.tif, .zarr or .png"
    )
