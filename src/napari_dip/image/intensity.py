"""Intensities: any dtype and range in, the same dtype and range out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter, median_filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["IntensityRange", "Scale", "combine_scales"]

_MARGIN = 0.05
"""Room that the estimate has beyond the observed range, as a part of that range."""

_REACH = 3
"""How far beyond the median-filtered values the range may go, in ranges of theirs."""

_FEW = 1e-3
"""The part of the values that may be outliers."""

_RARE = 0.1
"""The part of a plane up to which single pixels are filtered faster than all of it."""


_LEVELS = 256
"""So many steps of a float64 are enough for a range of values that are no float64 themselves."""


@dataclass(frozen=True)
class Scale:
    """The linear map between the image's own units and the networks' [0, 1].

    ``low`` and ``high`` are numbers, or arrays with one for each channel of a block.
    """

    low: float | NDArray[np.float64]
    high: float | NDArray[np.float64]

    @property
    def span(self) -> float | NDArray[np.float64]:
        """Width of the range in the image's units."""
        return self.high - self.low

    def to_unit(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Map [low, high] to [0, 1]; what lies outside, a hot pixel say, becomes 0 or 1."""
        unit = np.empty(values.shape, np.float32)
        for channel, low, high in self._ends(len(values)):
            inside = values[channel].astype(np.float64).clip(low, high)
            unit[channel] = (inside - low) / (high - low)
        return unit

    def from_unit(self, values: NDArray[np.float32], dtype: np.dtype) -> NDArray[Any]:
        """Map back, rounding and clipping to [low, high] and to what the dtype can hold.

        NaN becomes 0 in whole numbers.
        """
        restored = np.empty(values.shape, dtype)
        for channel, low, high in self._ends(len(values)):
            one = values[channel].astype(np.float64).clip(0, 1) * (high - low) + low
            restored[channel] = _in_dtype(one, dtype)
        return restored

    def _ends(self, channels: int) -> Iterator[tuple[int, float, float]]:
        """Give the ends of one channel after another: a float64 of all at once would be large."""
        low, high = (np.broadcast_to(np.ravel(end), channels) for end in (self.low, self.high))
        for channel in range(channels):
            yield channel, float(low[channel]), float(high[channel])


def _in_dtype(values: NDArray[np.float64], dtype: np.dtype) -> NDArray[Any]:
    """Round and clip to what the dtype can hold."""
    if dtype.kind == "b":
        return values >= 0.5
    if np.issubdtype(dtype, np.integer):
        whole = np.iinfo(dtype)
        # The largest 64-bit integers are no float64: the next smaller one must do.
        largest = float(whole.max)
        largest = largest if largest <= whole.max else np.nextafter(largest, 0)
        inside: NDArray[np.float64] = np.nan_to_num(values.round().clip(whole.min, largest))
        return inside.astype(dtype)
    limits = np.finfo(dtype)
    return values.clip(limits.min, limits.max).astype(dtype)


def combine_scales(scales: Sequence[Scale | None], ndim: int) -> Scale:
    """Put the scales of channels with so many spatial axes into one; each has contrast."""
    ends = [(scale.low, scale.high) for scale in scales if scale is not None]
    low, high = np.array(ends).T.reshape(2, -1, *[1] * ndim)
    return Scale(low, high)


@dataclass
class IntensityRange:
    """The range that the networks shall see as [0, 1], gathered plane by plane.

    It is the range of the known values with a margin on either side, because an image without
    noise, or at a finer resolution, can be brighter than any pixel that was seen; unsigned
    integers and bool stay within what their dtype can hold. Single outliers must not squeeze all
    the rest into a sliver: the range ends at most three median-filtered ranges beyond the
    median-filtered values (the peak of a spot as small as two pixels is within), and a hot pixel
    farther out counts as that. Where more than one value in a thousand lies farther out, they are
    no outliers but the image: so, where :attr:`has_outliers`, all planes are to be counted once
    more.

    Examples
    --------
    >>> extent = IntensityRange()
    >>> for plane in np.linspace(100, 200, 300).reshape(3, 10, 10):
    ...     extent.add(plane, np.ones(plane.shape, bool))
    >>> extent.scale(plane.dtype)
    Scale(low=95.0, high=205.0)
    """

    low: float = math.inf
    high: float = -math.inf
    inner_low: float = math.inf
    inner_high: float = -math.inf
    values: int = 0
    far: int = 0
    exact_low: Any = math.inf
    exact_high: Any = -math.inf

    def add(self, values: NDArray[Any], known: NDArray[np.bool_]) -> None:
        """Take in values whose last two axes are those of a plane; those known count."""
        seen = values[known]
        if not seen.size:
            return
        self.values += seen.size
        least, most = seen.min(), seen.max()
        self.low, self.high = min(self.low, float(least)), max(self.high, float(most))
        self.exact_low = min(self.exact_low, least.item())
        self.exact_high = max(self.exact_high, most.item())
        filled = values if seen.size == values.size else np.where(known, values, np.median(seen))
        shape = (-1, *values.shape[-2:])
        for plane, there in zip(filled.reshape(shape), known.reshape(shape), strict=True):
            beyond = (plane < self.inner_low) | (plane > self.inner_high)
            near = maximum_filter(beyond, 3) & there
            if near.any():
                smooth = _medians(plane, near)
                self.inner_low = min(self.inner_low, float(smooth.min()))
                self.inner_high = max(self.inner_high, float(smooth.max()))

    @property
    def has_outliers(self) -> bool:
        """Whether values lie so far out that :meth:`count` must tell how many they are."""
        low, high = self._reached()
        return self.low < low or self.high > high

    @property
    def step(self) -> float:
        """Distance of two float64 at the far end; 0 where that is fine enough for the values."""
        if not self.exact_low < self.exact_high:
            return 0.0
        step = float(np.spacing(max(abs(self.low), abs(self.high))))
        whole = isinstance(self.exact_low, int)
        fine = self.exact_high - self.exact_low >= _LEVELS * step or (whole and step <= 1)
        return 0.0 if fine else step

    def count(self, values: NDArray[Any], known: NDArray[np.bool_]) -> None:
        """Count what lies far out."""
        low, high = map(np.float64, self._reached())  # they may lie beyond all float16
        seen = values[known]
        self.far += int(((seen < low) | (seen > high)).sum())

    def scale(self, dtype: np.dtype[Any]) -> Scale | None:
        """Settle the scale for values of a dtype; ``None`` where all are alike."""
        low, high = self.low, self.high
        if not low < high:
            return None
        least, most = self._reached()
        # Where nothing but single pixels differs from all the rest, they are the image.
        if self.far < _FEW * self.values and least < most:
            low, high = max(low, least), min(high, most)
        margin = _MARGIN * (high - low)
        low, high = low - margin, high + margin
        if dtype.kind in "bu":
            largest = 1 if dtype.kind == "b" else np.iinfo(dtype).max
            low, high = max(low, 0), min(high, largest)
        return Scale(float(low), float(high))

    def _reached(self) -> tuple[float, float]:
        reach = _REACH * (self.inner_high - self.inner_low)
        return self.inner_low - reach, self.inner_high + reach


def _medians(plane: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the medians of 3 x 3 pixels, at some of them."""
    if wanted.mean() > _RARE:
        return np.asarray(median_filter(plane.astype(np.float64), 3)[wanted])
    windows = sliding_window_view(np.pad(plane, 1, mode="symmetric"), (3, 3))
    return np.asarray(np.median(windows[wanted].astype(np.float64), axis=(-2, -1)))
