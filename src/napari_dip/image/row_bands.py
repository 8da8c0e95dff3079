"""Read a lazy stack in bands of rows of all planes, for sections of Z and X."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.lazy import ChunkedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray

__all__ = ["BandedArray", "read_in_bands"]

MAX_BAND_BYTES = 256_000_000
"""Bytes of a band: a stack is read once for each of its bands, so bands are large. Not measured."""


class BandedArray(ChunkedArray):
    """A lazy array that keeps the last band of rows along Y in memory.

    Parameters
    ----------
    image
        Array with any number of axes.
    y
        Position of the axis Y.
    max_bytes
        Approximate maximum size of a band, in bytes.

    Examples
    --------
    >>> bands = BandedArray(np.arange(24).reshape(2, 4, 3), 1, max_bytes=96)
    >>> bands[:, 2]
    array([[ 6,  7,  8],
           [18, 19, 20]])
    """

    def __init__(self, image: LazyArray, y: int, max_bytes: int = MAX_BAND_BYTES) -> None:
        super().__init__(image)
        self._y = y
        self._max_bytes = max_bytes
        self._band: tuple[Index, NDArray[Any]] | None = None

    def __getitem__(self, index: Any, /) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        parts = [*index, *[slice(None)] * (self.ndim - len(index))]
        rows = np.arange(self.shape[self._y])[parts[self._y]]
        low, high = int(np.min(rows)), int(np.max(rows)) + 1
        cached = self._band
        if cached is None or not _covers(cached[0], parts, self._y, low, high):
            cached = self._band = self._read(parts, low, high)
        band, values = cached
        start = band[self._y].start  # type: ignore[union-attr]
        numbers = [part for part in parts[: self._y] if not isinstance(part, slice)]
        inner: list[Any] = [slice(None)] * values.ndim
        inner[self._y - len(numbers)] = rows - start
        return values[tuple(inner)]

    def _read(self, parts: list[int | slice], low: int, high: int) -> tuple[Index, NDArray[Any]]:
        """Read a band that starts at row `low` and includes the rows up to `high`."""
        self._band = None  # frees the memory of the last band first
        sizes = [n for n, part in zip(self.shape, parts, strict=True) if isinstance(part, slice)]
        row = math.prod(sizes) * self.dtype.itemsize
        if isinstance(parts[self._y], slice):
            row //= self.shape[self._y]
        stop = min(self.shape[self._y], max(high, low + self._max_bytes // max(1, row)))
        band = (*parts[: self._y], slice(low, stop), *parts[self._y + 1 :])
        return band, np.asarray(self._array[band])


def read_in_bands(image: LazyArray, axes: str) -> LazyArray:
    """Return an array that is read in bands if it is lazy and larger than a band."""
    small = math.prod(image.shape) * image.dtype.itemsize <= MAX_BAND_BYTES
    return image if small or isinstance(image, np.ndarray) else BandedArray(image, axes.index("Y"))


def _covers(band: Index, parts: list[int | slice], y: int, low: int, high: int) -> bool:
    """Whether a band includes the rows from `low` to `high` of a selection."""
    rows, others = band[y], [*parts[:y], *parts[y + 1 :]]
    same = [*band[:y], *band[y + 1 :]] == others
    return same and isinstance(rows, slice) and rows.start <= low and high <= rows.stop
