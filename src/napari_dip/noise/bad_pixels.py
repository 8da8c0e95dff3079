"""Find bad pixels of a detector: saturated, hot, dead, or not finite."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.ndimage import median_filter, rank_filter
from scipy.special import betainc

from napari_dip.noise.constants import (
    CHANCE_PER_IMAGE,
    HOT_ABOVE_MEDIAN,
    HOT_ABOVE_NEIGHBOURS,
    HOT_ABOVE_RANGE,
    HOT_CONTRAST,
    MAX_GREY_LEVELS,
    MIN_STEADY_PLANES,
    SATURATED_PIXELS,
    SATURATED_RATIO,
    SPECIMEN_CONTRAST,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.noise.poisson_gaussian import PoissonGaussian

__all__ = ["DEAD", "HOT", "BadPixels", "LabelledPlane", "find_bad_pixels", "label_planes"]

SATURATED, HOT, DEAD, NOT_FINITE = 1, 2, 3, 4
"""Labels."""

LabelledPlane = tuple[tuple[int, ...], "NDArray[np.uint8]"]
"""Numbers of a plane along the axes before Y and X, and its labels."""

_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
"""Footprint of the neighbours of a pixel."""


@dataclass(frozen=True)
class BadPixels:
    """Bad pixels of an image.

    Attributes
    ----------
    labels
        uint8, of the shape of the image without colours: 0 for a good pixel, 1 saturated, 2 hot,
        3 dead, 4 not finite.
    ceiling
        The value at which the detector saturates; ``None`` if no pixel is saturated.
    """

    labels: NDArray[np.uint8]
    ceiling: float | None

    def describe(self) -> str:
        """Name the labels and count their pixels; empty if all pixels are good."""
        counts = np.bincount(self.labels.ravel(), minlength=5)
        names = {
            SATURATED: f"saturated ({self.ceiling:g})" if self.ceiling is not None else "",
            HOT: "hot",
            DEAD: "dead",
            NOT_FINITE: "NaN or infinite",
        }
        return "; ".join(
            f"label {label}: {counts[label]} {name}"
            for label, name in names.items()
            if counts[label]
        )


def find_bad_pixels(image: Any, *, rgb: bool = False) -> BadPixels:
    """Find pixels whose values are not those of the specimen.

    Parameters
    ----------
    image
        Anything with a shape and a dtype that returns a plane for an index; each plane is read
        twice.
    rgb
        Whether the last axis holds colours. A pixel is bad if one of its colours is; alpha is
        ignored.

    Returns
    -------
    BadPixels
        A label for each pixel.

    Notes
    -----
    - A saturated pixel has the highest value of its dtype, or a highest value that many pixels have
      and few come near.
    - A hot or dead pixel differs from its neighbours by more than the noise and a sharp spot do.
      The noise is estimated from the image. Where photons are few, a hot pixel also has more of
      them than chance gives to any pixel of the image.
    - The sum of the planes of a stack is searched too, for pixels that are bad in all planes.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(100, 2, (32, 32))
    >>> image[5, 7], image[20, 9] = 900, np.nan
    >>> find_bad_pixels(image).describe()
    'label 2: 1 hot; label 4: 1 NaN or infinite'
    """
    shape = image.shape[:-1] if rgb else image.shape
    labels = np.zeros(shape, np.uint8)
    ceiling, planes = label_planes(image, rgb=rgb)
    for index, plane in planes:
        labels[index] = plane
    return BadPixels(labels, ceiling)


def label_planes(image: Any, *, rgb: bool = False) -> tuple[float | None, Iterator[LabelledPlane]]:
    """Find the same pixels plane by plane, for an image whose labels need too much memory.

    Returns
    -------
    float or None
        The value at which the detector saturates.
    iterator
        Numbers of each plane along the axes before Y and X, and its labels.
    """
    shape = image.shape[:-1] if rgb else image.shape
    planes = [*np.ndindex(shape[:-2])]

    def colours(index: tuple[int, ...]) -> NDArray[Any]:
        plane = np.asarray(image[index])
        return np.moveaxis(plane[..., :3], -1, 0) if rgb else plane[np.newaxis]

    planes_sum = _PlanesSum()
    top = _ceiling((planes_sum.add(colours(index)) for index in planes), image.dtype)
    max_chance = CHANCE_PER_IMAGE / math.prod(shape)
    steady = np.zeros(shape[-2:], np.uint8)
    if (total := planes_sum.total()) is not None:
        sensor = _sensor(total)
        steady = np.max([_label(plane, None, sensor, max_chance) for plane in total], axis=0)
    sensor = _sensor(colours(planes[len(planes) // 2]))

    def labelled() -> Iterator[LabelledPlane]:
        for index in planes:
            labels = steady.copy()
            for plane in colours(index):
                found = _label(plane, top, sensor, max_chance)
                labels = np.where(found, found, labels)
            yield index, labels

    return top, labelled()


class _PlanesSum:
    """Sum of planes without the highest value of each pixel, which may be hot in one plane only."""

    def __init__(self) -> None:
        self._planes, self._sum, self._highest = 0, np.zeros(()), np.full((), -np.inf)

    def add(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Add a plane, and return it."""
        self._planes += 1
        self._sum = self._sum + np.nan_to_num(plane, posinf=0, neginf=0).astype(np.float64)
        self._highest = np.maximum(self._highest, plane)
        return plane

    def total(self) -> NDArray[np.float64] | None:
        """Return the sum; ``None`` if there are too few planes."""
        if self._planes < MIN_STEADY_PLANES:
            return None
        total: NDArray[np.float64] = self._sum - np.nan_to_num(self._highest, posinf=0, neginf=0)
        return total


