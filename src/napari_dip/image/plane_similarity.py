"""Compare neighbouring planes, to decide which share a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.pipeline.registration import overlap, register_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.image.observed import ObservedImage, ObservedPart
    from napari_dip.noise.model import NoiseModel

__all__ = ["PlaneComparisons", "is_shifted"]

MAX_SIMILAR_DIFFERENCE = 1.0
"""Multiple of the noise variance: planes that differ by less are similar
(benchmarks/NOTES.md, "Dissimilar planes")."""

MAX_SHARED_DIFFERENCE = 100.0
"""Multiple of the noise variance: planes that differ by more are restored better separately
(benchmarks/NOTES.md, "Dissimilar planes": mitocheck)."""

MIN_CORRELATION = 0.5
"""Minimum correlation without noise of planes between these limits
(benchmarks/NOTES.md, "Dissimilar planes")."""

Numbers = tuple[int, ...]


class _Comparison(NamedTuple):
    """Variance of the difference of two planes, sum of their variances, and mean intensity."""

    difference: float
    total: float
    level: float


@dataclass
class PlaneComparisons:
    """Comparisons of each plane with the one before it along the shared axis.

    ``comparisons`` hold the channel of each plane, and its comparison.
    """

    layout: Layout
    comparisons: dict[Numbers, tuple[int, _Comparison]] = field(default_factory=dict)
    _last: dict[Numbers, ObservedPart] = field(default_factory=dict)

    def add(self, plane: ObservedPart, numbers: Numbers, channel: int) -> None:
        """Compare a plane with the last one, if that precedes it along the shared axis."""
        axis = self.layout.axes.index(self.layout.shared)
        place = self.layout.leading.index(axis)
        others = (*numbers[:place], *numbers[place + 1 :])
        last = self._last.pop(others, None)
        if numbers[place] != self.layout.shape[axis] - 1:
            self._last[others] = plane
        if last is None:
            return
        comparison = _compared((last.values, plane.values), last.known & plane.known)
        if comparison is not None:
            self.comparisons[numbers] = channel, comparison

    def breaks(self, noises: tuple[NoiseModel, ...]) -> dict[Numbers, NoiseModel]:
        """Return the planes that are dissimilar to the one before, with their noise."""
        return {
            numbers: noises[channel]
            for numbers, (channel, comparison) in self.comparisons.items()
            if not _similar(comparison, noises[channel])
        }


def _compared(
    planes: tuple[NDArray[Any], NDArray[Any]], known: NDArray[np.bool_]
) -> _Comparison | None:
    """Compare two planes where both are known; ``None`` if no pixel is."""
    if not known.any():
        return None
    part = ... if known.all() else known  # an index by a mask would copy the values
    first, second = (plane[part].astype(np.float64) for plane in planes)
    level = (first.mean() + second.mean()) / 2
    total = first.var() + second.var()
    return _Comparison(float((second - first).var()), float(total), float(level))


def _similar(planes: _Comparison, model: NoiseModel) -> bool:
    """Whether two planes are similar enough, for their noise, to share a network."""
    noise = 2 * float(model.sigma(planes.level)) ** 2
    excess = planes.difference - noise
    if excess <= MAX_SIMILAR_DIFFERENCE * noise / 2:
        return True
    correlated = excess < (1 - MIN_CORRELATION) * (planes.total - noise)
    return excess <= MAX_SHARED_DIFFERENCE * noise / 2 and correlated


def is_shifted(
    observed: ObservedImage, layout: Layout, numbers: Numbers, noise: NoiseModel
) -> bool:
    """Whether a shift makes a plane similar to the one before it; of colours, red is compared."""
    place = dict(zip(layout.leading, numbers, strict=True))
    axis = layout.axes.index(layout.shared)
    pair = [
        observed.read(layout.index({**place, axis: number}))
        for number in (place[axis] - 1, place[axis])
    ]
    values, known = (
        np.stack([layout.colours(part)[0] for part in parts])
        for parts in zip(*((plane.values, plane.known) for plane in pair), strict=True)
    )
    values = np.where(known, values, 0).astype(np.float64)
    shifts = register_planes(values, known, (noise, noise))
    if not shifts.any():
        return False
    first, second = overlap(values, shifts)
    comparison = _compared((first, second), np.logical_and(*overlap(known, shifts)))
    return comparison is not None and _similar(comparison, noise)
