"""Find the pixels of an image that show little but noise, and how strong it is there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["Flat", "flat_pixels", "intensity_bins", "robust_sigma", "second_differences"]

_FAR = 3.0
"""In standard deviations: differences beyond that are edges, not noise."""

_LEFT_OF_NORMAL = 0.985
"""Standard deviation of normal values once those beyond are cut off, again and again."""

_WINDOW = 7
"""Side of the square over which the local mean is taken."""

_FLATTEST = 0.4
"""The part of the pixels of a bin, those with the least gradient, that tell of the noise."""

_BINS = 16
_LEAST_IN_BIN = 200


@dataclass(frozen=True)
class Flat:
    """Pixels in flat surroundings: where they are, and the local mean there."""

    values: NDArray[np.float64]
    places: NDArray[np.intp]
    level: NDArray[np.float64]

    def details(self, steps: tuple[int, int]) -> NDArray[np.float64]:
        """Give their second differences; NaN where those reach beyond what is known."""
        return second_differences(self.values, steps).ravel()[self.places]

    def growths(
        self, direction: tuple[int, int], steps: Iterable[int]
    ) -> Iterator[NDArray[np.float64]]:
        """Tell for each step how many times as strong they are as those of neighbours.

        At each intensity by itself: noise is shared alike at all of them, and texture is not.
        """
        near = self.details(direction)
        for step in steps:
            yield self._growth(near, self.details((step * direction[0], step * direction[1])))

    def _growth(self, near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
        usable = np.isfinite(near) & np.isfinite(far)
        if not usable.any():
            return np.ones(1)
        near, far = near[usable], far[usable]
        parts = intensity_bins(self.level[usable])
        scales = [(robust_sigma(near[part]), robust_sigma(far[part])) for part in parts]
        return np.array([far / near for near, far in scales if near] or [1.0])


def flat_pixels(planes: NDArray[np.float64], seen: NDArray[np.bool_]) -> Flat:
    """Choose, at every intensity, the pixels with the least gradient around them."""
    size = (1, *(min(_WINDOW, side) for side in planes.shape[1:]))
    weight = uniform_filter(seen.astype(np.float64), size)
    level = uniform_filter(np.where(seen, planes, 0.0), size) / np.maximum(weight, 1e-9)
    steps = np.hypot(*(_central(level, axis) for axis in (1, 2)))
    values = np.where(seen, planes, np.nan)
    usable, farther = (np.isfinite(second_differences(values, (k, k))) for k in (1, 2))
    if np.count_nonzero(usable & farther) >= _LEAST_IN_BIN:
        usable &= farther  # else too small, or too few known pixels, for a step of two
    places = np.flatnonzero(usable)
    level, steps = level[usable], steps[usable]
    if not places.size:
        return Flat(values, places, level)
    flat = [
        part[np.argsort(steps[part], kind="stable")[: max(1, round(_FLATTEST * len(part)))]]
        for part in intensity_bins(level)
    ]
    chosen = np.concatenate(flat)
    return Flat(values, places[chosen], level[chosen])


def intensity_bins(level: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Group pixels by intensity: as many in each, and again finer where the range is wide.

    A micrograph is mostly background: groups of equal size alone would see little else.
    """
    order = np.argsort(level, kind="stable")
    ends = np.linspace(level[order[0]], level[order[-1]], _BINS + 1)[1:-1]
    cuts = np.union1d(
        np.searchsorted(level[order], ends), np.linspace(0, len(order), _BINS + 1)[1:-1].astype(int)
    )
    parts: list[NDArray[np.intp]] = []
    start = 0
    for stop in [*cuts, len(order)]:
        if stop - start >= _LEAST_IN_BIN:
            parts.append(order[start:stop])
            start = stop
    return [*parts, order[start:]] if start < len(order) else parts


def _central(level: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Differences across three pixels to either side, as far as the image reaches."""
    size = level.shape[axis]
    places = np.arange(size)
    after = level.take((places + _WINDOW // 2).clip(max=size - 1), axis)
    return after - level.take((places - _WINDOW // 2).clip(min=0), axis)


def second_differences(values: NDArray[np.float64], steps: tuple[int, int]) -> NDArray[np.float64]:
    """[1, -2, 1] along each axis whose step is not 0, scaled to keep the noise; NaN at the rim."""
    details = values
    for axis, step in enumerate(steps, start=1):
        if step:
            rim = [(step, step) if other == axis else (0, 0) for other in range(values.ndim)]
            wide = np.moveaxis(np.pad(details, rim, constant_values=np.nan), axis, 0)
            differences = wide[: -2 * step] - 2 * wide[step:-step] + wide[2 * step :]
            details = np.moveaxis(differences, 0, axis) / math.sqrt(6)  # the norm of [1, -2, 1]
    return details


def robust_sigma(details: NDArray[np.float64]) -> float:
    """Estimate the standard deviation, without what lies far out.

    Not the median absolute value: where photons are few most differences are zero.
    """
    squares = np.sort(details**2)
    total = np.cumsum(squares)
    count = len(squares)
    if not count:
        return 0.0
    for _ in range(10):
        if not total[count - 1]:  # nearly all are zero, for photons are few: none lies far out
            count = len(squares)
            break
        inside = np.searchsorted(squares, _FAR**2 * total[count - 1] / count, side="right")
        if inside == count:
            break
        count = int(inside)
    return math.sqrt(total[count - 1] / count) / _LEFT_OF_NORMAL
