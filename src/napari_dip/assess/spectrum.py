"""Measure what a plane should not contain: a cut spectrum, periodic noise, and row noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.signal.windows import hann

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PeriodicNoise", "high_frequency_ratio", "line_noise", "periodic_noise"]

OUTER_BAND, MIDDLE_BAND = (0.42, 0.5), (0.25, 0.33)
"""Cycles per pixel along one axis: the highest frequencies, and those they are compared with. Both
are noise in most images; interpolation and filters remove the highest [Findings]."""

MIN_ROUNDED_STEPS = 5.0
"""Grey levels: least standard deviation of a plane whose rounding is white noise. Not measured."""

ROUNDING_MARGIN = 1.2
"""Multiple of the power of rounding: weaker frequencies are rounding alone. The mean of a band
of 128 x 128 pixels has an error of 3 % [Findings]."""

MIN_PEAK = 25.0
"""Multiple of the mean power around it: least power of a narrow peak. Noise exceeds it with a
probability of 1e-11."""

MIN_PEAK_OF_QUADRANT = 4.0
"""The same in each quarter of the plane: periodic noise is everywhere, a texture is not
[Findings]."""

MIN_FREQUENCY = 0.04
"""Cycles per pixel: slower changes may be structure. Not measured."""

RING = 9
"""Frequency steps: side of the square around a peak that is its surroundings."""

TINY = 1e-30
"""Units of power: added before a logarithm of 0."""

MAX_PEAKS = 50
"""Peaks that are tried, the strongest first."""

ROBUST_SIGMA = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""

MEDIAN_ERROR = 1.2533
"""Standard error of a median, in that of a mean."""


def high_frequency_ratio(
    plane: NDArray[np.floating[Any]], step: float = 0.0
) -> tuple[float, float]:
    """Return the power of the highest frequencies along Y and X, relative to lower ones.

    It is 1 for white noise, above 0.2 for sharp images, and near 0 after interpolation. The power
    of rounding to grey levels a ``step`` apart does not count: rounding comes after a filter.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((64, 64))
    >>> bool(min(high_frequency_ratio(noise)) > 0.8)
    True
    """
    power = _power(plane)
    rounding = _rounding_power(plane, step)
    ratios = []
    for axis, size in enumerate(plane.shape):
        frequency = np.abs(np.fft.fftfreq(size))
        # A mean of logarithms: single lines and peaks do not count.
        profile = np.exp(np.log(power + TINY).mean(axis=1 - axis))
        outer, middle = (
            profile[(frequency >= low) & (frequency <= high)].mean()
            for low, high in (OUTER_BAND, MIDDLE_BAND)
        )
        if middle > 0:
            outer = max(outer - ROUNDING_MARGIN * rounding, 0.0)
            ratios.append(float(outer / max(middle - rounding, TINY)))
        else:
            ratios.append(1.0)
    return ratios[0], ratios[1]


class PeriodicNoise(NamedTuple):
    """A periodic pattern: frequency in cycles per pixel along Y and X, and its amplitude."""

    frequency: tuple[float, float]
    amplitude: float

    @property
    def period(self) -> float:
        """Pixels from one crest to the next."""
        return float(1 / np.hypot(*self.frequency))


def periodic_noise(plane: NDArray[np.floating[Any]]) -> PeriodicNoise | None:
    """Find the strongest narrow peak of the spectrum; ``None`` if there is none in all quarters.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((128, 128))
    >>> periodic_noise(noise) is None
    True
    >>> found = periodic_noise(noise + 0.5 * np.sin(np.arange(128) * 2 * np.pi / 8))
    >>> round(found.period), round(found.amplitude, 1)
    (8, 0.5)
    """
    power = np.fft.fftshift(_power(plane))
    peaks = power / _surroundings(power)
    fy, fx = (np.fft.fftshift(np.fft.fftfreq(size)) for size in plane.shape)
    peaks[np.hypot(fy[:, None], fx) < MIN_FREQUENCY] = 0
    quarters = [
        plane[rows, columns]
        for rows in _halves(plane.shape[0])
        for columns in _halves(plane.shape[1])
    ]
    spectra = [_relative(quarter) for quarter in quarters]
    for flat in np.argsort(peaks, axis=None)[: -MAX_PEAKS - 1 : -1]:
        row, column = np.unravel_index(flat, peaks.shape)
        if peaks[row, column] < MIN_PEAK:
            return None
        at = float(fy[row]), float(fx[column])
        if all(_near(spectrum, at) > MIN_PEAK_OF_QUADRANT for spectrum in spectra):
            return PeriodicNoise(at, float(2 * np.sqrt(power[row, column])))
    return None


def line_noise(plane: NDArray[np.floating[Any]], axis: int) -> tuple[float, float]:
    """Return the standard deviation of the offsets of rows (axis 0) or columns, and of the chance.

    A line is compared with the mean of its two neighbours, in the median over its pixels, so that
    structure in less than half of a line does not count.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((200, 200))
    >>> rows = np.random.default_rng(1).normal(0, 0.5, (200, 1))
    >>> found, chance = line_noise(noise + rows, 0)
    >>> bool(found > 4 * chance), round(found, 1)
    (True, 0.5)
    """
    lines = np.moveaxis(np.asarray(plane, np.float64), axis, 0)
    bend = lines[1:-1] - (lines[:-2] + lines[2:]) / 2
    offsets = np.median(bend, axis=1)
    spread = ROBUST_SIGMA * np.median(np.abs(bend - offsets[:, None]))
    found = ROBUST_SIGMA * float(np.median(np.abs(offsets)))
    # Independent offsets of three lines have 1.5 times the variance of one.
    chance = MEDIAN_ERROR * float(spread) / np.sqrt(bend.shape[1])
    return float(np.sqrt(max(0.0, found**2 - chance**2) / 1.5)), float(chance / np.sqrt(1.5))


def _power(plane: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the power of each frequency of a plane with a Hann window, without its mean.

    A sine of amplitude 1 has the power 1/4 at its frequency, and again at the opposite one.
    """
    window = np.multiply.outer(*(hann(size, sym=False) for size in plane.shape))
    spectrum = np.fft.fft2((plane - plane.mean()) * window)
    return np.asarray(np.square(np.abs(spectrum) / window.sum()))


