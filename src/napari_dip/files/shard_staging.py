"""Collect the chunks of units beside an image until its shards can be written.

A shard that spans several planes belongs to several units, and a zarr library rewrites the whole
shard for each of them. Here the units are committed as plain chunks in a folder beside the image;
any number of processes may do so. One process, which holds the lock of the run, copies the chunks
of complete units to the shard, without decoding them: when the shard is complete, and before, each
time their number has doubled. So at most twice the bytes of a shard are written, other programs see
at least half of the complete planes, and the chunks beside the image need at most its disk space.
Chunks are in C order, so that a shard depends on the values only.
"""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore, WrapperStore

from napari_dip.files.ngff import level_name
from napari_dip.files.shard_level import Grid, Level
from napari_dip.files.zarr_chunk_check import CheckedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

    from napari_dip.files.pyramid_layout import Region
    from napari_dip.files.shard_level import Place

__all__ = ["STAGED", "ShardStaging", "spans_planes", "with_plain_chunks"]

STAGED = "staged"
"""Name of the folder of plain chunks, within the journal."""

FIRST_PACKED_PLANES = 16
"""Planes: an incomplete shard is not written for fewer. Not measured."""


def spans_planes(array: zarr.Array[Any]) -> bool:
    """Return whether shards of an array span several planes."""
    return bool(array.shards and max(array.shards[:-2], default=1) > 1)


