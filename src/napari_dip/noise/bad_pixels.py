"""Pixels that a camera got wrong, suggested as a mask: saturated, hot, dead, not finite."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.ndimage import median_filter, rank_filter
from scipy.special import betainc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel

__all__ = ["Suggested", "suggest"]

_SATURATED, _HOT, _DEAD, _NOT_FINITE = 1, 2, 3, 4

_RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
"""The neighbours of a pixel."""

_BEYOND_ALL, _BEYOND_MEDIAN = 4.0, 8.0
"""By how many standard deviations of the noise a hot pixel exceeds all its neighbours but one,
which may be hot as well, and their median."""

_BEYOND_RANGE = 2.0
"""By how many times the range of these neighbours it exceeds them: less does an edge or a tip."""

_CONTRAST = 0.1
"""The least that it exceeds their median by, as a part of the range of the image."""

_BRIGHTER, _BY_CHANCE = 2.0, 1e-3
"""How much brighter than the mean of its neighbours a pixel of the specimen may be, and in how many
images as large as this one photons may make a hot pixel by chance."""

_FEW = 4
"""Planes of a stack from which on it is told what is hot or dead in all of them."""

_MOST_LEVELS = 2**18
"""Values that are looked at for the difference of grey levels."""

_PILE, _STEEP = 8, 4
"""Pixels that share the highest value at least where the detector cut it off, and how many times
more they are than those of the next value."""


@dataclass(frozen=True)
class Suggested:
    """What was found.

    Attributes
    ----------
    labels
        uint8, of the shape of what was looked at, without colours: 0 where nothing was found, 1
        saturated, 2 hot, 3 dead, 4 not finite.
    ceiling
        The value from which on a pixel is saturated; ``None`` where none is.
    """

    labels: NDArray[np.uint8]
    ceiling: float | None

    def in_words(self) -> str:
        """Say which label is what, and of how many pixels; empty where nothing was found."""
        counts = np.bincount(self.labels.ravel(), minlength=5)
        names = {
            _SATURATED: f"saturated ({self.ceiling:g})" if self.ceiling is not None else "",
            _HOT: "hot",
            _DEAD: "dead",
            _NOT_FINITE: "NaN or infinite",
        }
        return "; ".join(
            f"label {label}: {counts[label]} {name}"
            for label, name in names.items()
            if counts[label]
        )


def suggest(image: Any, *, rgb: bool = False) -> Suggested:
    """Look for pixels that say nothing of the specimen.

    Saturated is what has the highest value of its type, or a highest value that many pixels share
    and few come near to. Hot and dead pixels differ from their neighbours by more than the noise
    and a sharp spot do: the noise is told from the image, plane by plane they are looked for. Where
    photons are few, a hot pixel has more of them than chance gives to any pixel of such an image.
    The planes of a stack are looked at together as well, for what is hot or dead in all of them.

    Parameters
    ----------
    image
        Anything with a shape and a dtype that gives planes for indices; each is read twice.
    rgb
        Whether the last axis holds colours; a pixel counts where one of them does, alpha does not.

    Returns
    -------
    Suggested
        A label for each pixel.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(100, 2, (32, 32))
    >>> image[5, 7], image[20, 9] = 900, np.nan
    >>> found = suggest(image)
    >>> found.in_words()
    'label 2: 1 hot; label 4: 1 NaN or infinite'
    """
    shape = image.shape[:-1] if rgb else image.shape
    planes = [*np.ndindex(shape[:-2])]

    def colours(index: tuple[int, ...]) -> NDArray[Any]:
        plane = np.asarray(image[index])
        return np.moveaxis(plane[..., :3], -1, 0) if rgb else plane[np.newaxis]

    steady = _Steady()
    top = _ceiling((steady.noted(colours(index)) for index in planes), image.dtype)
    labels = np.zeros(shape, np.uint8)
    rare = _BY_CHANCE / labels.size
    if (seen := steady.seen()) is not None:
        sensor = _sensor(seen)
        labels[...] = np.max([_label(plane, None, sensor, rare) for plane in seen], axis=0)
    sensor = _sensor(colours(planes[len(planes) // 2]))
    for index in planes:
        for plane in colours(index):
            found = _label(plane, top, sensor, rare)
            labels[index] = np.where(found, found, labels[index])
    return Suggested(labels, top)


class _Steady:
    """Sums up planes, but for the highest of each pixel: what is hot in one alone is none of it."""

    def __init__(self) -> None:
        self._planes, self._sum, self._highest = 0, np.zeros(()), np.full((), -np.inf)

    def noted(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Take in a plane, and hand it on."""
        self._planes += 1
        self._sum = self._sum + np.nan_to_num(plane, posinf=0, neginf=0).astype(np.float64)
        self._highest = np.maximum(self._highest, plane)
        return plane

    def seen(self) -> NDArray[np.float64] | None:
        """Give the sum; ``None`` of too few planes."""
        if self._planes < _FEW:
            return None
        steady: NDArray[np.float64] = self._sum - np.nan_to_num(self._highest, posinf=0, neginf=0)
        return steady


