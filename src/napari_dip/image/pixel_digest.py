"""Identify the pixels of an image by a digest that does not depend on the file format.

The digest is the same for other chunks, another byte order, another order of the axes, and without
axes of length 1, as formats differ in these. Each plane along Y and X has a digest of its own, so
that planes can be read one by one, and sections row by row.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.arrays import masked_to_nan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray

__all__ = ["PixelDigest", "axes_in_order", "pixel_digest"]

ORDER = "TZQCSYX"
"""Axes in the order of the digest. OME-Zarr stores colours (S) and other axes (Q) as channels, so
these have neighbouring places; the samples of one plane are read together."""

DIGEST_BYTES = 16  # bytes: collisions by chance are impossible in practice; 32 letters


class PixelDigest:
    """A digest of all pixels, updated part by part.

    Parameters
    ----------
    axes, shape
        Letters and lengths of the axes of the image.

    Examples
    --------
    >>> stack = np.arange(24, dtype="uint16").reshape(2, 3, 4)
    >>> by_planes, whole = PixelDigest("ZYX", stack.shape), PixelDigest("ZYX", stack.shape)
    >>> for number, plane in enumerate(stack):
    ...     by_planes.add((number,), plane)
    >>> whole.add((), stack)
    >>> str(by_planes) == str(whole)
    True
    """

    def __init__(self, axes: str, shape: tuple[int, ...]) -> None:
        self._axes = axes
        order = axes_in_order(axes)
        self._leading = [axis for axis in order if axes[axis] not in "YX"]
        sizes = [shape[axis] for axis in order]
        self._header = " ".join(str(size) for size in sizes if size > 1)
        self._planes: dict[tuple[int, ...], Any] = {}

    def add(self, index: Index, values: NDArray[Any]) -> None:
        """Add a part; the rows of a plane must come in their order.

        Parameters
        ----------
        index
            Numbers along some axes, and whole slices along the others.
        values
            The values there.
        """
        parts = [*index, *[slice(None)] * (len(self._axes) - len(index))]
        numbers = {axis: part for axis, part in enumerate(parts) if not isinstance(part, slice)}
        rest = [axis for axis in range(len(parts)) if axis not in numbers]
        walked = [axis for axis in self._leading if axis in rest]
        rows = [axis for letter in "YX" if (axis := self._axes.find(letter)) in rest]
        ordered = values.transpose([rest.index(axis) for axis in (*walked, *rows)])
        ordered = ordered.astype(values.dtype.newbyteorder("<"), copy=False)
        for chosen in np.ndindex(*ordered.shape[: len(walked)]):
            place = numbers | dict(zip(walked, chosen, strict=True))
            key = tuple(int(place[axis]) for axis in self._leading)
            if key not in self._planes:
                dtype = f"{values.dtype.kind}{values.dtype.itemsize}".encode()
                self._planes[key] = hashlib.blake2b(dtype, digest_size=DIGEST_BYTES)
            self._planes[key].update(np.ascontiguousarray(ordered[chosen]).data)

    def __str__(self) -> str:
        """Return the digest of the parts so far, in hexadecimal."""
        whole = hashlib.blake2b(self._header.encode(), digest_size=DIGEST_BYTES)
        for key in sorted(self._planes):
            whole.update(self._planes[key].digest())
        return whole.hexdigest()


def pixel_digest(image: LazyArray, axes: str) -> str:
    """Return the digest of an image, which is read plane by plane.

    Examples
    --------
    >>> stack = np.arange(24, dtype=">u2").reshape(2, 3, 4)
    >>> pixel_digest(stack, "CYX") == pixel_digest(np.moveaxis(stack, 0, -1), "YXC")
    True
    >>> pixel_digest(stack, "CYX") == pixel_digest(stack.astype("int32"), "CYX")
    False
    """
    digest = PixelDigest(axes, image.shape)
    for index in _plane_indices(image.shape, axes):
        digest.add(index, masked_to_nan(image[index]))
    return str(digest)


def axes_in_order(axes: str) -> list[int]:
    """Return the positions of the axes in the order of the digest.

    Examples
    --------
    >>> axes_in_order("CZYX")
    [1, 0, 2, 3]
    """
    return sorted(range(len(axes)), key=lambda axis: ORDER.index(axes[axis]))


def _plane_indices(shape: tuple[int, ...], axes: str) -> Iterator[Index]:
    """Yield the index of each plane; the samples of a colour are one plane."""
    leading = [axis for axis in axes_in_order(axes) if axes[axis] not in "SYX"]
    for numbers in np.ndindex(*(shape[axis] for axis in leading)):
        chosen: dict[int, int] = dict(zip(leading, numbers, strict=True))
        yield tuple(chosen.get(axis, slice(None)) for axis in range(len(axes)))
