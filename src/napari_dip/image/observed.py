"""Read parts of an image together with a mask of their known pixels."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.arrays import NanFilledArray, masked_to_nan
from napari_dip.image.lazy import LazyArray
from napari_dip.image.pixel_digest import PixelDigest
from napari_dip.image.row_bands import BandedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Index, Layout

__all__ = ["Fingerprint", "ObservedImage", "ObservedPart", "affected_planes"]


_read_lock = threading.Lock()
"""Serialises all reads: some lazy arrays are not thread-safe."""


@dataclass(frozen=True)
class ObservedPart:
    """Values of a part of an image, and a mask that is true where they are known."""

    values: NDArray[Any]
    known: NDArray[np.bool_]

    @property
    def constant(self) -> bool:
        """Whether all known values are equal."""
        values = self.values[self.known]
        return bool((values == values[0]).all())


@dataclass(frozen=True)
class ObservedImage:
    """An image and its mask, read part by part.

    Parameters
    ----------
    image
        Any array; a lazy one is read when it is indexed.
    missing
        The mask, of the same shape: true where a pixel is missing. ``None`` without a mask.
    """

    image: LazyArray
    missing: LazyArray | None

    def read_values(self, index: Index) -> NDArray[Any]:
        """Read the values of a part; masked floating-point values become NaN."""
        with _read_lock:
            return masked_to_nan(self.image[index])

    def read(self, index: Index) -> ObservedPart:
        """Read a part and its mask; NaN and infinite values are missing."""
        values = self.read_values(index)
        known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
        if self.missing is not None:
            known &= ~np.asarray(self.missing[index])
        return ObservedPart(values, known)

    def extract(self, index: Index) -> ObservedImage:
        """Return a copy with one part only, to send to another process.

        An image in files is not copied: the other process reads the files.
        """
        in_files = LazyArray in type(self.image).__mro__ and not isinstance(
            self.image, BandedArray | NanFilledArray
        )
        image = self.image if in_files else _SinglePart(self.image, index)
        return ObservedImage(
            image, None if self.missing is None else _SinglePart(self.missing, index)
        )


class Fingerprint:
    """Digests of the values and of the known pixels of an image, updated plane by plane."""

    def __init__(self, layout: Layout) -> None:
        self._values = PixelDigest(layout.axes, layout.shape)
        self._known = PixelDigest(layout.axes, layout.shape)
        self._complete = True

    def add(self, index: Index, plane: ObservedPart) -> None:
        """Add a plane; see :meth:`PixelDigest.add`."""
        self._values.add(index, plane.values)
        self._known.add(index, plane.known)
        self._complete = self._complete and bool(plane.known.all())

    @property
    def values(self) -> str:
        """The digest of the values."""
        return str(self._values)

    @property
    def known(self) -> str:
        """The digest of the mask of the known pixels; empty if all are known."""
        return "" if self._complete else str(self._known)


class _SinglePart(LazyArray):
    """An array that holds the values of one part only."""

    def __init__(self, whole: LazyArray, index: Index) -> None:
        self._outline = (whole.shape, whole.dtype)
        self._index = index
        self._values = np.ascontiguousarray(whole[index])

    @property
    def shape(self) -> tuple[int, ...]:
        return self._outline[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._outline[1]

    def __getitem__(self, index: Any, /) -> Any:
        if index != self._index:
            raise LookupError(f"only the part {self._index} is available, not {index}")
        return self._values


def affected_planes(missing: NDArray[np.bool_]) -> str:
    """Return a clause with the number of planes that have gaps; empty if all or none have.

    Examples
    --------
    >>> affected_planes(np.array([[[True]], [[False]], [[False]]]))
    ', in 1 of 3 planes'
    """
    affected = missing.any(axis=(-2, -1))
    number = affected.sum()
    return f", in {number} of {affected.size} planes" if 0 < number < affected.size else ""
