"""The straight line of variance over intensity, where the sensor may clip at its ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr

from napari_dip.noise.flat_regions import intensity_bins, robust_sigma
from napari_dip.noise.model import NoiseModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ends", "fit_variance_line"]

_LEAST_RISE, _IF_CLIPPED = 1.3, 2.5
"""By how much the variance must rise over the image's range to be worth a transform, behind which
what the sensor clipped is not known any more."""

_SCALE = 0.1
"""Of the logarithm of a variance: misfits beyond that count less, for they are of texture."""

_COUNTED = 0.5
"""Of the noise of the darkest pixels: steps of that size are photons, not grey values."""


@dataclass(frozen=True)
class Ends:
    """Of the values: where they pile up, infinite if nowhere; how dark the darkest parts are.

    ``step`` is that from the lowest value to the next.
    """

    low: float
    high: float
    dark: float
    step: float


@dataclass(frozen=True)
class _Bins:
    """Groups of pixels of like intensity: their mean, and the standard deviation of the noise."""

    levels: NDArray[np.float64]
    sigmas: NDArray[np.float64]

    def __getitem__(self, which: NDArray[np.bool_]) -> _Bins:
        return _Bins(self.levels[which], self.sigmas[which])

    def __len__(self) -> int:
        return len(self.levels)


def fit_variance_line(
    level: NDArray[np.float64], details: NDArray[np.float64], ends: Ends
) -> NoiseModel | None:
    """Fit variance = gain * (level - offset) + read²; ``None`` where it does not rise.

    Values that pile up at the low end were clipped there, or are where no photon came: then the
    next values are a photon away.

    Parameters
    ----------
    level, details
        Of pixels in flat surroundings: the local mean, and second differences of the strength of
        the noise.
    ends
        At which values pile up.
    """
    parts = intensity_bins(level)
    if len(parts) < 4:  # too small for a line: photons alone are as noisy as they are many
        counted = ends.low > -math.inf and ends.step > _COUNTED * robust_sigma(details)
        return NoiseModel(gain=ends.step, offset=ends.low, high=ends.high) if counted else None
    bins = _Bins(
        np.array([level[part].mean() for part in parts]),
        np.array([robust_sigma(details[part]) for part in parts]),
    )
    # Where many values are clipped, the noise that is left says little.
    bins = bins[(bins.levels + 2 * bins.sigmas < ends.high) & (bins.sigmas > 0)]
    if len(bins) < 4 or np.ptp(bins.levels) == 0:
        return None
    counted = ends.step > _COUNTED * bins.sigmas[0]
    model = _fit(bins, replace(ends, low=-math.inf) if counted else ends)
    clipped = model.low > -math.inf
    least = (_IF_CLIPPED if clipped else _LEAST_RISE) * model.read**2
    if model.sigma(bins.levels.max()) ** 2 > least:
        return model
    if not clipped:
        return None
    return replace(model, gain=0.0, read=float(model.sigma(np.median(bins.levels))))


def _fit(bins: _Bins, ends: Ends) -> NoiseModel:
    """Fit a line to what is left of the noise where values are clipped at the low end.

    Nowhere in the image may its variance be negative: flat surroundings are not the darkest.
    """
    low, high = ends.low, ends.high
    darkest = min(bins.levels.min(), ends.dark) if low == -math.inf else low
    width = bins.levels.max() - darkest
    typical = np.median(bins.sigmas) ** 2  # so that the steps of the search have no unit

    def model(logs: NDArray[np.float64]) -> NoiseModel:
        dark, bright = typical * np.exp(logs)
        gain = (bright - dark) / width
        return NoiseModel(float(gain), float(darkest), math.sqrt(dark), low, high)

    def misfit(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        expected = _left(model(logs), bins)
        misfits: NDArray[np.float64] = 2 * np.log(bins.sigmas / expected)
        return misfits

    # Texture makes a bin too noisy, never too quiet: a loss that does not mind a few of those.
    return model(least_squares(misfit, np.zeros(2), loss="soft_l1", f_scale=_SCALE).x)


def _left(model: NoiseModel, bins: _Bins) -> NDArray[np.float64]:
    """Tell the standard deviation of values that are clipped below, at the means that they have."""
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
