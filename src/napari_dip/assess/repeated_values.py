"""Find values that neighbouring pixels share too often, as a median filter leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["repeated_values"]

MIN_PAIRS = 200
"""Pairs of neighbours with equal values: fewer are not counted. Not measured."""


def repeated_values(values: NDArray[Any], known: NDArray[np.bool_]) -> tuple[float, float]:
    """Return how often neighbours are equal, and how often by chance, as fractions of the pairs.

    Two neighbours of independent noise differ by one grey level as often as they are equal. Those
    of a median filter are often the same pixel of the raw image.

    Parameters
    ----------
    values
        A plane, along Y and X.
    known
        The pixels that are known. Those with the highest value do not count, as they may be
        clipped, nor does the darker half: without photons, pixels have equal values.

    Returns
    -------
    equal, by_chance : float
        For the axis with the fewer equal neighbours; 0 and 0 if they are too few.

    Notes
    -----
    Grey levels are the values that occur, so that a stretched image has no gaps.

    Source: M. Kirchner, J. Fridrich, On Detection of Median Filtering in Digital Images, Media
    Forensics and Security II, Proc. SPIE 7541, 754110 (2010), doi:10.1117/12.839100

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 100, (128, 128))
    >>> repeated_values(noise, noise >= 0)
    (0.0, 0.0)
    >>> from scipy.ndimage import median_filter
    >>> filtered = median_filter(noise, 3)
    >>> equal, by_chance = repeated_values(filtered, noise >= 0)
    >>> equal > 3 * by_chance
    True
    """
    levels, numbers = np.unique(values, return_inverse=True)
    level = numbers.reshape(values.shape)
    middle = np.median(level[known])
    counted = known & (level > middle) & (level < len(levels) - 1)
    found = []
    for axis in (0, 1):
        ahead, behind = _pairs(level, axis)
        both = np.logical_and(*_pairs(counted, axis))
        steps = np.abs(ahead - behind)[both]
        pairs = max(1, steps.size)
        equal = int((steps == 0).sum())
        if equal < MIN_PAIRS:
            return 0.0, 0.0
        found.append((equal / pairs, int((steps == 1).sum()) / 2 / pairs))
    return min(found)


def _pairs(values: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each pixel but the first along an axis, and the pixel before it."""
    moved = np.moveaxis(values, axis, 0)
    return moved[1:], moved[:-1]
