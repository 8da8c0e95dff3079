"""The values of an image that stay in its file until they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dip.stack.stored import Lazy

__all__ = ["Pieces"]


class Pieces(Lazy):
    """An array of zarr or dask, whose pieces become NumPy's in the machine's byte order."""

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
        dtype: np.dtype[Any] = self._array.dtype.newbyteorder("=")
        return dtype

    def __getitem__(self, index: Any, /) -> Any:
        return np.asarray(self._array[index], self.dtype)
