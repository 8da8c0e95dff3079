"""Read images, masks and provenance from files.

:mod:`napari_dip.files.image_writer` writes them; its functions can be imported from here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from napari_dip.errors import BadMask, FileProblem
from napari_dip.files.file_format import ReadOptions
from napari_dip.files.file_series import read_series
from napari_dip.files.formats import format_of_file
from napari_dip.files.glob_pattern import is_glob_pattern
from napari_dip.files.image_writer import check_output, dropped_notes, write_image
from napari_dip.files.read_errors import refuse_special_file, translate_read_errors
from napari_dip.files.write_plan import is_zarr_name, local_path
from napari_dip.files.zarr_zip import refuse_inside_zarr
from napari_dip.image.mask_values import find_marked_pixels
from napari_dip.image.metadata import StoredImage
from napari_dip.image.observed import affected_planes
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "StoredImage",
    "StoredMask",
    "check_output",
    "dropped_notes",
    "is_zarr_name",
    "read_image",
    "read_mask",
    "read_provenance",
    "write_image",
]


class StoredMask(NamedTuple):
    """A mask as read from a file; ``missing`` is true at missing pixels."""

    missing: NDArray[np.bool_]
    axes: str
    notes: tuple[str, ...]


def read_image(path: str | Path, *, lazy: bool = False, series: int | None = None) -> StoredImage:
    """Read an image, its axes and its pixel sizes.

    The content determines the format; the suffix does for vendor formats (CZI, ND2, LIF …, with
    ``napari-dip[formats]``), and for formats that are added unless they look at the content. Colour
    tables and CMYK colours become RGB, with a note. Invalid numbers in the metadata are ignored,
    with a note.

    Parameters
    ----------
    path
        A file, a folder of OME-Zarr, or a pattern such as ``frames_t*.tif`` for a series of files,
        one per time point (or plane, if ``z`` stands before the number).
    lazy
        Whether to read the values of a TIFF file only on access, so that it may be larger than
        memory. OME-Zarr and series are always lazy; PNG, JPEG and BMP never are.
    series
        Index of the image in a file with several, from 0: a TIFF series, a scene of a vendor
        format, an image of OME-Zarr. ``None`` is the first, and a note lists all.

    Raises
    ------
    FileProblem
        If the file is missing, a folder, empty, damaged, of an unknown format, has no image of that
        index, or refers to missing files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "cells.tif"
    >>> write_image(file, StoredImage(np.eye(8, dtype="uint16"), "YX", {"Y": 0.1, "X": 0.1}))
    >>> read_image(file).axes
    'YX'
    """
    return _checked(path, ReadOptions(series, lazy))


def _checked(path: str | Path, options: ReadOptions) -> StoredImage:
    """Read an image that is not empty."""
    path = local_path(path)
    with translate_read_errors(path):
        stored = _read(path, options)
    if 0 in stored.image.shape:
        raise FileProblem(f"{path} holds no values: its shape is {stored.image.shape}")
    if len(stored.channels) == len(stored.known_channels):
        return stored
    names = ", ".join(channel.name or channel.colour or "?" for channel in stored.channels)
    note = (
        f"The number of channels is {len(stored.channels)} in the metadata "
        f"({shortened(names, 60)}), but {stored.channel_count} in the image: their names and "
        "colours are not used."
    )
    return replace(stored, notes=(*stored.notes, note), channels=())


def _read(path: Path, options: ReadOptions) -> StoredImage:
    if is_glob_pattern(path):
        return read_series(path, partial(_checked, options=options._replace(lazy=True)))
    refuse_special_file(path)
    refuse_inside_zarr(path)
    stored = format_of_file(path).read(path, options)
    if options.series and stored.series != options.series:
        raise FileProblem(f"{path} holds one image; leave out series={options.series}")
    return stored


def read_mask(
    path: str | Path,
    marks: Literal["missing", "known"] = "missing",
    label: int | None = None,
) -> StoredMask:
    """Read a mask: grey, colour or labels.

    Parameters
    ----------
    path
        An image file. The brightest colour channel counts; transparency is ignored.
    marks
        Meaning of non-zero pixels: napari's labels mark ``"missing"`` pixels, most published masks
        mark ``"known"`` ones.
    label
        The only value that marks pixels; ``None`` for all but 0.

    Returns
    -------
    StoredMask
        In labels of any dtype, all values but 0 and NaN are marked. The indices of a colour table
        are labels. Grey levels, which antialiasing, blurring and JPEG cause between black and
        white, are thresholded half way between the lowest and the highest. A note tells which
        applies.
    """
    stored = _checked(path, ReadOptions(labels=True))
    values, axes = stored.whole(), stored.axes
    transparency_note = ""
    if axes.endswith("S"):
        transparency_note = _check_transparency(path, values)
        values, axes = values[..., :3].max(-1), axes[:-1]
    is_labels = "labels" in stored.extras
    marked = values != 0 if is_labels else values
    found = find_marked_pixels(marked if label is None else values == label)
    missing = found.pixels if marks == "missing" else ~found.pixels
    notes = [*stored.notes, *filter(None, [transparency_note, found.note("It", marks)])]
    notes.append(f"{missing.mean():.1%} of the pixels are missing{affected_planes(missing)}.")
    return StoredMask(missing, axes, tuple(notes))


def _check_transparency(path: str | Path, values: NDArray[Any]) -> str:
    """Return a note that transparency is ignored, if there is any.

    Raises
    ------
    BadMask
        If only the transparency of the pixels differs.
    """
    opacity, colours = values[..., 3:], values[..., :3]
    if not opacity.size or (opacity == opacity.flat[0]).all():
        return ""
    if (colours == colours[(0,) * (colours.ndim - 1)]).all():
        raise BadMask(
            f"{path} has one colour, and only its transparency differs; save it without "
            "transparency: black, and white at marked pixels"
        )
    return "Transparency is ignored: all pixels that are not black are marked."


def read_provenance(path: str | Path) -> dict[str, Any] | None:
    """Return the record that :func:`write_image` stored in a file; ``None`` without one."""
    path = local_path(path)
    with translate_read_errors(path):
        refuse_special_file(path)
        record = format_of_file(path).read_record(path)
        record = json.loads(record) if isinstance(record, str) and record else record
    return record if isinstance(record, dict) else None