def _rounding_power(plane: NDArray[np.floating[Any]], step: float) -> float:
    """Return the mean logarithmic power that rounding adds to each frequency."""
    if plane.std() < MIN_ROUNDED_STEPS * step:
        return 0.0
    window_squares = np.prod([np.square(hann(n, sym=False)).sum() for n in plane.shape])
    window_sum = np.prod([hann(n, sym=False).sum() for n in plane.shape])
    power = step**2 / 12 * window_squares / window_sum**2
    return float(power * np.exp(-np.euler_gamma))


def _surroundings(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean power around each frequency, which a single peak hardly changes."""
    logarithms = uniform_filter(np.log(power + TINY), RING, mode="wrap")
    # The mean logarithm of an exponential distribution is Euler's constant below that of its mean.
    around: NDArray[np.float64] = np.exp(logarithms + np.euler_gamma)
    return around


def _relative(plane: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    power = np.fft.fftshift(_power(plane))
    relative: NDArray[np.float64] = power / _surroundings(power)
    return relative


def _near(spectrum: NDArray[np.float64], frequency: tuple[float, float]) -> float:
    """Return the largest value at a frequency and its neighbours."""
    places = [
        round(each * size) + size // 2 for each, size in zip(frequency, spectrum.shape, strict=True)
    ]
    around = tuple(slice(max(0, place - 1), place + 2) for place in places)
    return float(spectrum[around].max(initial=0.0))


def _halves(size: int) -> tuple[slice, slice]:
    half = size // 2
    return slice(0, half), slice(size - half, size)
