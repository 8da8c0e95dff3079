"""Read and write TIFF in three dialects: ImageJ, OME, and tifffile's own for the rest."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.declared_sizes import check_ome
from napari_dip.files.imagej_metadata import IMAGEJ_ORDER, imagej_options, in_imagej_order
from napari_dip.files.ome_companion import open_tiff_file
from napari_dip.files.ome_xml import attributes_of, ome_options, ome_record, ome_root
from napari_dip.files.read_errors import refuse_too_large, translate_read_errors
from napari_dip.files.tiff_header import find_tiff_image
from napari_dip.files.tiff_pyramid import write_pyramid
from napari_dip.files.tiff_tags import NAME
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.image.lazy import native_dtype
from napari_dip.image.metadata import StoredImage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import DTypeLike

__all__ = [
    "Dialect",
    "can_hold",
    "in_order_of",
    "read_tiff",
    "record_in",
    "refuse_incomplete",
    "tiff_provenance",
    "write_tiff",
]

Dialect = Literal["imagej", "ome", "pyramid", "shaped"]
"""Forms of TIFF; ``"pyramid"`` is OME-TIFF with smaller copies."""

MAX_CLASSIC_TIFF_BYTES = 2**32 - 2**26
"""Bytes of values in a TIFF with 32-bit offsets, which leaves room for the metadata."""

_ORIENTATION_TAG = 274  # the number of the tag


def read_tiff(path: Path, number: int | None = None) -> StoredImage:
    """Read an image of a TIFF file, with its axes and pixel sizes.

    Parameters
    ----------
    path
        The TIFF file, or an OME companion file.
    number
        Index of the image in the file, from 0; ``None`` is the first, and a note lists all.

    Raises
    ------
    FileProblem
        If the file is damaged, holds no such image, or has an unknown compression.
    """
    with (
        translate_read_errors(path),
        collect_tiff_warnings() as messages,
        open_tiff_file(path) as tif,
    ):
        found = find_tiff_image(path, tif, number, messages)
        series, axes, header = found.series, found.axes, found.header
        noticed = len(messages)
        refuse_too_large(path, series.nbytes)
        # Read in one thread, since messages are collected per thread.
        image = series.asarray(maxworkers=1)
    refuse_incomplete(path, messages)
    if image.shape != series.shape:
        raise FileProblem(
            _incomplete(path, f"it holds {image.shape} values instead of {series.shape}")
        )
    for samples in "sS":
        if samples in axes:  # colours become the last axis, channels the first
            colours = samples == "S"
            image = np.moveaxis(image, axes.index(samples), -1 if colours else 0)
            rest = axes.replace(samples, "")
            axes = rest + "S" if colours else ("Q" if "C" in rest else "C") + rest
    image = np.ascontiguousarray(image, native_dtype(image.dtype))
    return StoredImage(
        image,
        axes,
        **header._replace(notes=(*header.notes, *messages[noticed:]))._asdict(),
        files=(path,) if found.alone else (),
        series=int(number or 0),
    )


def write_tiff(
    file: Path | IO[bytes], stored: StoredImage, dialect: Dialect, provenance: str
) -> None:
    """Write an image and a record in a dialect that can hold them (see :func:`can_hold`).

    An ImageJ file has one directory for all its planes if it is large: ImageJ's own form of files
    with more than 4 GB, which it reads by the number of images in the description.
    """
    stored = in_order_of(dialect, stored)
    write = {"imagej": imagej_options, "shaped": _shaped_options}.get(dialect, ome_options)
    kept = stored.extras.get("tiff", {})
    options: dict[str, Any] = {"photometric": kept.get("photometric", "minisblack")}
    if "S" in stored.axes:
        options["photometric"] = "rgb"
        if len(kept.get("extrasamples", ())) == stored.image.shape[-1] - 3:
            options["extrasamples"] = kept.get("extrasamples")
    if "orientation" in kept:
        options["extratags"] = [(_ORIENTATION_TAG, "H", 1, kept["orientation"], True)]
    if dialect == "imagej" and math.prod(stored.image.shape) * stored.image.dtype.itemsize > (
        MAX_CLASSIC_TIFF_BYTES
    ):
        options["truncate"] = True
    options |= write(stored, provenance)
    if dialect == "pyramid":
        write_pyramid(file, stored.whole(), options, colours="S" in stored.axes)
    else:
        tifffile.imwrite(file, stored.whole(), **options)


def can_hold(dialect: Dialect, dtype: DTypeLike, axes: str) -> bool:
    """Return whether a dialect can hold a dtype and axes, by writing a tiny image."""
    if dialect == "shaped":
        return True
    imagej = dialect == "imagej"
    axes = "".join(sorted(axes, key=IMAGEJ_ORDER.find)) if imagej else _planes_last(axes)
    tiny = np.zeros([3 if axis == "S" else 2 for axis in axes], dtype)
    photometric = "rgb" if "S" in axes else "minisblack"
    try:
        tifffile.imwrite(
            io.BytesIO(),
            tiny,
            photometric=photometric,
            imagej=imagej,
            ome=dialect == "ome",
            metadata={"axes": axes},
        )
    except (ValueError, tifffile.OmeXmlError):
        return False
    return True


def in_order_of(dialect: str, stored: StoredImage) -> StoredImage:
    """Return an image with its axes in the order that a dialect needs.

    Examples
    --------
    >>> in_order_of("ome", StoredImage(np.zeros((5, 8, 9, 2)), "TYXC")).axes
    'TCYX'
    """
    if dialect == "imagej":
        return in_imagej_order(stored)
    axes = _planes_last(stored.axes)
    if dialect == "shaped" or axes == stored.axes:
        return stored
    order = [stored.axes.index(letter) for letter in axes]
    return replace(stored, image=np.transpose(stored.whole(), order), axes=axes)


def _planes_last(axes: str) -> str:
    """Move Y and X to the end, before colours; OME-TIFF has no other order."""
    return "".join(sorted(axes, key="YXS".find)) if len({*axes}) == len(axes) else axes


def tiff_provenance(path: Path) -> str | None:
    """Return the JSON text that :func:`write_tiff` stored; ``None`` without one."""
    with translate_read_errors(path), collect_tiff_warnings(), tifffile.TiffFile(path) as tif:
        check_ome(path, tif)
        return record_in(tif)


def record_in(tif: tifffile.TiffFile) -> str | None:
    """Return the JSON text that :func:`write_tiff` stored in an open file; ``None`` without one."""
    if (root := ome_root(tif.ome_metadata)) is not None:
        return ome_record(root)
    if tif.imagej_metadata:
        for line in str(tif.imagej_metadata.get("Info", "")).splitlines():
            if line.startswith(f"{NAME}: "):
                return line.removeprefix(f"{NAME}: ")
    shaped = tif.shaped_metadata or ({},)
    found = shaped[0].get(NAME)
    return None if found is None else str(found)


def refuse_incomplete(path: Path, messages: list[str]) -> None:
    """Raise :class:`FileProblem` if tifffile reported pages outside the file."""
    if any(re.search("invalid .*offset|corrupted", one) for one in messages):
        raise FileProblem(_incomplete(path, messages[0]))


def _incomplete(path: Path, reason: object) -> str:
    return f"{path} is damaged or incomplete ({reason}); copy it again from its source"


def _shaped_options(stored: StoredImage, provenance: str) -> dict[str, Any]:
    entries = {
        "Name": stored.name,
        "AcquisitionDate": stored.acquired,
        "TimeStamps": [*stored.known_times],
        "ChannelNames": [channel.name for channel in stored.known_channels],
        "ChannelColours": [channel.colour for channel in stored.known_channels],
        NAME: provenance,
    }
    known = {key: value for key, value in entries.items() if value}
    return {"metadata": {"axes": stored.axes} | attributes_of(stored) | known}