class ShardStaging:
    """The plain chunks and the shards of an image, and their union.

    Parameters
    ----------
    folder
        The folder of the image.
    staged
        The folder for the plain chunks; it is created.
    arrays
        The arrays of the image, largest first. Shards of all levels span the same planes.

    Attributes
    ----------
    levels
        Arrays that read the chunks of both, and write plain chunks.
    """

    def __init__(self, folder: Path, staged: Path, arrays: list[zarr.Array[Any]]) -> None:
        self.staged = staged
        self._parts = [
            Level(folder / name, staged / name, Grid.of(array))
            for name, array in ((level_name(n), array) for n, array in enumerate(arrays))
        ]
        with zarr.config.set({"array.write_empty_chunks": True}):
            self.levels = [
                zarr.open_array(_BothStore(LocalStore(part.staged), part, _plain(array)), mode="r+")
                for part, array in zip(self._parts, arrays, strict=True)
            ]
        self._one_at_a_time = threading.Lock()  # units of concurrent fits end in their own threads
        planes = arrays[0].shape[:-2]
        self._extent = self._parts[0].grid.shard[:-2]
        self._complete = np.zeros(planes, bool)  # planes of the units that are committed
        self._waiting = np.zeros(planes, bool)  # those of them that are not in a shard yet

    def recover(self, regions: Iterable[Region]) -> None:
        """Find what an earlier process left, and write the shards that it did not write.

        Parameters
        ----------
        regions
            The regions of all complete units.
        """
        for region in regions:
            self._complete[region[:-2]] = True
        staged = np.zeros_like(self._waiting)
        for part in self._parts:
            for place in part.staged_places():
                if len(place) == staged.ndim + 2 and np.all(np.less(place[:-2], staged.shape)):
                    staged[place[:-2]] = True
        self._waiting = staged & self._complete
        self._pack_where(self._is_due)

    def add(self, region: Region, *, early: bool = True) -> None:
        """Note that a unit is committed, and write its shards if these are due.

        Parameters
        ----------
        region
            The region of the unit.
        early
            Whether to write incomplete shards too, when their number of planes has doubled.
        """
        with self._one_at_a_time:
            self._add(region, early=early)

    def _add(self, region: Region, *, early: bool) -> None:
        self._complete[region[:-2]] = True
        self._waiting[region[:-2]] = True
        ranges = [
            range(part.start // extent, -(-part.stop // extent))
            for part, extent in zip(region[:-2], self._extent, strict=True)
        ]
        for group in np.ndindex(*map(len, ranges)):
            place = tuple(one[n] for one, n in zip(ranges, group, strict=True))
            if self._is_due(place, early=early):
                self._pack(place)

    def pack(self) -> None:
        """Write all complete units to their shards."""
        self._pack_where(lambda group: bool(self._waiting[self._planes(group)].any()))

    def remove(self) -> None:
        """Delete the plain chunks. The levels can still be read."""
        shutil.rmtree(self.staged, ignore_errors=True)
        with suppress(OSError):  # the journal, if there is one, is kept
            self.staged.parent.rmdir()

    def _pack_where(self, condition: Callable[[Place], bool]) -> None:
        groups = [
            -(-n // extent) for n, extent in zip(self._waiting.shape, self._extent, strict=True)
        ]
        for group in np.ndindex(*groups):
            if condition(group):
                self._pack(group)

    def _planes(self, group: Place) -> tuple[slice, ...]:
        """Return the planes of a shard."""
        pairs = zip(group, self._extent, strict=True)
        return tuple(slice(n * extent, (n + 1) * extent) for n, extent in pairs)

    def _is_due(self, group: Place, *, early: bool = True) -> bool:
        planes = self._planes(group)
        waiting = int(np.count_nonzero(self._waiting[planes]))
        if not waiting or self._complete[planes].all():
            return bool(waiting)
        packed = int(np.count_nonzero(self._complete[planes])) - waiting
        return early and waiting >= max(packed, FIRST_PACKED_PLANES)

    def _pack(self, group: Place) -> None:
        """Write the shards of a group of planes, then delete its plain chunks."""
        planes = self._planes(group)
        complete, waiting = self._complete[planes], self._waiting[planes]
        for part in reversed(self._parts):  # a shard of the full resolution has its levels
            part.pack(group, complete, waiting)
        for part in self._parts:
            part.delete_staged(group, waiting)
        waiting[...] = False


def with_plain_chunks(array: zarr.Array[Any], folder: Path, staged: Path) -> zarr.Array[Any]:
    """Return an array of an unfinished image that also has the chunks beside it, for reading.

    Parameters
    ----------
    array, folder
        The array, and its folder.
    staged
        The folder of its plain chunks.
    """
    level = Level(folder, staged, Grid.of(array))
    store = CheckedStore(
        _BothStore(LocalStore(staged, read_only=True), level, _plain(array)), folder
    )
    found = zarr.open_array(store, mode="r")
    store.set_array(found)
    return found


def _plain(array: zarr.Array[Any]) -> bytes:
    """Return the metadata of an array with the same chunks, each in a file of one folder."""
    metadata: dict[str, Any] = json.loads(json.dumps(array.metadata.to_dict()))
    (sharding,) = metadata["codecs"]
    inner = sharding["configuration"]
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = inner["chunk_shape"]
    metadata["codecs"] = inner["codecs"]
    metadata["chunk_key_encoding"] = {"name": "default", "configuration": {"separator": "."}}
    return json.dumps(metadata).encode()


class _BothStore(WrapperStore[LocalStore]):
    """A store of plain chunks that finds missing ones in the shards of the image."""

    def __init__(self, store: LocalStore, level: Level, metadata: bytes) -> None:
        super().__init__(store)
        self._level = level
        self._metadata = metadata

    def _with_store(self, store: LocalStore) -> _BothStore:
        return _BothStore(store, self._level, self._metadata)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return a plain chunk; without one, the chunk in the shard."""
        prototype = prototype or default_buffer_prototype()
        if key == "zarr.json":
            return prototype.buffer.from_bytes(self._metadata)
        chunk = await super().get(key, prototype, byte_range)
        if chunk is not None or byte_range is not None or not key.startswith("c."):
            return chunk
        stored = self._level.read_from_shard(tuple(map(int, key.split(".")[1:])))
        return None if stored is None else prototype.buffer.from_bytes(stored)
