"""Interpolate the missing pixels of a volume, within planes and between planes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_dip.dip.constants import MAX_ERROR_DISTANCE
from napari_dip.dip.gap_interpolation import interpolate_gaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["interpolate_volume_gaps"]


def interpolate_volume_gaps(
    values: NDArray[np.float32], known: NDArray[np.bool_], sigma: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Interpolate missing pixels within their plane and between planes, and average both.

    The weights are the inverse of the expected squared errors. The error of an interpolation over
    some distance is measured on known pixels: it is the error of the mean of the two pixels at that
    distance on both sides. So a hole in one plane shows what the neighbouring planes show, unless
    the planes differ.

    Parameters
    ----------
    values
        ``(channels, planes, height, width)``, with any numbers where pixels are missing.
    known
        False where a pixel is missing, of the shape of ``values``.
    sigma
        Standard deviation of the noise; 1 is the range of intensities.

    Returns
    -------
    filled
        The interpolated values, float32. Pixels without a known pixel in their plane and across
        planes are unchanged.
    interpolated
        Where a value was interpolated.

    Examples
    --------
    >>> stripes = np.sin(np.arange(30.0)) * np.ones((1, 5, 30, 1), np.float32)
    >>> known = np.ones(stripes.shape, bool)
    >>> known[:, 2, 5:25, 5:25] = False
    >>> filled, _ = interpolate_volume_gaps(np.where(known, stripes, 9), known)
    >>> bool(np.abs(filled - stripes).max() < 0.01)
    True
    """
    within = interpolate_gaps(values, known, sigma)
    has_within = known.any(axis=(-2, -1), keepdims=True) & ~known
    between, across = _between_planes(values, known)
    has_between = np.isfinite(across) & ~known
    inside = np.stack([[_distance_to_known(plane) for plane in channel] for channel in known])
    errors = [
        _expected_error(values, known, axes, distance)
        for axes, distance in (((-2, -1), inside), ((-3,), np.where(has_between, across, 0)))
    ]
    total = np.maximum(sum(errors), np.finfo(np.float32).tiny)
    weight = np.where(has_within & has_between, errors[0] / total, has_between)
    filled = np.where(has_between, within + weight * (between - within), within)
    return filled.astype(np.float32), has_within | has_between


def _distance_to_known(plane: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance to the nearest known pixel; 0 in a plane without one."""
    return np.asarray(distance_transform_edt(~plane)) if plane.any() else np.zeros(plane.shape)


def _between_planes(
    values: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interpolate linearly across planes; return the distance to the known planes, too."""
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
    # An end at an infinite distance has the weight 0.
    weights = [1 / np.maximum(distance, 1e-9) for distance in (down, up)]
    total = np.maximum(weights[0] + weights[1], np.finfo(np.float64).tiny)
    # With one end only, the error is that of twice the distance.
    distance = np.minimum(down, up) * np.where(np.isfinite(np.maximum(down, up)), 1, 2)
    return (weights[0] * ends[0] + weights[1] * ends[1]) / total, distance


def _expected_error(
    values: NDArray[np.float32],
    known: NDArray[np.bool_],
    axes: tuple[int, ...],
    distance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the mean squared error of the mean of two pixels at a distance on both sides."""
    errors = [0.0]
    for lag in range(1, min(MAX_ERROR_DISTANCE, math.ceil(distance.max())) + 1):
        squares, count = 0.0, 0
        for axis in axes:
            parts = (slice(lag, -lag), slice(None, -2 * lag), slice(2 * lag, None))
            middle, one, other = (np.moveaxis(values, axis, 0)[part] for part in parts)
            all_known = np.logical_and.reduce([np.moveaxis(known, axis, 0)[part] for part in parts])
            squares += float(np.square((middle - (one + other) / 2)[all_known]).sum())
            count += int(all_known.sum())
        errors.append(squares / count if count else errors[-1])
    return np.interp(distance, np.arange(len(errors)), np.maximum.accumulate(errors))