def _ceiling(planes: Any, dtype: np.dtype[Any]) -> float | None:
    """Find the value at which the detector saturates."""
    if dtype.kind == "b":
        return None
    counts: Counter[float] = Counter()
    for plane in planes:
        values = plane[np.isfinite(plane)] if dtype.kind == "f" else plane.ravel()
        for _ in range(2):  # the highest value and the next
            if values.size:
                highest = values.max()
                below = values[values < highest]
                counts[float(highest)] += values.size - below.size
                values = below
    if len(counts) < 2:
        return None  # constant
    top, following = sorted(counts, reverse=True)[:2]
    full = dtype.kind in "ui" and top == np.iinfo(dtype).max
    many = counts[top] >= max(SATURATED_PIXELS, SATURATED_RATIO * counts[following])
    return top if full or many else None


class _Sensor(NamedTuple):
    """Noise of a sensor, its dark level, its range without extremes, and its step per photon."""

    noise: PoissonGaussian
    low: float
    span: float
    photon: float


def _sensor(planes: NDArray[Any]) -> _Sensor:
    """Estimate the properties of a sensor from a plane."""
    from napari_dip.noise.estimate import estimate_noise

    values = planes.astype(np.float64)
    known = np.isfinite(values)
    noise = estimate_noise(values, known)
    if not known.any():
        return _Sensor(noise, 0.0, 0.0, noise.gain)
    low, high = np.percentile(values[known], (0.1, 99.9))
    levels = np.unique(values[known][:: -(-values.size // MAX_GREY_LEVELS)])
    # The gain cannot be estimated where most pixels are dark: the step of the values replaces it.
    step = np.diff(levels).min(initial=np.inf)
    photon = max(noise.gain, float(step) if np.isfinite(step) else 0.0)
    return _Sensor(noise, float(low), float(high - low), photon)


def _label(
    plane: NDArray[Any], top: float | None, sensor: _Sensor, max_chance: float
) -> NDArray[np.uint8]:
    """Label the bad pixels of a plane."""
    labels = np.zeros(plane.shape, np.uint8)
    values = plane.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values[~finite] = np.median(values[finite]) if finite.any() else 0.0
    if top is not None:
        labels[values >= top] = SATURATED
    median = median_filter(values, footprint=_NEIGHBOURS, mode="mirror")
    sigma = sensor.noise.sigma(median)
    above_median = np.maximum(HOT_ABOVE_MEDIAN * sigma, HOT_CONTRAST * sensor.span)
    above_neighbours = HOT_ABOVE_NEIGHBOURS * sigma
    if sensor.span > 0:
        brightest, darkest = (
            rank_filter(values, rank, footprint=_NEIGHBOURS, mode="mirror") for rank in (-2, 1)
        )
        above_neighbours = np.maximum(above_neighbours, HOT_ABOVE_RANGE * (brightest - darkest))
        hot = (values - median > above_median) & (values - brightest > above_neighbours)
        hot[hot] = _chance(values, np.argwhere(hot), sensor) < max_chance
        labels[hot] = HOT
        dead = (median - values > above_median) & (darkest - values > above_neighbours)
        labels[dead] = DEAD
    labels[~finite] = NOT_FINITE
    return labels


def _chance(
    values: NDArray[np.float64], places: NDArray[np.intp], sensor: _Sensor
) -> NDArray[np.float64]:
    """Return the probability that photons alone make pixels as bright, given their neighbours.

    Given the sum of two Poisson counts, one of them is binomial, whatever the rate (Przyborowski
    and Wilenski, Biometrika 31, 1940). The brightest neighbour may be hot too, so it counts as the
    second brightest.
    """
    around = np.argwhere(_NEIGHBOURS) + places[:, np.newaxis]
    photons = np.maximum(np.pad(values, 1, mode="reflect") - sensor.low, 0)
    photons /= sensor.photon or sensor.span
    own = photons[tuple(places.T + 1)]
    others = np.sort(photons[tuple(np.moveaxis(around, -1, 0))], axis=1)
    others[:, -1] = others[:, -2]
    share = SPECIMEN_CONTRAST / (SPECIMEN_CONTRAST + others.shape[1])
    chance: NDArray[np.float64] = betainc(own, others.sum(axis=1) + 1, share)
    return chance
