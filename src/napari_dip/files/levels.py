"""The arrays of a pyramid on the disk: made, opened, and filled unit by unit."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numcodecs
import zarr
from zarr.codecs import BloscCodec

from napari_dip.files.durable import force_to_disk
from napari_dip.files.ngff import Version, level_name
from napari_dip.files.pyramid import Region, chunk_shape, chunks_under, halved
from napari_dip.stack.lazy import native

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["make_levels", "open_levels", "write_levels"]

_COMPRESSION: dict[str, Any] = {"cname": "zstd", "clevel": 5}


def make_levels(
    path: Path,
    shapes: list[tuple[int, ...]],
    dtype: np.dtype[Any],
    axes: str,
    attributes: dict[str, Any],
    version: Version,
    chunks: tuple[int, ...] | None = None,
) -> None:
    """Make a group with an empty array for each level.

    Parameters
    ----------
    path
        A folder that is not there yet.
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
    """Open the arrays that :func:`make_levels` made, to write to them."""
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
        planes = halved(planes) if level else planes
        array[region] = planes
        _force_to_disk(path / level_name(level), array, region)


def _force_to_disk(folder: Path, array: zarr.Array[Any], region: Region) -> None:
    places = chunks_under(region, array.shape, array.chunks)
    files = [folder / array.metadata.encode_chunk_key(place) for place in places]
    above = {parent for file in files for parent in file.parents}
    for path in (*files, *(one for one in above if one.is_relative_to(folder))):
        force_to_disk(path)
