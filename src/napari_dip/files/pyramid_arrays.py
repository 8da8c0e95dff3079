"""The arrays of a pyramid on the disk: made, opened, filled unit by unit, and verified."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING, Any

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec

from napari_dip.files.atomic_write import sync_to_disk, write_atomically
from napari_dip.files.ngff import Version, level_name
from napari_dip.files.pyramid_layout import Region, chunk_shape, chunks_under, downsample
from napari_dip.image.lazy import native

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from zarr.abc.store import Store

__all__ = [
    "checksum",
    "copy_metadata",
    "create_levels",
    "open_levels",
    "read_verified",
    "restore_metadata",
    "write_levels",
]

_METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs")

_COMPRESSION: dict[str, Any] = {"cname": "zstd", "clevel": 5}


def create_levels(
    path: Path | Store,
    shapes: list[tuple[int, ...]],
    dtype: np.dtype[Any],
    axes: str,
    attributes: dict[str, Any],
    version: Version,
    chunks: tuple[int, ...] | None = None,
) -> None:
    """Make a group with an empty array for each level, of zeros, or of NaN where the dtype has it.

    Parameters
    ----------
    path
        A folder that is not there yet, or an empty store.
    shapes, dtype, axes
        Of the arrays, the largest first, and the names of their axes.
    attributes
        Of the group.
    version
        Of OME-Zarr, which says what zarr format it is made of.
    chunks
        The shape of theirs, where it is not that of planes.
    """
    old = version == "0.4"
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    for level, shape in enumerate(shapes):
        group.create_array(
            level_name(level),
            shape=shape,
            dtype=native(dtype),
            fill_value="NaN" if dtype.kind == "f" else 0,
            chunks=chunks or chunk_shape(shape),
            compressors=(
                numcodecs.Blosc(**_COMPRESSION, shuffle=numcodecs.Blosc.SHUFFLE)
                if old
                else BloscCodec(**_COMPRESSION, shuffle="shuffle")
            ),
            chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
            dimension_names=None if old else [*axes.lower()],
        )


def open_levels(path: Path) -> list[zarr.Array[Any]]:
    """Open the arrays that :func:`create_levels` made, to write to them."""
    there = itertools.takewhile(lambda name: (path / name).is_dir(), map(level_name, range(99)))
    names = [*there] or [level_name(0)]  # of which zarr says that it is missing
    # All chunks are written, zeros too: one that is not there was lost.
    with zarr.config.set({"array.write_empty_chunks": True}):
        return [zarr.open_array(path / name, mode="r+") for name in names]


def write_levels(
    path: Path, levels: list[zarr.Array[Any]], region: Region, planes: NDArray[Any]
) -> None:
    """Write a unit to all levels, and return when it would survive a power cut."""
    for level, array in enumerate(levels):
        planes = downsample(planes) if level else planes
        array[region] = planes
        _force_to_disk(path / level_name(level), array, region)


def read_verified(
    path: Path, levels: list[zarr.Array[Any]], region: Region, expected: str
) -> NDArray[Any] | None:
    """Read a unit in full resolution, and bring the smaller levels in line with it.

    Parameters
    ----------
    path, levels, region
        As for :func:`write_levels`.
    expected
        The :func:`checksum` of the values that were written.

    Returns
    -------
    ndarray or None
        The values, or ``None`` if they are not those that were written, or cannot be read.
    """
    planes = _read(levels[0], region)
    if planes is None or checksum(planes) != expected:
        return None
    smaller = planes
    for level, array in enumerate(levels[1:], 1):
        smaller = downsample(smaller)
        there = _read(array, region)
        if there is None or not np.array_equal(there, smaller, equal_nan=True):
            array[region] = smaller
            _force_to_disk(path / level_name(level), array, region)
    return planes


def _read(array: zarr.Array[Any], region: Region) -> NDArray[Any] | None:
    try:
        return np.asarray(array[region])
    except Exception:  # noqa: BLE001 - each decoder has its own errors over a damaged chunk
        return None


def checksum(values: NDArray[Any]) -> str:
    """Return a digest of the values, in the machine's byte order."""
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16).hexdigest()


def copy_metadata(path: Path, copies: Path) -> None:
    """Keep a copy of all metadata of a new group, to be put back where they are lost."""
    for file in _metadata(path):
        kept = copies / file.relative_to(path)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(file.read_bytes())


def restore_metadata(path: Path, copies: Path) -> int:
    """Put back metadata that are missing or damaged, and count the files.

    The attributes of the group may have changed since they were copied: they are put back only
    where they cannot be read.
    """
    mended = 0
    for kept in _metadata(copies):
        file, content = path / kept.relative_to(copies), kept.read_bytes()
        try:
            there = file.read_bytes()
            json.loads(there)
            right = file.parent == path or there == content
        except (OSError, ValueError):
            right = False
        if not right:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, content)
            mended += 1
    return mended


def _metadata(path: Path) -> list[Path]:
    """List the metadata of a group and its arrays."""
    folders = [path, *(folder for folder in path.glob("*") if folder.name.isdecimal())]
    files = [folder / name for folder in folders for name in _METADATA]
    return [file for file in files if file.is_file()]


def _force_to_disk(folder: Path, array: zarr.Array[Any], region: Region) -> None:
    places = chunks_under(region, array.shape, array.chunks)
    files = [folder / array.metadata.encode_chunk_key(place) for place in places]
    above = {parent for file in files for parent in file.parents}
    for path in (*files, *(one for one in above if one.is_relative_to(folder))):
        sync_to_disk(path)
