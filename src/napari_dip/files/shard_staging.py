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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore, WrapperStore

from napari_dip.errors import NapariDipError
from napari_dip.files.atomic_write import sync_to_disk
from napari_dip.files.ngff import level_name
from napari_dip.files.shard_file import ShardReader, read_chunk, write_shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

    from napari_dip.files.pyramid_layout import Region

__all__ = ["STAGED", "ShardStaging", "spans_planes"]

STAGED = "staged"
"""Name of the folder of plain chunks, within the journal."""

FIRST_PACKED_PLANES = 16
"""Planes: an incomplete shard is not written for fewer. Not measured."""

Place = tuple[int, ...]


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
            _Level(folder / name, staged / name, _Grid.of(array))
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

    def _pack_where(self, condition: Any) -> None:
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


class _Grid(NamedTuple):
    """Sizes of the chunks of an array: ``counts`` is the grid, ``shard`` that of a shard."""

    counts: tuple[int, ...]
    shard: tuple[int, ...]
    shard_name: Any

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> _Grid:
        shards = array.shards or array.chunks
        return cls(
            tuple(-(-n // side) for n, side in zip(array.shape, array.chunks, strict=True)),
            tuple(n // side for n, side in zip(shards, array.chunks, strict=True)),
            array.metadata.encode_chunk_key,
        )

    def number(self, place: Place) -> tuple[Place, int]:
        """Return the shard of a chunk, and the number of the chunk within it."""
        shard = tuple(n // side for n, side in zip(place, self.shard, strict=True))
        inner = tuple(n % side for n, side in zip(place, self.shard, strict=True))
        return shard, int(np.ravel_multi_index(inner, self.shard))

    @property
    def chunks_per_shard(self) -> int:
        return int(np.prod(self.shard))


class _Level(NamedTuple):
    """One level: the folder of its shards, and that of its plain chunks."""

    folder: Path
    staged: Path
    grid: _Grid

    def staged_file(self, place: Place) -> Path:
        return self.staged / _plain_name(place)

    def staged_places(self) -> list[Place]:
        """List the plain chunks."""
        names = [file.name.split(".") for file in self.staged.glob("c.*")]
        return [tuple(map(int, rest)) for _, *rest in names if all(map(str.isdecimal, rest))]

    def shard_file(self, shard: Place) -> Path:
        return self.folder / str(self.grid.shard_name(shard))

    def read_from_shard(self, place: Place) -> bytes | None:
        shard, number = self.grid.number(place)
        return read_chunk(self.shard_file(shard), self.grid.chunks_per_shard, number)

    def pack(self, group: Place, complete: NDArray[np.bool_], waiting: NDArray[np.bool_]) -> None:
        """Write the shards of a group of planes from plain chunks and the shards before."""
        for shard in self._shards(group):
            path = self.shard_file(shard)
            write_shard(path, self._chunks(path, shard, complete, waiting))
            for folder in path.parents:
                sync_to_disk(folder)
                if folder == self.folder:
                    break

    def delete_staged(self, group: Place, waiting: NDArray[np.bool_]) -> None:
        for shard in self._shards(group):
            for inner in np.ndindex(*self.grid.shard):
                if _get(waiting, inner[:-2]):
                    self.staged_file(self._place(shard, inner)).unlink(missing_ok=True)

    def _shards(self, group: Place) -> Iterator[Place]:
        """Yield the shards of a group of planes: one, or several parts of larger planes."""
        in_plane = zip(self.grid.counts[-2:], self.grid.shard[-2:], strict=True)
        for inner in np.ndindex(*[-(-count // side) for count, side in in_plane]):
            yield *group, *inner

    def _chunks(
        self, path: Path, shard: Place, complete: NDArray[np.bool_], waiting: NDArray[np.bool_]
    ) -> Iterator[bytes | None]:
        """Yield the stored bytes of the chunks of a shard, in C order."""
        if not path.exists():
            yield from self._merged(None, shard, complete, waiting)
            return
        with path.open("rb") as file:
            yield from self._merged(_reader(file, self.grid), shard, complete, waiting)

    def _merged(
        self,
        before: ShardReader | None,
        shard: Place,
        complete: NDArray[np.bool_],
        waiting: NDArray[np.bool_],
    ) -> Iterator[bytes | None]:
        for inner in np.ndindex(*self.grid.shard):
            place = self._place(shard, inner)
            if not self._exists(place) or not _get(complete, inner[:-2]):
                yield None
                continue
            chunk = None
            if _get(waiting, inner[:-2]):
                with suppress(FileNotFoundError):
                    chunk = self.staged_file(place).read_bytes()
            if chunk is None and before:
                chunk = before.read(int(np.ravel_multi_index(inner, self.grid.shard)))
            if chunk is None:
                raise NapariDipError(
                    f"chunk {place} of {self.folder} was lost during the run; --resume restores "
                    "its part again"
                )
            yield chunk

    def _exists(self, place: Place) -> bool:
        """Return whether a chunk is within the array; a shard may reach beyond."""
        return all(n < count for n, count in zip(place, self.grid.counts, strict=True))

    def _place(self, shard: Place, inner: Place) -> Place:
        parts = zip(shard, self.grid.shard, inner, strict=True)
        return tuple(n * side + rest for n, side, rest in parts)


def _reader(file: Any, grid: _Grid) -> ShardReader | None:
    try:
        return ShardReader(file, grid.chunks_per_shard)
    except ValueError:  # damaged: its units were found missing
        return None


def _get(planes: NDArray[np.bool_], place: Place) -> bool:
    """Return a value; false beyond the last plane, where a shard may reach."""
    inside = all(n < size for n, size in zip(place, planes.shape, strict=True))
    return inside and bool(planes[place])


def _plain_name(place: Place) -> str:
    return ".".join(["c", *map(str, place)])


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

    def __init__(self, store: LocalStore, level: _Level, metadata: bytes) -> None:
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
