"""Define the layout of an image pyramid: axis order, chunks and smaller levels.

Levels are halved along Y and X only, even for cubic voxels. A viewer then finds each plane in every
level, and units, which may be single planes, share no chunk in any level. Each unit can therefore
be committed independently.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_dip.errors import BadImage
from napari_dip.files.ngff import axes_in_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray

__all__ = [
    "AxisOrder",
    "Region",
    "chunk_shape",
    "chunks_under",
    "downsample",
    "level_shapes",
    "planes_per_shard",
    "shard_shape",
]

T = TypeVar("T", bound=Any)

Region = tuple[slice, ...]
"""Slices of a unit in all levels; the last two are all of Y and X."""

MAX_CHUNK_SIDE = 1024  # pixels: side of a chunk along Y and X
MAX_SHARD_CHUNKS = 16
"""Chunks: side of a shard along Y and X, at most a gigabyte in 32 bits. Not measured."""

MIN_CHUNKS_OF_SHARD = 16
"""Chunks of a plane from which it becomes shards: fewer are few files anyway. Not measured."""

MAX_PLAIN_CHUNKS = 64
"""Chunks of an image of planes: with more, its shards span several planes. Not measured."""

MAX_SHARD_BYTES = 2**30
"""Bytes of the values of a shard of several planes: a file of about a gigabyte."""

MAX_SHARD_INDEX = 4096
"""Chunks of a shard of several planes. A reader loads 16 bytes for each before it reads one: with
2000 planes of 128² in a shard, zarr read a plane in 1.4 ms, and in
1.5 ms from a file of its own."""

MIN_LEVEL_SIDE = 256
"""Pixels: a level whose shorter side is below this is the last."""


@dataclass(frozen=True)
class AxisOrder:
    """Convert between the given axis order and the stored one.

    Parameters
    ----------
    axes
        Letters in the given order.
    shape, dtype
        Of the stored array, whose axes have the order of
        :func:`~napari_dip.files.ngff.axes_in_zarr`.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def to_stored(self, index: Index, values: NDArray[Any]) -> tuple[Region, NDArray[Any]]:
        """Transpose a unit to the stored order.

        Parameters
        ----------
        index
            In the given order; a number becomes a slice of length 1.
        values
            Values with the shape that `index` selects.

        Raises
        ------
        BadImage
            If the values have another shape or dtype, or do not cover whole planes.

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
                f"a part of shape {values.shape} and {values.dtype} does not fit: index {index} "
                f"needs shape {expected} and {self.dtype}"
            )
        order, region = axes_in_zarr(self.axes), self.region(index)
        if region[-2:] != tuple(slice(0, size) for size in self.shape[-2:]):
            raise BadImage(
                f"a part at {index} does not cover whole planes of {self.axes}; write whole planes"
            )
        planes = np.expand_dims(values, tuple(numbers))
        return region, planes.transpose([self.axes.index(letter) for letter in order])

    def region(self, index: Index) -> Region:
        """Return the slices of the stored array for what `index` selects in the given order."""
        parts, _ = self._parts(index)
        return tuple(parts[letter] for letter in axes_in_zarr(self.axes))

    def read(self, array: LazyArray, index: Index) -> NDArray[Any]:
        """Read from the stored array what `index` selects in the given order.

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
        """Transpose a stored array of any kind to the given order."""
        order = axes_in_zarr(self.axes)
        transposed: T = stored.transpose([order.index(letter) for letter in self.axes])
        return transposed

    def _parts(self, index: Index) -> tuple[dict[str, slice], list[int]]:
        """Return the slice of each axis, and the axes that `index` selects by number."""
        order = axes_in_zarr(self.axes)
        index = (*index, *[slice(None)] * (len(order) - len(index)))
        parts = {
            letter: _as_slice(part, self.shape[order.index(letter)])
            for letter, part in zip(self.axes, index, strict=True)
        }
        return parts, [axis for axis, part in enumerate(index) if not isinstance(part, slice)]


