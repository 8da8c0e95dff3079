"""Shift a restored plane so that its total intensity is that of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Total", "with_total"]

MAX_STEPS = 100
"""Steps of the shift: each one halves the rest or more, unless nearly all pixels are clipped."""

PRECISION = 1e-12
"""Fraction of the range of the result: a smaller shift of the mean is none."""


class Total(NamedTuple):
    """Pixels of a plane of the result, and the sum that they should have."""

    counted: NDArray[np.bool_]
    target: float


def with_total(
    values: NDArray[np.float64], total: Total, low: float, high: float, *, integer: bool
) -> NDArray[np.float64]:
    """Add a constant to the counted pixels, so that they have a given sum.

    Parameters
    ----------
    values
        A plane or volume, in units of the image.
    total
        The pixels to shift, and their sum.
    low, high
        Limits of the values; a pixel at a limit is not shifted beyond it.
    integer
        Whether the values are to be rounded. Then those nearest to the next number are rounded the
        other way, until the sum is that of the target, rounded.

    Returns
    -------
    ndarray
        The shifted values, rounded if asked. If the target is beyond the limits, the nearest sum.

    Examples
    --------
    >>> everywhere = np.ones((2, 2), bool)
    >>> values = np.array([[1.2, 1.3], [1.4, 1.5]])
    >>> with_total(values, Total(everywhere, 7.0), 0, 9, integer=True).sum()
    np.float64(7.0)
    """
    chosen = values[total.counted]
    if not chosen.size:
        return values
    shift = 0.0
    for _ in range(MAX_STEPS):
        missing = (total.target - (chosen + shift).clip(low, high).sum()) / chosen.size
        shift += float(missing)
        if abs(missing) <= PRECISION * (high - low):
            break
    chosen = (chosen + shift).clip(low, high)
    shifted = values.copy()
    shifted[total.counted] = _rounded(chosen, total.target, low, high) if integer else chosen
    return shifted


def _rounded(
    values: NDArray[np.float64], target: float, low: float, high: float
) -> NDArray[np.float64]:
    """Round to whole numbers with the rounded sum of the target, by the largest remainders."""
    whole = values.round()
    missing = round(target - float(whole.sum()))
    step = 1 if missing > 0 else -1
    movable = np.flatnonzero((whole + step >= low) & (whole + step <= high))
    number = min(abs(missing), movable.size)
    if number:
        remainders = (step * (values - whole))[movable]
        nearest = np.argpartition(-remainders, number - 1)[:number]
        whole[movable[nearest]] += step
    return whole
