"""How an image lies in the arrays of a pyramid: the order of axes, chunks, and smaller levels.

Levels are halved along Y and X alone, even where voxels are cubes: a viewer that goes through the
planes then finds each of them in every level, and two units, which may be single planes, share no
chunk of any level, so that each can be committed by itself.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_dip.errors import BadImage
from napari_dip.files.ngff import axes_in_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import Lazy

__all__ = ["AxisOrder", "Region", "chunk_shape", "chunks_under", "downsample", "level_shapes"]

T = TypeVar("T", bound=Any)

Region = tuple[slice, ...]
"""Where a unit lies in all levels: all of Y and X, the last two."""

_CHUNK = 1024
_SMALL = 256
"""A level whose smaller side is below this is the last."""


@dataclass(frozen=True)
class AxisOrder:
    """An image whose axes are stored in another order.

    Parameters
    ----------
    axes
        As the caller has them.
    shape, dtype
        Of the array that is stored, its axes in the order of
        :func:`~napari_dip.files.ngff.axes_in_zarr`.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def to_stored(self, index: Index, values: NDArray[Any]) -> tuple[Region, NDArray[Any]]:
        """Bring a unit into the order that is stored.

        Parameters
        ----------
        index
            In the caller's order; a number becomes a slice of length 1.
        values
            Of the shape that this index would give.

        Raises
        ------
        BadImage
            If the values do not fit, or are not of whole planes.

        Examples
        --------
        >>> rgb = AxisOrder("TYXS", (5, 3, 8, 8), np.dtype("uint8"))
        >>> region, planes = rgb.to_stored((4,), np.zeros((8, 8, 3), "uint8"))
        >>> region[:2], planes.shape
        ((slice(4, 5, None), slice(0, 3, None)), (1, 3, 8, 8))
        """
        parts, numbers = self._parts(index)
        expected = tuple(
            part.stop - part.start
            for axis, part in enumerate(parts.values())
            if axis not in numbers
        )
        if values.shape != expected or values.dtype != self.dtype:
            raise BadImage(
                f"a part of shape {values.shape} and {values.dtype} does not fit: at {index} goes "
                f"one of shape {expected} and {self.dtype}"
            )
        order = axes_in_zarr(self.axes)
        region = tuple(parts[letter] for letter in order)
        if region[-2:] != tuple(slice(0, size) for size in self.shape[-2:]):
            raise BadImage(f"a part at {index} cuts a plane; write whole planes of {self.axes}")
        planes = np.expand_dims(values, tuple(numbers))
        return region, planes.transpose([self.axes.index(letter) for letter in order])

    def read(self, array: Lazy, index: Index) -> NDArray[Any]:
        """Read from the array what an index in the caller's order would give.

        Examples
        --------
        >>> rgb = AxisOrder("TYXS", (5, 3, 8, 8), np.dtype("uint8"))
        >>> rgb.read(np.zeros(rgb.shape, "uint8"), (4,)).shape
        (8, 8, 3)
        """
        parts, numbers = self._parts(index)
        values = np.asarray(array[tuple(parts[letter] for letter in axes_in_zarr(self.axes))])
        return self.to_given_order(values).squeeze(tuple(numbers))

    def to_given_order(self, stored: T) -> T:
        """Turn the axes of what is stored, an array of any kind, to the caller's order."""
        order = axes_in_zarr(self.axes)
        turned: T = stored.transpose([order.index(letter) for letter in self.axes])
        return turned

    def _parts(self, index: Index) -> tuple[dict[str, slice], list[int]]:
        """Name the part of each axis, and the axes of which it is a number."""
        order = axes_in_zarr(self.axes)
        index = (*index, *[slice(None)] * (len(order) - len(index)))
        parts = {
            letter: _as_slice(part, self.shape[order.index(letter)])
            for letter, part in zip(self.axes, index, strict=True)
        }
        return parts, [axis for axis, part in enumerate(index) if not isinstance(part, slice)]


def level_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes of a pyramid by 2 along the last two axes, the largest first.

    Examples
    --------
    >>> level_shapes((5, 700, 600))
    [(5, 700, 600), (5, 350, 300), (5, 175, 150)]
    """
    shapes = [shape]
    while min(shapes[-1][-2:]) >= _SMALL:
        *leading, height, width = shapes[-1]
        shapes.append((*leading, -(-height // 2), -(-width // 2)))
    return shapes


def chunk_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the chunks of an array: one plane, or a square of it."""
    return (*[1] * (len(shape) - 2), *[max(min(side, _CHUNK), 1) for side in shape[-2:]])


def chunks_under(
    region: Region, shape: tuple[int, ...], chunks: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Yield the places in the grid of the chunks that hold a region; all of the last two axes."""
    leading = [range(part.start, part.stop) for part in region[:-2]]
    plane = [range(-(-side // piece)) for side, piece in zip(shape[-2:], chunks[-2:], strict=True)]
    return itertools.product(*leading, *plane)


def downsample(planes: NDArray[Any]) -> NDArray[Any]:
    """Take the mean of 2 x 2 pixels of the last two axes; an odd last row or column counts twice.

    Whole numbers of 64 bits, which are labels and which no mean is exact for, are thinned out.

    Examples
    --------
    >>> downsample(np.array([[0, 2, 7], [4, 6, 9]], dtype="uint8"))
    array([[3, 8]], dtype=uint8)
    """
    if planes.dtype in (np.int64, np.uint64):
        return planes[..., ::2, ::2]
    *leading, height, width = planes.shape
    even = [(0, 0)] * len(leading) + [(0, height % 2), (0, width % 2)]
    blocks = np.pad(planes, even, mode="edge").reshape(
        *leading, -(-height // 2), 2, -(-width // 2), 2
    )
    exact = np.float64 if planes.dtype.itemsize > 2 else np.float32
    with np.errstate(all="ignore"):  # of NaN and infinity comes NaN
        mean: NDArray[Any] = blocks.mean((-3, -1), dtype=exact)
        if planes.dtype == np.bool_:
            mean = mean >= 0.5
        return (np.rint(mean) if planes.dtype.kind in "iu" else mean).astype(planes.dtype)


def _as_slice(part: int | slice, size: int) -> slice:
    if isinstance(part, slice):
        start, stop, _ = part.indices(size)
        return slice(start, stop)
    return slice(part % size, part % size + 1)
