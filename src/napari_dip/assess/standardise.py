"""Standardise a residual, so that it has a variance of 1 where it is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import median_abs_deviation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel

__all__ = ["INTENSITY_GROUPS", "equalise", "has_visible_noise", "standardise"]

TABLE_SIZE = 4096
"""Values of the table that inverts the unbiased inverse: its error is below 1e-3 standard
deviations for a range of 1000."""

CLIPPED_SIGMAS = 1.0
"""Standard deviations: a clipped pixel whose estimate is as near to the limit has no visible
noise. Not measured."""

INTENSITY_GROUPS = 10
"""Groups of pixels of similar intensity, of the same number each."""

OUTLIER_SIGMAS = 4.0
"""Standard deviations: a larger residual counts as this one in the variance of its group, so that
lost spots do not hide themselves. Not measured."""

MIN_SIGMA = 0.3
"""Standard deviations: smallest limit of these outliers, where most values of a group are equal, as
where photons are few. Not measured."""


def standardise(
    observed: NDArray[Any], predicted: NDArray[Any], noise: NoiseModel
) -> NDArray[np.float64]:
    """Return the residual in standard deviations of the noise.

    Parameters
    ----------
    observed, predicted
        An image, and the image without noise that a result predicts, of one shape.
    noise
        The noise, which is not none.

    Notes
    -----
    Signal-dependent noise is stabilised. The stabilised prediction is the mean of stabilised
    values with that mean, so that few photons do not shift the residual.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> clean = np.full((300, 300), 4.0)
    >>> photons = np.random.default_rng(0).poisson(clean)
    >>> residual = standardise(photons, clean, PoissonGaussian(gain=1.0))
    >>> bool(abs(residual.mean()) < 0.02), round(float(residual.std()), 1)
    (True, 1.0)
    """
    observed, predicted = (np.asarray(each, np.float64) for each in (observed, predicted))
    if not noise.signal_dependent:
        return (observed - predicted) / noise.sigma(predicted)
    ends = min(observed.min(), predicted.min()), max(observed.max(), predicted.max())
    low, high = noise.stabilise(np.array(ends))
    stabilised = np.linspace(float(low), float(high), TABLE_SIZE)
    mean = np.interp(predicted, noise.unstabilise(stabilised), stabilised)
    return np.asarray(noise.stabilise(observed) - mean)


def equalise(
    residual: NDArray[np.float64], predicted: NDArray[Any], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Divide a residual by its standard deviation in intensity groups, where that is above 1.

    An error of the noise model is then no structure.
    """
    equalised = np.zeros_like(residual)
    order = np.argsort(predicted[known], kind="stable")
    values = residual[known]
    scaled = np.empty_like(values)
    for group in np.array_split(order, INTENSITY_GROUPS):
        if not group.size:
            continue
        own = values[group]
        deviation = median_abs_deviation(own, scale="normal")
        limit = OUTLIER_SIGMAS * max(float(deviation), MIN_SIGMA)
        sigma = np.sqrt(np.mean(np.square(own.clip(-limit, limit))))
        scaled[group] = own / max(float(sigma), 1.0)
    equalised[known] = scaled
    return equalised


def has_visible_noise(
    observed: NDArray[Any], predicted: NDArray[Any], noise: NoiseModel
) -> NDArray[np.bool_]:
    """Exclude the pixels with clipped noise: at a limit of the sensor, and predicted near it."""
    low, high = noise.limits
    near = CLIPPED_SIGMAS * noise.sigma(predicted)
    clipped: NDArray[np.bool_] = ((observed <= low) & (predicted < low + near)) | (
        (observed >= high) & (predicted > high - near)
    )
    return ~clipped
