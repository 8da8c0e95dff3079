"""Pixels that a camera got wrong, suggested as a mask: saturated, hot, dead, not finite."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import median_filter, rank_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.prior.noise import NoiseModel

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
    and a sharp spot do: the noise is told from the image, plane by plane they are looked for.

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

    top = _ceiling((colours(index) for index in planes), image.dtype)
    noise, span = _noise(colours(planes[len(planes) // 2]))
    labels = np.zeros(shape, np.uint8)
    for index in planes:
        for plane in colours(index):
            found = _label(plane, top, noise, span)
            labels[index] = np.maximum(labels[index], found)
    return Suggested(labels, top)


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


def _noise(planes: NDArray[Any]) -> tuple[NoiseModel, float]:
    """Tell the noise of a plane, and the range of its values without the outermost."""
    from napari_dip.prior.estimate import estimate_noise

    values = planes.astype(np.float64)
    known = np.isfinite(values)
    low, high = np.percentile(values[known], (0.1, 99.9)) if known.any() else (0.0, 0.0)
    return estimate_noise(values, known), float(high - low)


def _label(
    plane: NDArray[Any], top: float | None, noise: NoiseModel, span: float
) -> NDArray[np.uint8]:
    labels = np.zeros(plane.shape, np.uint8)
    values = plane.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values[~finite] = np.median(values[finite]) if finite.any() else 0.0
    if top is not None:
        labels[values >= top] = _SATURATED
    around = median_filter(values, footprint=_RING, mode="mirror")
    sigma = noise.sigma(around)
    far = np.maximum(_BEYOND_MEDIAN * sigma, _CONTRAST * span)
    near = _BEYOND_ALL * sigma
    if span > 0:
        brightest, darkest = (
            rank_filter(values, rank, footprint=_RING, mode="mirror") for rank in (-2, 1)
        )
        near = np.maximum(near, _BEYOND_RANGE * (brightest - darkest))
        labels[(values - around > far) & (values - brightest > near)] = _HOT
        labels[(around - values > far) & (darkest - values > near)] = _DEAD
    labels[~finite] = _NOT_FINITE
    return labels
