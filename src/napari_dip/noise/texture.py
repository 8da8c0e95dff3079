"""Tell texture from the noise that neighbours share, for which it can pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.stats import chi2

from napari_dip.noise.flat_regions import robust_sigma, second_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.flat_regions import Flat
    from napari_dip.noise.model import NoiseModel

__all__ = ["LEAST_PART", "has_expected_minimum", "is_weaker_diagonally", "quietest_variance_ratio"]

_SIDE = 9
"""Of the squares, in pixels, whose strength is told."""

_QUIETEST = 0.02
"""The part of the squares, those with the least."""

LEAST_PART = 0.85**2
"""Of the variance that such noise would leave in them."""

_KNOWN = 0.8
"""Least part of a square for that."""

_NO_NOISE = 1e-100
"""A standard deviation that stands for none, in whatever unit: its square is still a number."""

_STRONGER, _MORE = 1.25, 0.1
"""How many times as strong as expected differences across corners may be, and by how much of the
noise's standard deviation more: edges count there."""


def has_expected_minimum(
    planes: NDArray[np.float64], seen: NDArray[np.bool_], noise: NoiseModel
) -> bool:
    """Tell whether the quietest parts of an image have as much noise as is said.

    Examples
    --------
    >>> from napari_dip.noise.model import NoiseModel
    >>> image = np.random.default_rng(0).normal(0, 3, (1, 64, 64))
    >>> seen = np.ones(image.shape, bool)
    >>> has_expected_minimum(image, seen, NoiseModel(read=3.0))
    True
    >>> has_expected_minimum(image, seen, NoiseModel(read=6.0))
    False
    """
    return quietest_variance_ratio(planes, seen, noise) > LEAST_PART


def quietest_variance_ratio(
    planes: NDArray[np.float64], seen: NDArray[np.bool_], noise: NoiseModel
) -> float:
    """Tell which part of the variance that is said the quietest parts of an image have.

    The mean of the squared second differences over a square is, for Gaussian noise of the model's
    variance and correlation, nearly chi-square with as many degrees of freedom as its mean and
    variance ask for (Satterthwaite, Biometrics Bulletin 2, 1946).

    Parameters
    ----------
    planes, seen
        ``(planes, height, width)``: the values, and which of them were observed.
    noise
        What was told from them, in the same units.

    Returns
    -------
    float
        About 1 if it is as said, and where no square is known well enough.
    """
    y, x = noise.correlation
    side = min(_SIDE, *planes.shape[1:])
    size = (1, side, side)
    values = np.where(seen, planes, np.nan)
    details = second_differences(values, (len(y) + 1, len(x) + 1))
    usable = np.isfinite(details)
    part = uniform_filter(usable.astype(np.float64), size, mode="constant")
    level = uniform_filter(np.where(usable, planes, 0.0), size, mode="constant")
    energy = uniform_filter(np.where(usable, details**2, 0.0), size, mode="constant")
    energy = np.maximum(energy, 0)  # its running sums are not exact
    whole = part > _KNOWN
    if not whole.any():
        return 1.0
    part, level, energy = part[whole], level[whole], energy[whole]
    ratios = energy / part / np.maximum(noise.sigma(level / part), _NO_NOISE) ** 2
    expected = _quietest(side, y, x)
    return float(np.quantile(ratios, _QUIETEST) / expected)


def is_weaker_diagonally(flat: Flat, noise: NoiseModel) -> bool:
    """Tell whether noise that is shared along both axes is as weak as that across corners.

    White noise on a texture has all of its strength there.

    Parameters
    ----------
    flat
        Pixels of an image in flat surroundings.
    noise
        What was told from it, in the same units.

    Examples
    --------
    >>> from napari_dip.noise.flat_regions import flat_pixels
    >>> from napari_dip.noise.model import NoiseModel
    >>> image = np.random.default_rng(0).normal(0, 3, (1, 64, 64))
    >>> flat = flat_pixels(image, np.ones(image.shape, bool))
    >>> is_weaker_diagonally(flat, NoiseModel(read=3.0, correlation=((0.5,), (0.5,))))
    False
    """
    details = flat.details((1, 1)) / np.maximum(noise.sigma(flat.level), _NO_NOISE)
    expected = math.prod(_variance(along) for along in noise.correlation)
    found = robust_sigma(details[np.isfinite(details)]) ** 2
    return bool(found < _STRONGER**2 * expected + _MORE**2)


def _variance(along: Sequence[float]) -> float:
    """Give that of second differences of neighbours along an axis, in parts of the noise's."""
    near, far = (*along, 0.0, 0.0)[:2]
    return (6 - 8 * near + 2 * far) / 6


def _quietest(side: int, *correlation: Sequence[float]) -> float:
    """Tell the mean of squares, of unit variance, that few squares of such noise fall short of."""
    shared = math.prod(_shared(side, along) for along in correlation)
    freedom = side**4 / shared
    return float(chi2.ppf(_QUIETEST, freedom) / freedom)


def _shared(side: int, along: Sequence[float]) -> float:
    """Sum the squared correlations of all pairs of pixels along one axis of a square."""
    kernel = np.zeros(2 * len(along) + 3)
    kernel[[0, len(along) + 1, -1]] = 1, -2, 1
    noise = np.concatenate([along[::-1], [1.0], along])
    details = np.convolve(np.convolve(noise, kernel), kernel)
    middle = len(details) // 2
    lags = np.arange(-min(side, middle), min(side, middle) + 1)
    return float(np.sum((side - np.abs(lags)) * (details[middle + lags] / details[middle]) ** 2))
