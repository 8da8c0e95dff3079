"""Select the pixels in flat surroundings, and measure the noise there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

from napari_dip.noise.constants import (
    FLAT_FRACTION,
    INTENSITY_BINS,
    LOCAL_MEAN_SIDE,
    MIN_BIN_PIXELS,
    OUTLIER_SIGMAS,
    TRIMMED_SIGMA,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["FlatPixels", "flat_pixels", "intensity_bins", "robust_sigma", "second_differences"]


@dataclass(frozen=True)
class FlatPixels:
    """Pixels in flat surroundings.

    ``values`` are ``(planes, height, width)`` with NaN where a pixel is unknown, ``indices`` those
    of the flat pixels in the flattened values, and ``level`` their local means.
    """

    values: NDArray[np.float64]
    indices: NDArray[np.intp]
    level: NDArray[np.float64]

    def differences(self, steps: tuple[int, int]) -> NDArray[np.float64]:
        """Return the second differences of the flat pixels; NaN where a neighbour is unknown."""
        return second_differences(self.values, steps).ravel()[self.indices]

    def growth(
        self, direction: tuple[int, int], steps: Iterable[int]
    ) -> Iterator[NDArray[np.float64]]:
        """Yield for each step the ratio of the differences to those of neighbours.

        There is one ratio for each intensity bin: the correlation of noise is the same in all of
        them, texture is not.
        """
        near = self.differences(direction)
        for step in steps:
            far = self.differences((step * direction[0], step * direction[1]))
            yield self._ratios(near, far)

    def _ratios(self, near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
        usable = np.isfinite(near) & np.isfinite(far)
        if not usable.any():
            return np.ones(1)
        near, far = near[usable], far[usable]
        bins = intensity_bins(self.level[usable])
        sigmas = [(robust_sigma(near[members]), robust_sigma(far[members])) for members in bins]
        return np.array([far / near for near, far in sigmas if near] or [1.0])


def flat_pixels(planes: NDArray[np.float64], known: NDArray[np.bool_]) -> FlatPixels:
    """Select the pixels with the smallest gradient in each intensity bin.

    Parameters
    ----------
    planes, known
        ``(planes, height, width)``; ``known`` is true where a pixel was observed.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(0, 3, (1, 64, 64))
    >>> image[:, :, 32:] += 100
    >>> flat = flat_pixels(image, np.ones(image.shape, bool))
    >>> abs(robust_sigma(flat.differences((1, 1))) - 3) < 0.3
    True
    """
    size = (1, *(min(LOCAL_MEAN_SIDE, side) for side in planes.shape[1:]))
    weight = uniform_filter(known.astype(np.float64), size)
    level = uniform_filter(np.where(known, planes, 0.0), size) / np.maximum(weight, 1e-9)
    gradient = np.hypot(*(_central_difference(level, axis) for axis in (1, 2)))
    values = np.where(known, planes, np.nan)
    usable, farther = (np.isfinite(second_differences(values, (k, k))) for k in (1, 2))
    if np.count_nonzero(usable & farther) >= MIN_BIN_PIXELS:
        usable &= farther  # otherwise too few pixels are known for a step of two
    indices = np.flatnonzero(usable)
    level, gradient = level[usable], gradient[usable]
    if not indices.size:
        return FlatPixels(values, indices, level)
    flat = [
        members[
            np.argsort(gradient[members], kind="stable")[
                : max(1, round(FLAT_FRACTION * len(members)))
            ]
        ]
        for members in intensity_bins(level)
    ]
    chosen = np.concatenate(flat)
    return FlatPixels(values, indices[chosen], level[chosen])


def intensity_bins(level: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Group pixels by intensity, and return their indices.

    The bin edges are quantiles and equal steps of the range together. Most of a micrograph is
    background, so quantiles alone would leave one bin for all the rest.

    Examples
    --------
    >>> bins = intensity_bins(np.arange(3200.0))
    >>> len(bins), len(bins[0])
    (16, 200)
    """
    order = np.argsort(level, kind="stable")
    ends = np.linspace(level[order[0]], level[order[-1]], INTENSITY_BINS + 1)[1:-1]
    cuts = np.union1d(
        np.searchsorted(level[order], ends),
        np.linspace(0, len(order), INTENSITY_BINS + 1)[1:-1].astype(int),
    )
    bins: list[NDArray[np.intp]] = []
    start = 0
    for stop in [*cuts, len(order)]:
        if stop - start >= MIN_BIN_PIXELS:
            bins.append(order[start:stop])
            start = stop
    return [*bins, order[start:]] if start < len(order) else bins


def _central_difference(level: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the difference of the levels half a window to either side, clipped at the rim."""
    size = level.shape[axis]
    places = np.arange(size)
    after = level.take((places + LOCAL_MEAN_SIDE // 2).clip(max=size - 1), axis)
    return after - level.take((places - LOCAL_MEAN_SIDE // 2).clip(min=0), axis)


def second_differences(values: NDArray[np.float64], steps: tuple[int, int]) -> NDArray[np.float64]:
    """Apply [1, -2, 1] along Y and X, with the given steps in pixels.

    Parameters
    ----------
    values
        ``(planes, height, width)``.
    steps
        Distance of the neighbours along Y and X; 0 leaves an axis out.

    Returns
    -------
    ndarray
        Of the same shape, scaled so that white noise keeps its variance; NaN at the rim.

    Examples
    --------
    >>> float(second_differences(np.array([[[0.0, 1.0, 0.0]]]), (0, 1))[0, 0, 1].round(3))
    -0.816
    """
    differences = values
    for axis, step in enumerate(steps, start=1):
        if step:
            rim = [(step, step) if other == axis else (0, 0) for other in range(values.ndim)]
            wide = np.moveaxis(np.pad(differences, rim, constant_values=np.nan), axis, 0)
            along = wide[: -2 * step] - 2 * wide[step:-step] + wide[2 * step :]
            differences = np.moveaxis(along, 0, axis) / math.sqrt(6)  # the norm of [1, -2, 1]
    return differences


def robust_sigma(differences: NDArray[np.float64]) -> float:
    """Estimate the standard deviation around 0 without outliers.

    Values beyond three standard deviations are removed repeatedly. The median absolute value would
    be too low where photons are few, because most differences are zero there.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(0, 2, 10_000)
    >>> values[:100] = 50
    >>> abs(robust_sigma(values) - 2) < 0.1
    True
    """
    squares = np.sort(differences**2)
    total = np.cumsum(squares)
    count = len(squares)
    if not count:
        return 0.0
    for _ in range(10):
        if not total[count - 1]:  # nearly all are zero, because photons are few: keep all
            count = len(squares)
            break
        limit = OUTLIER_SIGMAS**2 * total[count - 1] / count
        inside = np.searchsorted(squares, limit, side="right")
        if inside == count:
            break
        count = int(inside)
    return math.sqrt(total[count - 1] / count) / TRIMMED_SIGMA
