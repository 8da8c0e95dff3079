"""What a file will be written as: settled, and tried in memory, before the work begins."""

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
from napari_dip.files.tiff import Dialect, can_hold, record_in, refuse_cut_short, write_tiff
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

_TRIED = 2**22
"""Bytes up to which a trial has the size of the result; a larger one is cut in Y and X."""

_SMALL_SIDE = 8
_CLASSIC = 2**32 - 2**26
"""Bytes of values that a TIFF of 32-bit addresses has room for, beside what is said of them."""

_MOST_SIDE = 2**31 - 1
_RECORD = '{"napari-dip": "0", "settings": {"noise": "σ < 5 & \\"µ\\""}}'
"""A record to try with: it has all the kinds of letters that there may be."""


class WritePlan(NamedTuple):
    """How an image will be written.

    Parameters
    ----------
    form
        The format.
    stored
        The image, with no more metadata than can be written.
    notes
        What is left out, in whole sentences.
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
    """Make an image of zeros that takes no memory, as a result of what was read would be.

    Parameters
    ----------
    stored
        What was read.
    axes, dtype, factors
        Of the result: its axes and type, and by how much the input was refined along some.

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
    """Choose the format and the metadata to write, by writing an image into memory.

    :func:`write_image` writes what this says, so that it fails over nothing but the disk.

    Parameters
    ----------
    path
        As for :func:`write_image`; nothing is written there.
    stored
        The image, or a :func:`empty_copy` one; its values are not looked at.

    Raises
    ------
    FileProblem
        If the suffix is not known, or the format has no room for the dtype, the axes or the size.

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
        for kept, what in _less_and_less(stored):
            try:
                _try(form, kept)
            except Exception as error:  # noqa: BLE001 - whatever it is, it would be raised later
                problem = problem or error
                continue
            left_out = f"{what} cannot be written there, and left out ({shortened(problem)})."
            return WritePlan(form, kept, (left_out,) if what else ())
    raise FileProblem(
        f"{path} cannot hold this image ({shortened(problem)}); choose another format, such as "
        "OME-Zarr"
    ) from problem


def local_path(path: str | Path) -> Path:
    """Refuse addresses, of which a path would make nonsense."""
    if re.match(r"\w{2,}:/", str(path)):  # a single letter is a drive
        raise FileProblem(f"{path} lies elsewhere; download it, or mount it as a folder")
    if "\0" in str(path):
        raise FileProblem(f"{str(path)!r} is no name of a file; check it")
    return Path(path)


def is_zarr_name(path: Path) -> bool:
    """Tell whether a name asks for a folder of OME-Zarr."""
    return path.name.lower().endswith(".zarr")


def possible_formats(
    path: Path, dtype: np.dtype[Any], axes: str, shape: tuple[int, ...] = ()
) -> tuple[Format, ...]:
    """List the formats that a name asks for, the best first, or say why the name does not do."""
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
        # ImageJ's dialect has no larger addresses.
        large = math.prod(shape) * dtype.itemsize > _CLASSIC
        return tuple(one for one in tiff[large:] if can_hold(one, dtype, axes))
    if name.endswith(".png"):
        grey = axes == "YX" and dtype in (np.bool_, np.uint8, np.uint16)
        if not grey and not (axes == "YXS" and dtype == np.uint8):
            raise FileProblem(
                f"PNG holds one grey plane of 8 or 16 bits or 8-bit colours, not {dtype} "
                f"with the axes {axes}; write .tif instead of {path.name}"
            )
        if max(shape, default=0) > _MOST_SIDE:
            raise FileProblem(
                f"PNG has no room for {' x '.join(map(str, shape))} pixels; "
                f"write .tif instead of {path.name}"
            )
        return ("png",)
    raise FileProblem(
        f"{path.name} ends in no format that is written here; "
        "end it in .tif, .ome.tif, .zarr or .png"
    )


def _less_and_less(stored: StoredImage) -> Iterator[tuple[StoredImage, str]]:
    """Give an image with all that is said of it, with less, and with nothing; and what is missing.

    The version of OME-Zarr is no description of the image, and stays.
    """
    yield stored, ""
    version = stored.extras.get("ngff", {}).get("version")
    kept = {"ngff": {"version": version}} if version else {}
    plain = replace(stored, extras=kept, channels=())
    if dict(stored.extras) != kept or stored.channels:
        names = sorted({*stored.extras, *(["channels"] if stored.channels else [])})
        yield plain, f"What the input says beside its pixel sizes ({', '.join(names)})"
    if stored.pixel_size or stored.translate or stored.unit:
        bare = replace(plain, pixel_size={}, unit={}, translate={})
        yield bare, "Pixel sizes and all else that the input says"


def _try(form: Format, stored: StoredImage) -> None:
    """Write an image of that shape into memory, and read it.

    Raises
    ------
    Exception
        Whatever the writers and readers raise, or if something else is read.
    """
    shape, dtype = stored.image.shape, stored.image.dtype
    if form == "zarr":
        said = finished_attribute(True)
        version = version_of(stored)
        create_zarr(MemoryStore(), shape, dtype, stored, stored.axes, said, version)
        return
    if math.prod(shape) * dtype.itemsize > _TRIED:
        shape = tuple(
            min(size, _SMALL_SIDE) if letter in "YX" else size
            for letter, size in zip(stored.axes, shape, strict=True)
        )
    values = np.resize(np.arange(251), shape).astype(dtype)  # of a few samples none is lost
    tried = replace(stored, image=values)
    file = io.BytesIO()
    write_format(file, form, tried, _RECORD)
    if form == "png":
        return
    file.seek(0)
    with collect_tiff_warnings() as messages, tifffile.TiffFile(file) as tif:
        series = tif.series[0]
        same = series.size == values.size and series.dtype.newbyteorder("=") == dtype
        if not same or not np.array_equal(series.asarray(maxworkers=1).ravel(), values.ravel()):
            raise NapariDipError(f"it would be read as another image of {series.dtype}")
        if record_in(tif) != _RECORD:
            raise NapariDipError("its metadata could not be read again")
    refuse_cut_short(Path("it"), messages)


def write_format(file: IO[bytes] | Path, form: Format, stored: StoredImage, record: str) -> None:
    """Write to a file in one of the formats but OME-Zarr, which is no file."""
    if form == "png":
        write_png(file, stored, record)
    elif form != "zarr":
        write_tiff(file, stored, form, record)
