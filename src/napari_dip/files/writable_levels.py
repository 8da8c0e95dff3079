"""Write the levels of an image unit by unit, whether its shards span several planes or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.files.pyramid_arrays import open_levels, read_verified, write_levels
from napari_dip.files.shard_staging import ShardStaging, spans_planes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import zarr
    from numpy.typing import NDArray

    from napari_dip.files.pyramid_layout import Region

__all__ = ["WritableLevels"]


class WritableLevels:
    """The arrays of an image, open for writing.

    Any number of processes may write units. One of them calls :meth:`collect` after each unit, also
    of another process, and :meth:`complete` at the end.

    Parameters
    ----------
    path
        The folder of the image.
    staged
        The folder for chunks of incomplete shards; see :mod:`~napari_dip.files.shard_staging`.

    Raises
    ------
    OSError, ValueError, LookupError, TypeError
        If the arrays are missing or damaged.
    """

    def __init__(self, path: Path, staged: Path) -> None:
        self._arrays, self._folder = open_levels(path), path
        self._staging: ShardStaging | None = None
        if spans_planes(self._arrays[0]):
            self._staging = ShardStaging(path, staged, self._arrays)
            self._arrays, self._folder = self._staging.levels, staged

    @property
    def largest(self) -> zarr.Array[Any]:
        """The full resolution."""
        return self._arrays[0]

    def write(self, region: Region, planes: NDArray[Any]) -> None:
        """Write a unit to all levels, and flush it to the disk."""
        write_levels(self._folder, self._arrays, region, planes)

    def is_whole(self, region: Region, checksum: str) -> bool:
        """Return whether a unit has the values that were written; repair its smaller levels."""
        return read_verified(self._folder, self._arrays, region, checksum) is not None

    def recover(self, regions: Iterable[Region]) -> None:
        """Write the shards that are due after an earlier process; `regions` are complete."""
        if self._staging:
            self._staging.recover(regions)

    def collect(self, region: Region, *, early: bool = True) -> None:
        """Write the shards that are due after a unit; with `early` incomplete ones too."""
        if self._staging:
            self._staging.add(region, early=early)

    def complete(self, regions: Iterable[Region]) -> None:
        """Write all units to their shards; `regions` are those of the complete units."""
        if self._staging:
            self._staging.recover(regions)
            self._staging.pack()

    def remove_staged(self) -> None:
        """Delete the folder of chunks after :meth:`complete`; the arrays can still be read."""
        if self._staging:
            self._staging.remove()
