"""Create, open, write and verify the arrays of an image pyramid on disk."""

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
from napari_dip.files.pyramid_layout import (
    Region,
    chunk_shape,
    chunks_under,
    downsample,
    planes_per_shard,
    shard_shape,
)
from napari_dip.image.lazy import native_dtype

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

_METADATA_NAMES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")

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
    """Create a group with one array per level, filled with NaN for floats and zeros otherwise.

    Parameters
    ----------
    path
        A folder that does not exist yet, or an empty store.
    shapes, dtype, axes
        Shapes of the arrays, largest first; their dtype; the letters of their axes.
    attributes
        Attributes of the group.
    version
        Version of OME-Zarr, which determines the zarr format.
    chunks
        Chunk shape; ``None`` is that of single planes.
    """
    old = version == "0.4"
    planes = () if chunks else planes_per_shard(shapes[0], dtype)
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    for level, shape in enumerate(shapes):
        pieces = chunks or chunk_shape(shape)
        group.create_array(
            level_name(level),
            shape=shape,
            dtype=native_dtype(dtype),
            fill_value="NaN" if dtype.kind == "f" else 0,
            chunks=pieces,
            shards=None if old else shard_shape(shape, pieces, planes),
            compressors=(
                numcodecs.Blosc(**_COMPRESSION, shuffle=numcodecs.Blosc.SHUFFLE)
                if old
                else BloscCodec(**_COMPRESSION, shuffle="shuffle")
            ),
            chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
            dimension_names=None if old else [*axes.lower()],
        )


def open_levels(path: Path) -> list[zarr.Array[Any]]:
    """Open the arrays of :func:`create_levels` for writing."""
    existing = itertools.takewhile(lambda name: (path / name).is_dir(), map(level_name, range(99)))
    names = [*existing] or [level_name(0)]  # zarr reports it as missing
    # Chunks of zeros are written too, so that a missing chunk is a lost one.
    with zarr.config.set({"array.write_empty_chunks": True}):
        return [zarr.open_array(path / name, mode="r+") for name in names]


def write_levels(
    path: Path, levels: list[zarr.Array[Any]], region: Region, planes: NDArray[Any]
) -> None:
    """Write a unit to all levels, and flush it to the disk."""
    for level, array in enumerate(levels):
        planes = downsample(planes) if level else planes
        array[region] = planes
        _sync_chunks(path / level_name(level), array, region)


def read_verified(
    path: Path, levels: list[zarr.Array[Any]], region: Region, expected: str
) -> NDArray[Any] | None:
    """Read a unit in full resolution, and repair the smaller levels.

    Parameters
    ----------
    path, levels, region
        As for :func:`write_levels`.
    expected
        The :func:`checksum` of the written values.

    Returns
    -------
    ndarray or None
        The values; ``None`` if they differ from the written ones or cannot be read.
    """
    planes = _read(levels[0], region)
    if planes is None or checksum(planes) != expected:
        return None
    smaller = planes
    for level, array in enumerate(levels[1:], 1):
        smaller = downsample(smaller)
        stored = _read(array, region)
        if stored is None or not np.array_equal(stored, smaller, equal_nan=True):
            array[region] = smaller
            _sync_chunks(path / level_name(level), array, region)
    return planes


def _read(array: zarr.Array[Any], region: Region) -> NDArray[Any] | None:
    try:
        return np.asarray(array[region])
    except Exception:  # noqa: BLE001 - each decoder raises its own errors
        return None


def checksum(values: NDArray[Any]) -> str:
    """Return a digest of the values in native byte order."""
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16).hexdigest()


def copy_metadata(path: Path, copies: Path) -> None:
    """Copy all metadata of a new group, so that lost files can be restored."""
    for file in _metadata_files(path):
        kept = copies / file.relative_to(path)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(file.read_bytes())


def restore_metadata(path: Path, copies: Path) -> int:
    """Restore missing or damaged metadata files, and return their number.

    The attributes of the group may have changed since the copy. They are restored only if they are
    unreadable.
    """
    restored = 0
    for copy in _metadata_files(copies):
        file, content = path / copy.relative_to(copies), copy.read_bytes()
        try:
            current = file.read_bytes()
            json.loads(current)
            valid = file.parent == path or current == content
        except (OSError, ValueError):
            valid = False
        if not valid:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, content)
            restored += 1
    return restored


def _metadata_files(path: Path) -> list[Path]:
    """List the metadata files of a group and its arrays."""
    folders = [path, *(folder for folder in path.glob("*") if folder.name.isdecimal())]
    files = [folder / name for folder in folders for name in _METADATA_NAMES]
    return [file for file in files if file.is_file()]


def _sync_chunks(folder: Path, array: zarr.Array[Any], region: Region) -> None:
    """Flush the files of a region, each a chunk or a shard, and the folders that hold them."""
    chunk_indices = chunks_under(region, array.shape, array.shards or array.chunks)
    files = [folder / array.metadata.encode_chunk_key(place) for place in chunk_indices]
    folders = {parent for file in files for parent in file.parents}
    for path in (*files, *(one for one in folders if one.is_relative_to(folder))):
        sync_to_disk(path)