def _ceiling(planes: Any, dtype: np.dtype[Any]) -> float | None:
    """Find the value at which the detector cut off."""
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
    return top if full or counts[top] >= max(_PILE, _STEEP * counts[following]) else None


class _Sensor(NamedTuple):
    """The noise; the darkest value and the range, without the outermost; what a photon makes."""

    noise: NoiseModel
    low: float
    span: float
    photon: float


def _sensor(planes: NDArray[Any]) -> _Sensor:
    """Tell all that from a plane."""
    from napari_dip.noise.estimate import estimate_noise

    values = planes.astype(np.float64)
    known = np.isfinite(values)
    noise = estimate_noise(values, known)
    if not known.any():
        return _Sensor(noise, 0.0, 0.0, noise.gain)
    low, high = np.percentile(values[known], (0.1, 99.9))
    levels = np.unique(values[known][:: -(-values.size // _MOST_LEVELS)])
    step = np.diff(levels).min(initial=np.inf)  # where most pixels are dark, no gain can be told
    photon = max(noise.gain, float(step) if np.isfinite(step) else 0.0)
    return _Sensor(noise, float(low), float(high - low), photon)


def _label(
    plane: NDArray[Any], top: float | None, sensor: _Sensor, rare: float
) -> NDArray[np.uint8]:
    labels = np.zeros(plane.shape, np.uint8)
    values = plane.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values[~finite] = np.median(values[finite]) if finite.any() else 0.0
    if top is not None:
        labels[values >= top] = _SATURATED
    around = median_filter(values, footprint=_RING, mode="mirror")
    sigma = sensor.noise.sigma(around)
    far = np.maximum(_BEYOND_MEDIAN * sigma, _CONTRAST * sensor.span)
    near = _BEYOND_ALL * sigma
    if sensor.span > 0:
        brightest, darkest = (
            rank_filter(values, rank, footprint=_RING, mode="mirror") for rank in (-2, 1)
        )
        near = np.maximum(near, _BEYOND_RANGE * (brightest - darkest))
        hot = (values - around > far) & (values - brightest > near)
        hot[hot] = _chance(values, np.argwhere(hot), sensor) < rare
        labels[hot] = _HOT
        labels[(around - values > far) & (darkest - values > near)] = _DEAD
    labels[~finite] = _NOT_FINITE
    return labels


def _chance(
    values: NDArray[np.float64], places: NDArray[np.intp], sensor: _Sensor
) -> NDArray[np.float64]:
    """Tell how likely photons alone make pixels as bright as they are, given their neighbours.

    Of two Poisson counts, given their sum, one is binomial, whatever the rate (Przyborowski and
    Wilenski, Biometrika 31, 1940). The brightest neighbour, which may be hot as well, counts as the
    one next to it.
    """
    around = np.argwhere(_RING) + places[:, np.newaxis]
    photons = np.maximum(np.pad(values, 1, mode="reflect") - sensor.low, 0)
    photons /= sensor.photon or sensor.span
    own = photons[tuple(places.T + 1)]
    others = np.sort(photons[tuple(np.moveaxis(around, -1, 0))], axis=1)
    others[:, -1] = others[:, -2]
    share = _BRIGHTER / (_BRIGHTER + others.shape[1])
    chance: NDArray[np.float64] = betainc(own, others.sum(axis=1) + 1, share)
    return chance
