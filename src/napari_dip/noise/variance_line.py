"""Fit a straight line to the variance over the intensity, for a sensor that may clip."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr

from napari_dip.noise.constants import (
    MAX_VARIANCE_RATIO,
    MIN_LINE_BINS,
    MIN_PHOTON_STEP,
    MIN_VARIANCE_RISE,
    MIN_VARIANCE_RISE_CLIPPED,
    MISFIT_SCALE,
)
from napari_dip.noise.flat_regions import intensity_bins, robust_sigma
from napari_dip.noise.poisson_gaussian import PoissonGaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ValueLimits", "fit_variance_line"]


@dataclass(frozen=True)
class ValueLimits:
    """Limits of the values of an image.

    Parameters
    ----------
    low, high
        Values at which the image was clipped; infinite if it was not.
    dark
        Mean of the darkest spots.
    step
        Distance of the two lowest values.
    """

    low: float
    high: float
    dark: float
    step: float


@dataclass(frozen=True)
class _Bins:
    """Mean and standard deviation of the noise in each intensity bin."""

    levels: NDArray[np.float64]
    sigmas: NDArray[np.float64]

    def __getitem__(self, which: NDArray[np.bool_]) -> _Bins:
        return _Bins(self.levels[which], self.sigmas[which])

    def __len__(self) -> int:
        return len(self.levels)


def fit_variance_line(
    level: NDArray[np.float64], differences: NDArray[np.float64], limits: ValueLimits
) -> PoissonGaussian | None:
    """Fit variance = gain * (level - offset) + read².

    Many pixels at the low end were either clipped, or received no photon. In the second case the
    next value is one photon away.

    Parameters
    ----------
    level, differences
        Local mean of pixels in flat surroundings, and differences with the variance of the noise.
    limits
        Limits of the values.

    Returns
    -------
    PoissonGaussian or None
        ``None`` if the variance does not rise with the intensity, or no line explains it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> level = rng.uniform(100, 500, 20_000)
    >>> differences = rng.normal(0, np.sqrt(2 * (level - 100) + 9))
    >>> noise = fit_variance_line(level, differences, ValueLimits(-math.inf, math.inf, 100, 1e-9))
    >>> abs(noise.gain - 2) < 0.1
    True
    """
    bins = intensity_bins(level)
    if len(bins) < MIN_LINE_BINS:  # too few pixels: only photons of a known size can be recognised
        counted = limits.low > -math.inf and limits.step > MIN_PHOTON_STEP * robust_sigma(
            differences
        )
        if not counted:
            return None
        return PoissonGaussian(gain=limits.step, offset=limits.low, high=limits.high)
    measured = _Bins(
        np.array([level[members].mean() for members in bins]),
        np.array([robust_sigma(differences[members]) for members in bins]),
    )
    # Where many values are clipped at the high end, little of the noise is left.
    unclipped = measured.levels + 2 * measured.sigmas < limits.high
    measured = measured[unclipped & (measured.sigmas > 0)]
    if len(measured) < MIN_LINE_BINS or np.ptp(measured.levels) == 0:
        return None
    counted = limits.step > MIN_PHOTON_STEP * measured.sigmas[0]
    model = None if counted else _fit(measured, limits)
    model = model or _fit(measured, replace(limits, low=-math.inf))
    if model is None:
        return None
    clipped = model.low > -math.inf
    least = (MIN_VARIANCE_RISE_CLIPPED if clipped else MIN_VARIANCE_RISE) * model.read**2
    if model.sigma(measured.levels.max()) ** 2 > least:
        return model
    if not clipped:
        return None
    return replace(model, gain=0.0, read=float(model.sigma(np.median(measured.levels))))


def _fit(bins: _Bins, limits: ValueLimits) -> PoissonGaussian | None:
    """Fit a line to the noise that clipping at the low end leaves.

    The variance is not negative at the darkest level, which flat surroundings may not contain.
    Clipping bounds the noise that is left for a given mean. If the noise is above this bound, every
    larger variance fits better and the search has no end: the result is ``None``.
    """
    low, high = limits.low, limits.high
    darkest = min(bins.levels.min(), limits.dark) if low == -math.inf else low
    width = bins.levels.max() - darkest
    typical = np.median(bins.sigmas) ** 2  # makes the variables of the search dimensionless

    def model(logs: NDArray[np.float64]) -> PoissonGaussian:
        dark, bright = typical * np.exp(logs)
        gain = (bright - dark) / width
        return PoissonGaussian(float(gain), float(darkest), math.sqrt(dark), low, high)

    def misfit(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        expected = _clipped_sigma(model(logs), bins)
        misfits: NDArray[np.float64] = 2 * np.log(bins.sigmas / expected)
        return misfits

    # Texture adds to the variance of some bins: the loss gives less weight to large misfits.
    found = least_squares(misfit, np.zeros(2), loss="soft_l1", f_scale=MISFIT_SCALE).x
    return model(found) if found.max() < math.log(MAX_VARIANCE_RATIO) else None


def _clipped_sigma(model: PoissonGaussian, bins: _Bins) -> NDArray[np.float64]:
    """Return the standard deviation of values clipped at the low end, at the means of the bins."""
    dark, top = model.read**2, bins.levels.max()
    if model.low == -math.inf:
        return np.sqrt(dark + model.gain * (bins.levels - model.offset))
    means = np.linspace(model.low - 4 * model.read, max(top, model.low + 4 * model.read), 1000)
    variances = dark + model.gain * np.maximum(means - model.offset, 0)
    sigma = np.sqrt(np.maximum(variances, 1e-9 * dark))
    t = (means - model.low) / sigma
    density = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    mean = t * ndtr(t) + density
    variance = np.maximum((t**2 + 1) * ndtr(t) + t * density - mean**2, 1e-9)
    found: NDArray[np.float64] = np.interp(
        bins.levels, model.low + sigma * mean, sigma * np.sqrt(variance)
    )
    return found