def level_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes of the levels, halved along the last two axes, largest first.

    Examples
    --------
    >>> level_shapes((5, 700, 600))
    [(5, 700, 600), (5, 350, 300), (5, 175, 150)]
    """
    shapes = [shape]
    while min(shapes[-1][-2:]) >= MIN_LEVEL_SIDE:
        *leading, height, width = shapes[-1]
        shapes.append((*leading, -(-height // 2), -(-width // 2)))
    return shapes


def chunk_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunk shape of an array: one plane, or a square part of it."""
    return (*[1] * (len(shape) - 2), *[max(min(side, MAX_CHUNK_SIDE), 1) for side in shape[-2:]])


def planes_per_shard(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Return how many planes a shard spans along each axis before Y and X, in all levels.

    It is one for images of few chunks, and for planes of half a gigabyte. Otherwise planes that
    follow one another are in a shard.

    Parameters
    ----------
    shape, dtype
        Of the largest level.

    Examples
    --------
    >>> planes_per_shard((2000, 128, 128), np.dtype("uint16"))
    (2000,)
    >>> planes_per_shard((3, 2, 500, 2048, 2048), np.dtype("uint16"))
    (1, 1, 125)
    >>> planes_per_shard((5, 128, 128), np.dtype("uint16"))
    (1,)
    """
    *leading, height, width = shape
    chunks = math.prod(
        -(-side // piece) for side, piece in zip(shape[-2:], chunk_shape(shape)[-2:], strict=True)
    )
    left = 1
    if math.prod(leading) * chunks > MAX_PLAIN_CHUNKS:
        plane_bytes = max(height * width * dtype.itemsize, 1)
        left = min(MAX_SHARD_BYTES // plane_bytes, MAX_SHARD_INDEX // chunks)
    extent = []
    for size in reversed(leading):
        shards = -(-size // max(left, 1))
        extent.append(-(-size // shards))
        left = left // size if shards == 1 else 1
    return tuple(reversed(extent))


def shard_shape(
    shape: tuple[int, ...], chunks: tuple[int, ...], planes: tuple[int, ...] = ()
) -> tuple[int, ...] | None:
    """Return the shape of a file with several chunks; ``None`` for a file for each chunk.

    Parameters
    ----------
    shape, chunks
        Of the array.
    planes
        From :func:`planes_per_shard`; the default is a single one.

    Examples
    --------
    >>> shard_shape((5, 9000, 20000), (1, 1024, 1024))
    (1, 9216, 16384)
    >>> shard_shape((5, 2048, 2048), (1, 1024, 1024)) is None
    True
    >>> shard_shape((500, 2048, 2048), (1, 1024, 1024), (100,))
    (100, 2048, 2048)
    """
    counts = [-(-side // piece) for side, piece in zip(shape[-2:], chunks[-2:], strict=True)]
    spans = max(planes, default=1) > 1
    if not spans and (counts[0] * counts[1] < MIN_CHUNKS_OF_SHARD or set(chunks[:-2]) - {1}):
        return None
    sides = [
        min(count, MAX_SHARD_CHUNKS) * piece
        for count, piece in zip(counts, chunks[-2:], strict=True)
    ]
    return (*(planes if spans else chunks[:-2]), *sides)


def chunks_under(
    region: Region, shape: tuple[int, ...], chunks: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Yield the indices of the chunks of a region, including all of the last two axes."""
    leading = [range(part.start, part.stop) for part in region[:-2]]
    plane = [range(-(-side // piece)) for side, piece in zip(shape[-2:], chunks[-2:], strict=True)]
    return itertools.product(*leading, *plane)


def downsample(planes: NDArray[Any]) -> NDArray[Any]:
    """Average 2 x 2 pixels of the last two axes; an odd last row or column counts twice.

    64-bit integers are labels, whose mean is not exact; they are subsampled.

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
    precision = np.float64 if planes.dtype.itemsize > 2 else np.float32
    with np.errstate(all="ignore"):  # NaN and infinity give NaN
        mean: NDArray[Any] = blocks.mean((-3, -1), dtype=precision)
        if planes.dtype == np.bool_:
            mean = mean >= 0.5
        return (np.rint(mean) if planes.dtype.kind in "iu" else mean).astype(planes.dtype)


def _as_slice(part: int | slice, size: int) -> slice:
    if isinstance(part, slice):
        start, stop, _ = part.indices(size)
        return slice(start, stop)
    return slice(part % size, part % size + 1)
