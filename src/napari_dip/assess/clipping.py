"""Measure whether the values of a plane are clipped: at the highest, or at the lowest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.noise.constants import SATURATED_RATIO

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["grey_step", "lowest_fraction", "saturated_fraction"]

LEVEL_PIXELS = 2**16
"""Pixels in which the smallest difference of grey levels is searched. Not measured."""


def saturated_fraction(values: NDArray[Any]) -> tuple[float, float]:
    """Return the fraction of values at the highest one, 0 if it is no limit, and that value.

    Examples
    --------
    >>> saturated_fraction(np.array([1, 2, 3, 4, 5, 9, 9, 9, 9, 9]))
    (0.5, 9.0)
    >>> saturated_fraction(np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 9]))
    (0.0, 9.0)
    """
    top = values.max()
    count = int((values == top).sum())
    below = values[values < top]
    if not below.size:
        return 0.0, float(top)
    following = int((values == below.max()).sum())
    full = values.dtype.kind in "ui" and top == np.iinfo(values.dtype).max
    # Where few values come near the highest one, the detector or the program clipped it.
    limit = full or count > SATURATED_RATIO * following
    return (count / values.size if limit else 0.0), float(top)


def lowest_fraction(values: NDArray[Any]) -> float:
    """Return the fraction of values at the lowest one."""
    return float(np.mean(values == values.min()))


def grey_step(values: NDArray[Any]) -> float:
    """Return the smallest difference of grey levels; infinite for a constant.

    Examples
    --------
    >>> grey_step(np.array([8, 2, 5, 2]))
    3.0
    """
    levels = np.unique(values[:LEVEL_PIXELS]).astype(np.float64)
    return float(np.diff(levels).min(initial=np.inf))
