"""Distinguish texture from correlated noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.stats import chi2

from napari_dip.noise.constants import (
    DIAGONAL_EXCESS,
    DIAGONAL_TOLERANCE,
    MIN_KNOWN_FRACTION,
    MIN_QUIET_VARIANCE,
    QUIET_QUANTILE,
    QUIET_SQUARE_SIDE,
    TINY_SIGMA,
)
from napari_dip.noise.flat_regions import robust_sigma, second_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.flat_regions import FlatPixels
    from napari_dip.noise.model import NoiseModel

__all__ = ["has_expected_minimum", "is_weaker_diagonally", "quietest_variance_ratio"]


def has_expected_minimum(
    planes: NDArray[np.float64], known: NDArray[np.bool_], noise: NoiseModel
) -> bool:
    """Return whether the quietest parts of an image have the noise of a model.

    Parameters are those of :func:`quietest_variance_ratio`. Noise is everywhere; texture is not.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> image = np.random.default_rng(0).normal(0, 3, (1, 64, 64))
    >>> known = np.ones(image.shape, bool)
    >>> has_expected_minimum(image, known, PoissonGaussian(read=3.0))
    True
    >>> has_expected_minimum(image, known, PoissonGaussian(read=6.0))
    False
    """
    return quietest_variance_ratio(planes, known, noise) > MIN_QUIET_VARIANCE


def quietest_variance_ratio(
    planes: NDArray[np.float64], known: NDArray[np.bool_], noise: NoiseModel
) -> float:
    """Return the ratio of the variance in the quietest parts of an image to that of a model.

    Parameters
    ----------
    planes, known
        ``(planes, height, width)``: the values, and which of them were observed.
    noise
        The model, in the same units.

    Returns
    -------
    float
        About 1 if the image has the noise of the model; 1 if no square is known well enough.

    Notes
    -----
    For Gaussian noise, the mean of the squared second differences over a square has nearly a
    chi-square distribution. Its degrees of freedom follow from its mean and variance
    (Satterthwaite, Biometrics Bulletin 2, 1946).

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> image = np.random.default_rng(0).normal(0, 3, (1, 64, 64))
    >>> known, noise = np.ones(image.shape, bool), PoissonGaussian(read=6.0)
    >>> ratio = quietest_variance_ratio(image, known, noise)
    >>> abs(ratio - 0.25) < 0.05
    True
    """
    y, x = noise.correlation
    side = min(QUIET_SQUARE_SIDE, *planes.shape[1:])
    size = (1, side, side)
    values = np.where(known, planes, np.nan)
    differences = second_differences(values, (len(y) + 1, len(x) + 1))
    usable = np.isfinite(differences)
    fraction = uniform_filter(usable.astype(np.float64), size, mode="constant")
    level = uniform_filter(np.where(usable, planes, 0.0), size, mode="constant")
    energy = uniform_filter(np.where(usable, differences**2, 0.0), size, mode="constant")
    energy = np.maximum(energy, 0)  # the running sums of the filter have rounding errors
    enough = fraction > MIN_KNOWN_FRACTION
    if not enough.any():
        return 1.0
    fraction, level, energy = fraction[enough], level[enough], energy[enough]
    ratios = energy / fraction / np.maximum(noise.sigma(level / fraction), TINY_SIGMA) ** 2
    return float(np.quantile(ratios, QUIET_QUANTILE) / _expected_quantile(side, y, x))


def is_weaker_diagonally(flat: FlatPixels, noise: NoiseModel) -> bool:
    """Return whether diagonal differences are as weak as correlated noise makes them.

    White noise on a texture has its full variance in diagonal differences.

    Parameters
    ----------
    flat
        Pixels of an image in flat surroundings.
    noise
        A model with correlated noise, in the same units.

    Examples
    --------
    >>> from napari_dip.noise.flat_regions import flat_pixels
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> image = np.random.default_rng(0).normal(0, 3, (1, 64, 64))
    >>> flat = flat_pixels(image, np.ones(image.shape, bool))
    >>> is_weaker_diagonally(flat, PoissonGaussian(read=3.0, correlation=((0.5,), (0.5,))))
    False
    """
    differences = flat.differences((1, 1)) / np.maximum(noise.sigma(flat.level), TINY_SIGMA)
    expected = math.prod(_difference_variance(along) for along in noise.correlation)
    found = robust_sigma(differences[np.isfinite(differences)]) ** 2
    return bool(found < DIAGONAL_TOLERANCE**2 * expected + DIAGONAL_EXCESS**2)


def _difference_variance(along: Sequence[float]) -> float:
    """Return the variance of second differences along an axis, for noise of unit variance."""
    near, far = (*along, 0.0, 0.0)[:2]
    return (6 - 8 * near + 2 * far) / 6


def _expected_quantile(side: int, *correlation: Sequence[float]) -> float:
    """Return the low quantile of the mean square in squares, for noise of unit variance."""
    pairs = math.prod(_squared_correlations(side, along) for along in correlation)
    freedom = side**4 / pairs
    return float(chi2.ppf(QUIET_QUANTILE, freedom) / freedom)


def _squared_correlations(side: int, along: Sequence[float]) -> float:
    """Sum the squared correlations of all pairs of differences along one axis of a square."""
    kernel = np.zeros(2 * len(along) + 3)
    kernel[[0, len(along) + 1, -1]] = 1, -2, 1
    noise = np.concatenate([along[::-1], [1.0], along])
    covariance = np.convolve(np.convolve(noise, kernel), kernel)
    middle = len(covariance) // 2
    lags = np.arange(-min(side, middle), min(side, middle) + 1)
    correlation = covariance[middle + lags] / covariance[middle]
    return float(np.sum((side - np.abs(lags)) * correlation**2))
