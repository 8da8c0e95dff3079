"""The table of file formats."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
import tifffile
from zarr.storage import MemoryStore

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.extensions import load_extensions
from napari_dip.files.dropped_metadata import dropped_metadata
from napari_dip.files.file_format import FileFormat, ReadOptions
from napari_dip.files.ngff import axes_in_zarr, is_zarr, version_of
from napari_dip.files.ome_companion import is_companion
from napari_dip.files.png_jpeg import png_provenance, read_png_jpeg, write_png
from napari_dip.files.tiff import (
    Dialect,
    can_hold,
    in_order_of,
    read_tiff,
    record_in,
    refuse_incomplete,
    tiff_provenance,
    write_tiff,
)
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.files.vendor_formats import (
    VENDOR_SUFFIXES,
    is_vendor_file,
    read_vendor_file,
)
from napari_dip.files.zarr_writer import create_zarr, finished_attribute, write_zarr
from napari_dip.files.zarr_zip import is_zarr_zip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_dip.image.metadata import StoredImage

__all__ = ["add_format", "format_of_file", "format_of_name", "readable_suffixes"]

MAX_IMAGEJ_PLANE_BYTES = 2**31 - 1  # bytes: a plane is a Java array in ImageJ
MAX_PNG_SIDE = 2**31 - 1  # pixels: limit of the PNG format
_ONLY_READ = (".jpg", ".jpeg", ".bmp", ".zarr.zip", ".ozx")
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class _OwnMetadata(FileFormat):
    """A format whose metadata :mod:`napari_dip.files.dropped_metadata` knows."""

    def dropped(
        self, dialect: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
    ) -> Sequence[str]:
        return dropped_metadata(dialect, stored, dtype, factors)


class Zarr(_OwnMetadata):
    """OME-Zarr, a folder, or zipped; colours are channels."""

    suffixes = (".zarr",)

    def recognises(self, path: Path) -> bool:
        return is_zarr(path) or is_zarr_zip(path)

    def read(self, path: Path, options: ReadOptions) -> StoredImage:
        from napari_dip.files.zarr_reader import read_zarr

        return read_zarr(path, options.series)

    def read_record(self, path: Path) -> Mapping[str, Any] | None:
        from napari_dip.files.zarr_reader import zarr_provenance

        return zarr_provenance(path)

    def dialects(
        self, name: str, dtype: np.dtype[Any], axes: str, shape: tuple[int, ...]
    ) -> Sequence[str]:
        axes_in_zarr(axes)
        return ("zarr",)

    def pyramidal(self, name: str, dialects: Sequence[str]) -> Sequence[str]:
        return dialects

    def test_write(self, dialect: str, stored: StoredImage) -> None:
        shape, dtype = stored.image.shape, stored.image.dtype
        finished = finished_attribute(True)
        version = version_of(stored)
        create_zarr(MemoryStore(), shape, dtype, stored, stored.axes, finished, version)

    def save(
        self,
        path: Path,
        dialect: str,
        stored: StoredImage,
        provenance: Mapping[str, Any] | None,
        overwrite: bool,
    ) -> None:
        write_zarr(path, stored, provenance, overwrite)


class Vendor(FileFormat):
    """The formats of microscope vendors, by bioio; they are only read."""

    def recognises(self, path: Path) -> bool:
        return is_vendor_file(path)

    def read(self, path: Path, options: ReadOptions) -> StoredImage:
        return read_vendor_file(path, options.series)


class Tiff(_OwnMetadata):
    """TIFF in three dialects: ImageJ, OME, and tifffile's own for the rest."""

    suffixes = (".tif", ".tiff", ".ome.tif", ".ome.tiff")

    def recognises(self, path: Path) -> bool:
        if path.is_file() and is_companion(path):
            return True
        with path.open("rb") as file:
            return file.read(4) in _TIFF_STARTS

    def read(self, path: Path, options: ReadOptions) -> StoredImage:
        if not options.lazy:
            return read_tiff(path, options.series)
        from napari_dip.files.lazy_tiff import open_lazy_tiff

        return open_lazy_tiff(path, options.series)

    def read_record(self, path: Path) -> str | None:
        return tiff_provenance(path)

    def dialects(
        self, name: str, dtype: np.dtype[Any], axes: str, shape: tuple[int, ...]
    ) -> Sequence[Dialect]:
        if name.lower().endswith((".ome.tif", ".ome.tiff")):
            if can_hold("ome", dtype, axes):
                return ("ome",)
            raise FileProblem(
                f"OME-TIFF cannot hold {dtype} with the axes {axes}; "
                f"write .tif instead of {name}, or pass --dtype float32"
            )
        dialects: tuple[Dialect, ...] = ("imagej", "ome", "shaped")
        sizes = zip(axes, shape, strict=True) if shape else ()
        plane = math.prod(size for axis, size in sizes if axis in "YXS") * dtype.itemsize
        large = plane > MAX_IMAGEJ_PLANE_BYTES
        return tuple(one for one in dialects[large:] if can_hold(one, dtype, axes))

    def pyramidal(self, name: str, dialects: Sequence[str]) -> Sequence[str]:
        return ("pyramid",) if dialects == ("ome",) else super().pyramidal(name, dialects)

    def dropped(
        self, dialect: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
    ) -> Sequence[str]:
        return super().dropped("ome" if dialect == "pyramid" else dialect, stored, dtype, factors)

    def write(self, file: IO[bytes], dialect: str, stored: StoredImage, record: str) -> None:
        write_tiff(file, stored, cast("Dialect", dialect), record)

    def verify(self, file: IO[bytes], stored: StoredImage, record: str) -> None:
        with collect_tiff_warnings() as messages, tifffile.TiffFile(file) as tif:
            series = tif.series[0]
            dialect = "imagej" if tif.is_imagej else "ome" if tif.is_ome else "shaped"
            values = in_order_of(dialect, stored).whole()
            same = series.size == values.size and series.dtype.newbyteorder("=") == values.dtype
            if not same or not np.array_equal(series.asarray(maxworkers=1).ravel(), values.ravel()):
                raise NapariDipError(
                    f"it would be read back as a different image of {series.dtype}"
                )
            if record_in(tif) != record:
                raise NapariDipError("its metadata could not be read back")
        refuse_incomplete(Path("it"), messages)


