"""Choose the format of an output, and test in memory that it can be written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.formats import format_of_name
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import DTypeLike

    from napari_dip.files.file_format import FileFormat
    from napari_dip.image.metadata import StoredImage

__all__ = [
    "WritePlan",
    "empty_copy",
    "is_zarr_name",
    "local_path",
    "plan_write",
]


class WritePlan(NamedTuple):
    """How an image will be written.

    Parameters
    ----------
    form
        The format.
    dialect
        Its dialect.
    stored
        The image, with only the metadata that can be written.
    notes
        Sentences about the metadata that are dropped.
    """

    form: FileFormat
    dialect: str
    stored: StoredImage
    notes: tuple[str, ...] = ()


def empty_copy(
    stored: StoredImage,
    axes: str,
    dtype: DTypeLike,
    factors: Mapping[str, int] | None = None,
) -> StoredImage:
    """Return an image of zeros with the shape of a result; it needs no memory.

    Parameters
    ----------
    stored
        The image as read.
    axes, dtype, factors
        Axes and dtype of the result, and its refinement factors by axis.

    Examples
    --------
    >>> from napari_dip.image.metadata import StoredImage
    >>> large = StoredImage(np.zeros((4, 10, 10)), "ZYX")
    >>> empty_copy(large, "ZYX", "uint8", {"Y": 2, "X": 2}).image.shape
    (4, 20, 20)
    """
    factors = factors or {}
    shape = [
        size * factors.get(letter, 1) for letter, size in zip(axes, stored.image.shape, strict=True)
    ]
    return stored.with_image(np.broadcast_to(np.zeros((), dtype), shape), axes, factors)


def plan_write(path: str | Path, stored: StoredImage, *, pyramid: bool = False) -> WritePlan:
    """Choose the format and the metadata of an output, by writing a test image to memory.

    :func:`write_image` follows this plan, so that only the disk can make it fail.

    Parameters
    ----------
    path
        As for :func:`write_image`; nothing is written there.
    stored
        The image, or an :func:`empty_copy`; its values are not read.
    pyramid
        Whether smaller copies of the image are written too.

    Raises
    ------
    FileProblem
        If the suffix is unknown, or the format cannot hold the dtype, the axes, the size or a
        pyramid.

    Examples
    --------
    >>> from napari_dip.image.metadata import StoredImage
    >>> plan_write("a.tif", StoredImage(np.zeros((4, 8, 8), "uint16"), "ZYX")).dialect
    'imagej'
    >>> plan_write("a.tif", StoredImage(np.zeros((4, 8, 8), "int64"), "ZYX")).dialect
    'shaped'
    """
    path = local_path(path)
    image = stored.image
    problem: Exception | None = None
    form = format_of_name(path)
    dialects = form.dialects(path.name, image.dtype, stored.axes, image.shape)
    for dialect in form.pyramidal(path.name, dialects) if pyramid else dialects:
        for kept, dropped in _metadata_levels(stored):
            try:
                form.test_write(dialect, kept)
            except Exception as error:  # noqa: BLE001 - the write would raise the same error later
                problem = problem or error
                continue
            note = f"{dropped} cannot be written and are dropped ({shortened(problem)})."
            return WritePlan(form, dialect, kept, (note,) if dropped else ())
    raise FileProblem(
        f"{path} cannot hold this image ({shortened(problem)}); choose another format, such as "
        "OME-Zarr"
    ) from problem


def local_path(path: str | Path) -> Path:
    """Convert to a path; refuse URLs and invalid names.

    Raises
    ------
    FileProblem
        If the name is a URL or contains a null character.
    """
    if re.match(r"\w{2,}:/", str(path)):  # a single letter is a drive
        raise FileProblem(f"{path} is not a local file; download it, or mount it as a folder")
    if "\0" in str(path):
        raise FileProblem(f"{str(path)!r} is not a valid file name; check it")
    return Path(path)


def is_zarr_name(path: Path) -> bool:
    """Return whether a name means a folder of OME-Zarr."""
    return path.name.lower().endswith(".zarr")


def _metadata_levels(stored: StoredImage) -> Iterator[tuple[StoredImage, str]]:
    """Yield the image with all, fewer and no metadata, each with the name of what is dropped.

    The version of OME-Zarr is always kept.
    """
    yield stored, ""
    version = stored.extras.get("ngff", {}).get("version")
    kept = {"ngff": {"version": version}} if version else {}
    plain = replace(stored, extras=kept, channels=())
    if dict(stored.extras) != kept or stored.channels:
        names = sorted({*stored.extras, *(["channels"] if stored.channels else [])})
        yield plain, f"Metadata other than pixel sizes ({', '.join(names)})"
    if stored.pixel_size or stored.translate or stored.unit:
        bare = replace(plain, pixel_size={}, unit={}, translate={})
        yield bare, "Pixel sizes and all other metadata"
