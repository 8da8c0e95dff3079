"""A lazy array with the axes in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.image.lazy import LazyArray, native_dtype
from napari_dip.image.pixel_digest import axes_in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Reordered"]


class Reordered(LazyArray):
    """An image with the axes of another: formats reorder axes, and drop those of length 1.

    Colours (S) and unknown axes (Q) fit channels (C), as OME-Zarr stores them so.

    Parameters
    ----------
    image, axes
        The array, and the letters of its axes.
    wanted, shape
        The letters and lengths of the axes that it gets.

    Raises
    ------
    FileProblem
        If the lengths of the axes do not fit.

    Examples
    --------
    >>> Reordered(np.zeros((3, 8, 9)), "CYX", "YXS", (8, 9, 3))[2].shape
    (9, 3)
    """

    def __init__(self, image: LazyArray, axes: str, wanted: str, shape: Sequence[int]) -> None:
        self._image, self._shape = image, tuple(shape)
        ours, theirs = (
            [axis for axis in axes_in_order(letters) if sizes[axis] > 1]
            for letters, sizes in ((wanted, self._shape), (axes, image.shape))
        )
        if [self._shape[axis] for axis in ours] != [image.shape[axis] for axis in theirs]:
            raise FileProblem(
                f"its image has the axes {axes} and the shape {image.shape}, the result {wanted} "
                f"and {self._shape}; give the file that the result was saved to"
            )
        self._partner = dict(zip(theirs, ours, strict=True))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return native_dtype(self._image.dtype)

    def __getitem__(self, index: Any, /) -> Any:
        index = index if isinstance(index, tuple) else () if index is ... else (index,)
        parts = [*index, *[slice(None)] * (len(self._shape) - len(index))]
        partner, axes = self._partner, range(len(self._image.shape))
        chosen = [parts[partner[axis]] if axis in partner else 0 for axis in axes]
        values = np.asarray(self._image[tuple(chosen)])
        left = [partner[axis] for axis in axes if isinstance(chosen[axis], slice)]
        values = values.transpose(np.argsort(left))
        wanted = [axis for axis, part in enumerate(parts) if isinstance(part, slice)]
        return np.expand_dims(values, [n for n, axis in enumerate(wanted) if axis not in left])
