"""Lazy arrays: their values are read, mostly from a file, when they are indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkedArray", "LazyArray", "native_dtype"]


def native_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a dtype in the machine's byte order, and C's ``long long`` as ``int64``.

    Examples
    --------
    >>> native_dtype(np.dtype(">u2")), native_dtype(np.dtype("longlong")) is np.dtype("int64")
    (dtype('uint16'), True)
    """
    # NumPy has two equal types of 64 bits; zarr accepts one of them.
    return np.dtype(dtype.newbyteorder("=").str) if dtype.kind in "iu" else dtype.newbyteorder("=")


class LazyArray(Protocol):
    """An array whose values are read when it is indexed; a NumPy array is one too.

    ``image[index]``, with numbers and slices, is a NumPy array. ``np.asarray(image)`` reads all.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values, in the machine's byte order."""
        ...

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any, /) -> Any: ...

    def __array__(self, dtype: Any = None, /, *, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[()], dtype)


class ChunkedArray(LazyArray):
    """An array of zarr or dask that returns NumPy arrays in the machine's byte order."""

    def __init__(self, array: Any) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values, in the machine's byte order."""
        return native_dtype(self._array.dtype)

    def __getitem__(self, index: Any, /) -> Any:
        return np.asarray(self._array[index], self.dtype)
