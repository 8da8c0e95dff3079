"""Missing pixels of a volume, guessed within their plane and between it and its neighbours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_dip.dip.initial_guess import interpolated

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["interpolated_volume"]

_FARTHEST = 32
"""Pixels up to which it is measured how well those on either side tell what lies between."""


def interpolated_volume(
    values: NDArray[np.float32], known: NDArray[np.bool_], sigma: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Fill each plane from its own pixels, and from its neighbours.

    Either guess is taken to err as the mean of two known pixels errs that lie as far on either side
    of a known one as the nearest known one does here, in the plane or across planes. Both are
    weighed by the inverse of that error, squared: so a hole in one plane shows what the planes
    about it show, unless they are unlike it.

    Parameters
    ----------
    values
        ``(channels, planes, height, width)``, any numbers where they are unknown.
    known, sigma
        As there.

    Returns
    -------
    filled, guessed
        New arrays of their shape: the values, float32, and where one was guessed. Pixels without a
        known one in their plane nor across planes stay as they are.

    Examples
    --------
    >>> stripes = np.sin(np.arange(30.0)) * np.ones((1, 5, 30, 1), np.float32)
    >>> known = np.ones(stripes.shape, bool)
    >>> known[:, 2, 5:25, 5:25] = False
    >>> filled, _ = interpolated_volume(np.where(known, stripes, 9), known)
    >>> bool(np.abs(filled - stripes).max() < 0.01)
    True
    """
    within = interpolated(values, known, sigma)
    flat = known.any(axis=(-2, -1), keepdims=True) & ~known
    between, across = _between_planes(values, known)
    columns = np.isfinite(across) & ~known
    inside = np.stack([[_to_known(plane) for plane in channel] for channel in known])
    doubts = [
        _error(values, known, axes, distance)
        for axes, distance in (((-2, -1), inside), ((-3,), np.where(columns, across, 0)))
    ]
    total = np.maximum(sum(doubts), np.finfo(np.float32).tiny)
    share = np.where(flat & columns, doubts[0] / total, columns)
    filled = np.where(columns, within + share * (between - within), within)
    return filled.astype(np.float32), flat | columns


def _to_known(plane: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Measure how far the nearest known pixel of a plane is, 0 where there is none."""
    return np.asarray(distance_transform_edt(~plane)) if plane.any() else np.zeros(plane.shape)


def _between_planes(
    values: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interpolate linearly across planes, and tell how many planes away the known ones are."""
    planes = np.arange(known.shape[-3]).reshape(-1, 1, 1)
    below = np.maximum.accumulate(np.where(known, planes, -1), axis=-3)
    above = np.flip(
        np.minimum.accumulate(np.flip(np.where(known, planes, len(planes)), -3), axis=-3), -3
    )
    down = np.where(below >= 0, planes - below, np.inf)
    up = np.where(above < len(planes), above - planes, np.inf)
    ends = [
        np.take_along_axis(values, end.clip(0, len(planes) - 1), axis=-3).astype(np.float64)
        for end in (below, above)
    ]
    # The nearer counts more; where there is only one, it counts alone.
    weights = [1 / np.maximum(distance, 1e-9) for distance in (down, up)]
    total = np.maximum(weights[0] + weights[1], np.finfo(np.float64).tiny)
    # From one side alone it is as uncertain as from twice as far on either.
    far = np.minimum(down, up) * np.where(np.isfinite(np.maximum(down, up)), 1, 2)
    return (weights[0] * ends[0] + weights[1] * ends[1]) / total, far


def _error(
    values: NDArray[np.float32],
    known: NDArray[np.bool_],
    axes: tuple[int, ...],
    distance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Tell how the mean of two pixels errs, squared, that lie so far away on either side."""
    found = [0.0]
    for apart in range(1, min(_FARTHEST, math.ceil(distance.max())) + 1):
        squares, count = 0.0, 0
        for axis in axes:
            parts = (slice(apart, -apart), slice(None, -2 * apart), slice(2 * apart, None))
            middle, one, other = (np.moveaxis(values, axis, 0)[part] for part in parts)
            there = np.logical_and.reduce([np.moveaxis(known, axis, 0)[part] for part in parts])
            squares += float(np.square((middle - (one + other) / 2)[there]).sum())
            count += int(there.sum())
        found.append(squares / count if count else found[-1])
    return np.interp(distance, np.arange(len(found)), np.maximum.accumulate(found))
