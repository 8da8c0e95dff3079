"""Choose the format of an output, and test in memory that it can be written."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import tifffile
from zarr.storage import MemoryStore

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.ngff import axes_in_zarr, version_of
from napari_dip.files.png_jpeg import write_png
from napari_dip.files.tiff import Dialect, can_hold, record_in, refuse_incomplete, write_tiff
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.files.zarr_writer import create_zarr, finished_attribute
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import DTypeLike

    from napari_dip.image.metadata import StoredImage

__all__ = [
    "WritePlan",
    "empty_copy",
    "is_zarr_name",
    "local_path",
    "plan_write",
    "possible_formats",
    "write_format",
]

Format = Dialect | Literal["png", "zarr"]

MAX_TEST_BYTES = 2**22
"""Bytes up to which the test image has full size; a larger one is cropped along Y and X."""

TEST_SIDE = 8  # pixels: side of a cropped test image along Y and X
MAX_CLASSIC_TIFF_BYTES = 2**32 - 2**26
"""Bytes of values in a TIFF with 32-bit offsets, which leaves room for the metadata."""

MAX_PNG_SIDE = 2**31 - 1  # pixels: limit of the PNG format
_TEST_RECORD = '{"napari-dip": "0", "settings": {"noise": "σ < 5 & \\"µ\\""}}'
"""A test record with characters that need escaping."""


class WritePlan(NamedTuple):
    """How an image will be written.

    Parameters
    ----------
    form
        The format.
    stored
        The image, with only the metadata that can be written.
    notes
        Sentences about the metadata that are dropped.
    """

    form: Format
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


def plan_write(path: str | Path, stored: StoredImage) -> WritePlan:
    """Choose the format and the metadata of an output, by writing a test image to memory.

    :func:`write_image` follows this plan, so that only the disk can make it fail.

    Parameters
    ----------
    path
        As for :func:`write_image`; nothing is written there.
    stored
        The image, or an :func:`empty_copy`; its values are not read.

    Raises
    ------
    FileProblem
        If the suffix is unknown, or the format cannot hold the dtype, the axes or the size.

    Examples
    --------
    >>> from napari_dip.image.metadata import StoredImage
    >>> plan_write("a.tif", StoredImage(np.zeros((4, 8, 8), "uint16"), "ZYX")).form
    'imagej'
    >>> plan_write("a.tif", StoredImage(np.zeros((4, 8, 8), "int64"), "ZYX")).form
    'shaped'
    """
    path = local_path(path)
    image = stored.image
    problem: Exception | None = None
    for form in possible_formats(path, image.dtype, stored.axes, image.shape):
        for kept, dropped in _metadata_levels(stored):
            try:
                _test_write(form, kept)
            except Exception as error:  # noqa: BLE001 - the write would raise the same error later
                problem = problem or error
                continue
            note = f"{dropped} cannot be written and are dropped ({shortened(problem)})."
            return WritePlan(form, kept, (note,) if dropped else ())
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


def possible_formats(
    path: Path, dtype: np.dtype[Any], axes: str, shape: tuple[int, ...] = ()
) -> tuple[Format, ...]:
    """List the formats that a file name allows, best first.

    Raises
    ------
    FileProblem
        If no format of this name can hold the image, or the suffix is unknown.
    """
    name = path.name.lower()
    if is_zarr_name(path):
        axes_in_zarr(axes)
        return ("zarr",)
    if name.endswith((".ome.tif", ".ome.tiff")):
        if can_hold("ome", dtype, axes):
            return ("ome",)
        raise FileProblem(
            f"OME-TIFF cannot hold {dtype} with the axes {axes}; "
            f"write .tif instead of {path.name}, or pass --dtype float32"
        )
    if name.endswith((".tif", ".tiff")):
        tiff: tuple[Dialect, ...] = ("imagej", "ome", "shaped")
        # ImageJ's dialect has 32-bit offsets only.
        large = math.prod(shape) * dtype.itemsize > MAX_CLASSIC_TIFF_BYTES
        return tuple(one for one in tiff[large:] if can_hold(one, dtype, axes))
    if name.endswith(".png"):
        grey = axes == "YX" and dtype in (np.bool_, np.uint8, np.uint16)
        if not grey and not (axes == "YXS" and dtype == np.uint8):
            raise FileProblem(
                f"PNG holds one grey plane of 8 or 16 bits or 8-bit colours, not {dtype} "
                f"with the axes {axes}; write .tif instead of {path.name}"
            )
        if max(shape, default=0) > MAX_PNG_SIDE:
            raise FileProblem(
                f"PNG cannot hold {' x '.join(map(str, shape))} pixels; "
                f"write .tif instead of {path.name}"
            )
        return ("png",)
    raise FileProblem(
        f"{path.name} has no known suffix for writing; end it in .tif, .ome.tif, .zarr or .png"
    )


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


def _test_write(form: Format, stored: StoredImage) -> None:
    """Write an image of that shape to memory, and read it back.

    Raises
    ------
    Exception
        Any error of the writers and readers, or if the image read back differs.
    """
    shape, dtype = stored.image.shape, stored.image.dtype
    if form == "zarr":
        finished = finished_attribute(True)
        version = version_of(stored)
        create_zarr(MemoryStore(), shape, dtype, stored, stored.axes, finished, version)
        return
    if math.prod(shape) * dtype.itemsize > MAX_TEST_BYTES:
        shape = tuple(
            min(size, TEST_SIDE) if letter in "YX" else size
            for letter, size in zip(stored.axes, shape, strict=True)
        )
    values = np.resize(np.arange(251), shape).astype(dtype)  # 251 is prime, so that planes differ
    test_image = replace(stored, image=values)
    file = io.BytesIO()
    write_format(file, form, test_image, _TEST_RECORD)
    if form == "png":
        return
    file.seek(0)
    with collect_tiff_warnings() as messages, tifffile.TiffFile(file) as tif:
        series = tif.series[0]
        same_form = series.size == values.size and series.dtype.newbyteorder("=") == dtype
        if not same_form or not np.array_equal(
            series.asarray(maxworkers=1).ravel(), values.ravel()
        ):
            raise NapariDipError(f"it would be read back as a different image of {series.dtype}")
        if record_in(tif) != _TEST_RECORD:
            raise NapariDipError("its metadata could not be read back")
    refuse_incomplete(Path("it"), messages)


def write_format(file: IO[bytes] | Path, form: Format, stored: StoredImage, record: str) -> None:
    """Write to a file in any format but OME-Zarr, which is a folder."""
    if form == "png":
        write_png(file, stored, record)
    elif form != "zarr":
        write_tiff(file, stored, form, record)
