"""A stack that is read many rows of all planes at a time, for sections lie across all of them."""

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

_AT_ONCE = 256_000_000
"""Bytes of a band: to read a stack by sections, all of it is read once for each of its bands."""


class BandedArray(ChunkedArray):
    """An array of which the last band along Y that was asked for stays in memory.

    Parameters
    ----------
    image
        Any number of axes.
    y
        The position of Y among them.
    at_once
        Bytes of a band, about.

    Examples
    --------
    >>> bands = BandedArray(np.arange(24).reshape(2, 4, 3), 1, at_once=96)
    >>> bands[:, 2]
    array([[ 6,  7,  8],
           [18, 19, 20]])
    """

    def __init__(self, image: LazyArray, y: int, at_once: int = _AT_ONCE) -> None:
        super().__init__(image)
        self._y = y
        self._at_once = at_once
        self._held: tuple[Index, NDArray[Any]] | None = None

    def __getitem__(self, index: Any, /) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        parts = [*index, *[slice(None)] * (self.ndim - len(index))]
        rows = np.arange(self.shape[self._y])[parts[self._y]]
        low, high = int(np.min(rows)), int(np.max(rows)) + 1
        held = self._held
        if held is None or not _covers(held[0], parts, self._y, low, high):
            held = self._held = self._read(parts, low, high)
        band, values = held
        start = band[self._y].start  # type: ignore[union-attr]
        numbers = [part for part in parts[: self._y] if not isinstance(part, slice)]
        inner: list[Any] = [slice(None)] * values.ndim
        inner[self._y - len(numbers)] = rows - start
        return values[tuple(inner)]

    def _read(self, parts: list[int | slice], low: int, high: int) -> tuple[Index, NDArray[Any]]:
        """Read on from some rows, as many as a band holds."""
        self._held = None  # never two of them
        wide = [n for n, part in zip(self.shape, parts, strict=True) if isinstance(part, slice)]
        row = math.prod(wide) * self.dtype.itemsize
        if isinstance(parts[self._y], slice):
            row //= self.shape[self._y]
        stop = min(self.shape[self._y], max(high, low + self._at_once // max(1, row)))
        band = (*parts[: self._y], slice(low, stop), *parts[self._y + 1 :])
        return band, np.asarray(self._array[band])


def read_in_bands(image: LazyArray, axes: str) -> LazyArray:
    """Have an image read by bands, where it is not in memory and too large to be taken there."""
    small = math.prod(image.shape) * image.dtype.itemsize <= _AT_ONCE
    return image if small or isinstance(image, np.ndarray) else BandedArray(image, axes.index("Y"))


def _covers(band: Index, parts: list[int | slice], y: int, low: int, high: int) -> bool:
    rows, others = band[y], [*parts[:y], *parts[y + 1 :]]
    same = [*band[:y], *band[y + 1 :]] == others
    return same and isinstance(rows, slice) and rows.start <= low and high <= rows.stop
