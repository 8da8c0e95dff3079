"""The chunks of one level of an image: plain ones in a folder, and those in shards."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.errors import NapariDipError
from napari_dip.files.atomic_write import sync_to_disk
from napari_dip.files.shard_file import ShardReader, read_chunk, write_shard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import zarr
    from numpy.typing import NDArray

__all__ = ["Grid", "Level", "Place"]

Place = tuple[int, ...]
"""Location of a chunk in the grid of its array."""


class Grid(NamedTuple):
    """Sizes of the chunks of an array: ``counts`` is the grid, ``shard`` that of a shard."""

    counts: tuple[int, ...]
    shard: tuple[int, ...]
    shard_name: Any

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> Grid:
        """Read the sizes from an array."""
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
        """Number of chunks that a shard has room for."""
        return int(np.prod(self.shard))


class Level(NamedTuple):
    """One level of an image.

    Parameters
    ----------
    folder, staged
        The folder of its shards, and that of its plain chunks.
    grid
        Sizes of its chunks.
    """

    folder: Path
    staged: Path
    grid: Grid

    def staged_file(self, place: Place) -> Path:
        """Return the file of a plain chunk."""
        return self.staged / _plain_name(place)

    def staged_places(self) -> list[Place]:
        """List the plain chunks."""
        names = [file.name.split(".") for file in self.staged.glob("c.*")]
        return [tuple(map(int, rest)) for _, *rest in names if all(map(str.isdecimal, rest))]

    def shard_file(self, shard: Place) -> Path:
        """Return the file of a shard."""
        return self.folder / str(self.grid.shard_name(shard))

    def read_from_shard(self, place: Place) -> bytes | None:
        """Return the stored bytes of a chunk; ``None`` if it is not in its shard."""
        shard, number = self.grid.number(place)
        return read_chunk(self.shard_file(shard), self.grid.chunks_per_shard, number)

    def pack(self, group: Place, complete: NDArray[np.bool_], waiting: NDArray[np.bool_]) -> None:
        """Write the shards of a group of planes from plain chunks and the shards before.

        Parameters
        ----------
        group
            Location of a shard along the axes before Y and X.
        complete, waiting
            Which of its planes are complete, and which of them are not in the shard yet.

        Raises
        ------
        NapariDipError
            If a chunk of a complete plane is missing.
        """
        for shard in self._shards(group):
            path = self.shard_file(shard)
            write_shard(path, self._chunks(path, shard, complete, waiting))
            for folder in path.parents:
                sync_to_disk(folder)
                if folder == self.folder:
                    break

    def delete_staged(self, group: Place, waiting: NDArray[np.bool_]) -> None:
        """Delete the plain chunks of the planes that are waiting."""
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


def _reader(file: Any, grid: Grid) -> ShardReader | None:
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