class Raster(_OwnMetadata):
    """PNG, JPEG and BMP; only PNG is written. It is last: its reader refuses any other file."""

    suffixes = (".png",)

    def recognises(self, path: Path) -> bool:
        return True

    def read(self, path: Path, options: ReadOptions) -> StoredImage:
        return read_png_jpeg(path, options.series, labels=options.labels)

    def read_record(self, path: Path) -> str | None:
        return png_provenance(path)

    def dialects(
        self, name: str, dtype: np.dtype[Any], axes: str, shape: tuple[int, ...]
    ) -> Sequence[str]:
        grey = axes == "YX" and dtype in (np.bool_, np.uint8, np.uint16)
        if not grey and not (axes == "YXS" and dtype == np.uint8):
            raise FileProblem(
                f"PNG holds one grey plane of 8 or 16 bits or 8-bit colours, not {dtype} "
                f"with the axes {axes}; write .tif instead of {name}"
            )
        if max(shape, default=0) > MAX_PNG_SIDE:
            raise FileProblem(
                f"PNG cannot hold {' x '.join(map(str, shape))} pixels; "
                f"write .tif instead of {name}"
            )
        return ("png",)

    def write(self, file: IO[bytes], dialect: str, stored: StoredImage, record: str) -> None:
        write_png(file, stored, record)


_FORMATS: list[FileFormat] = [Zarr(), Vendor(), Tiff(), Raster()]


def add_format(added: FileFormat) -> None:
    """Add a file format, which is tried before all others.

    Parameters
    ----------
    added
        The format. See ``docs/architecture.md``.
    """
    _FORMATS.insert(0, added)


def readable_suffixes() -> tuple[str, ...]:
    """Return the ends of names, in lower case, of the files that can be read."""
    load_extensions()
    known = {suffix for each in _FORMATS for suffix in each.suffixes}
    return tuple(sorted(known | {*VENDOR_SUFFIXES, *_ONLY_READ}))


def format_of_file(path: Path) -> FileFormat:
    """Return the format of an existing file or folder, by its content."""
    load_extensions()
    return next(each for each in _FORMATS if each.recognises(path))


def format_of_name(path: Path) -> FileFormat:
    """Return the format that a name means.

    Raises
    ------
    FileProblem
        If the suffix is unknown.

    Examples
    --------
    >>> format_of_name(Path("cells.ome.tif")).suffixes
    ('.tif', '.tiff', '.ome.tif', '.ome.tiff')
    """
    load_extensions()
    for each in _FORMATS:
        if each.suffixes and path.name.lower().endswith(each.suffixes):
            return each
    known = [suffix for each in _FORMATS for suffix in each.suffixes]
    raise FileProblem(
        f"{path.name} has no known suffix for writing; end it in "
        f"{', '.join(known[:-1])} or {known[-1]}"
    )
