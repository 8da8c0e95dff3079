"""Scale intensities of any dtype and range to [0, 1] for the fits, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter, median_filter

from napari_dip.image.conserve_total import with_total

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.image.conserve_total import Total

__all__ = ["IntensityRange", "Scale", "combine_scales"]

RANGE_MARGIN = 0.05
"""Fraction of the intensity range: the estimate may exceed the range by it on either side, because
a result without noise, or of finer pixels, can be brighter than every pixel. Not measured."""

OUTLIER_DISTANCE = 3
"""Multiple of the range of the median-filtered values: values farther beyond that range are
outliers. The peak of a spot of two pixels is within (tests/image/test_intensity.py)."""

MAX_OUTLIER_FRACTION = 1e-3
"""Fraction of the values: more distant values are structure, not outliers. Not measured."""

MAX_SPARSE_FRACTION = 0.1
"""Fraction of the pixels of a plane: a filter of single windows is faster below it. It changes the
speed only, not the result. Not measured."""

MIN_FLOAT64_STEPS = 256
"""Steps of float64 in the range of 64-bit integers or longer floats: fewer lose grey levels. An
8-bit image has 256."""


@dataclass(frozen=True)
class Scale:
    """The linear map of intensities from [low, high], in units of the image, to [0, 1].

    ``low`` and ``high`` are numbers, or arrays with one number for each channel of a block.
    """

    low: float | NDArray[np.float64]
    high: float | NDArray[np.float64]

    @property
    def span(self) -> float | NDArray[np.float64]:
        """Width of the range, in units of the image."""
        return self.high - self.low

    def to_unit(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Map [low, high] to [0, 1]; values outside, such as hot pixels, are clipped."""
        unit = np.empty(values.shape, np.float32)
        for channel, low, high in self._channel_ranges(len(values)):
            inside = values[channel].astype(np.float64).clip(low, high)
            unit[channel] = (inside - low) / (high - low)
        return unit

    def from_unit(
        self,
        values: NDArray[np.float32],
        dtype: np.dtype,
        totals: Sequence[Total] = (),
        *,
        brighter: bool = False,
    ) -> NDArray[Any]:
        """Map [0, 1] back; round, and clip to [low, high] and to the limits of the dtype.

        NaN becomes 0 in integer types. ``totals`` are sums for the channels, which are shifted to
        them before they are rounded. With ``brighter``, values above high are allowed: a sharp
        point is brighter than its blur.
        """
        most = np.inf if brighter else 1
        restored = np.empty(values.shape, dtype)
        for channel, low, high in self._channel_ranges(len(values)):
            scaled = values[channel].astype(np.float64).clip(0, most) * (high - low) + low
            if totals:
                integer = dtype.kind in "iu"
                top = max(high, float(np.nanmax(scaled))) if brighter else high
                scaled = with_total(scaled, totals[channel], low, top, integer=integer)
            restored[channel] = _cast(scaled, dtype)
        return restored

    def _channel_ranges(self, channels: int) -> Iterator[tuple[int, float, float]]:
        """Yield number, low and high of each channel; float64 of all channels needs much memory."""
        low, high = (np.broadcast_to(np.ravel(end), channels) for end in (self.low, self.high))
        for channel in range(channels):
            yield channel, float(low[channel]), float(high[channel])


def _cast(values: NDArray[np.float64], dtype: np.dtype) -> NDArray[Any]:
    """Round to the dtype, and clip to its limits."""
    if dtype.kind == "b":
        return values >= 0.5
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        # float64 cannot hold the largest 64-bit integer; the next smaller float64 is used.
        largest = float(limits.max)
        largest = largest if largest <= limits.max else np.nextafter(largest, 0)
        inside: NDArray[np.float64] = np.nan_to_num(values.round().clip(limits.min, largest))
        return inside.astype(dtype)
    finite = np.finfo(dtype)
    return values.clip(finite.min, finite.max).astype(dtype)


def combine_scales(scales: Sequence[Scale | None], ndim: int) -> Scale:
    """Combine the scales of channels with `ndim` spatial axes; ``None`` is left out."""
    ends = [(scale.low, scale.high) for scale in scales if scale is not None]
    low, high = np.array(ends).T.reshape(2, -1, *[1] * ndim)
    return Scale(low, high)


@dataclass
class IntensityRange:
    """The intensity range of an image, accumulated plane by plane.

    The range is that of the known values and a margin on either side; for unsigned integers and
    bool, it stays within the limits of the dtype. Outliers such as hot pixels do not extend it: it
    ends at most :data:`OUTLIER_DISTANCE` median-filtered ranges beyond the median-filtered values.
    If more than :data:`MAX_OUTLIER_FRACTION` of the values lie beyond, they are structure, and the
    range includes them. So, if :attr:`has_outliers`, pass all planes to :meth:`count` as well.

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
    filtered_low: float = math.inf
    filtered_high: float = -math.inf
    values: int = 0
    outliers: int = 0
    exact_low: Any = math.inf
    exact_high: Any = -math.inf

    def add(self, values: NDArray[Any], known: NDArray[np.bool_]) -> None:
        """Add the known values of planes, whose axes are the last two."""
        selected = values[known]
        if not selected.size:
            return
        self.values += selected.size
        low, high = selected.min(), selected.max()
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))
        self.exact_low = min(self.exact_low, low.item())
        self.exact_high = max(self.exact_high, high.item())
        complete = selected.size == values.size
        filled = values if complete else np.where(known, values, np.median(selected))
        shape = (-1, *values.shape[-2:])
        for plane, mask in zip(filled.reshape(shape), known.reshape(shape), strict=True):
            beyond = (plane < self.filtered_low) | (plane > self.filtered_high)
            near = maximum_filter(beyond, 3) & mask
            if near.any():
                smooth = _medians(plane, near)
                self.filtered_low = min(self.filtered_low, float(smooth.min()))
                self.filtered_high = max(self.filtered_high, float(smooth.max()))

    @property
    def has_outliers(self) -> bool:
        """Whether some values may be outliers; :meth:`count` counts them."""
        low, high = self._outlier_limits()
        return self.low < low or self.high > high

    @property
    def step(self) -> float:
        """Distance of two float64 numbers at the larger limit; 0 if float64 is precise enough."""
        if not self.exact_low < self.exact_high:
            return 0.0
        step = float(np.spacing(max(abs(self.low), abs(self.high))))
        integer = isinstance(self.exact_low, int)
        many_steps = self.exact_high - self.exact_low >= MIN_FLOAT64_STEPS * step
        return 0.0 if many_steps or (integer and step <= 1) else step

    def count(self, values: NDArray[Any], known: NDArray[np.bool_]) -> None:
        """Count the outliers among the known values of planes."""
        low, high = map(np.float64, self._outlier_limits())  # may exceed float16
        selected = values[known]
        self.outliers += int(((selected < low) | (selected > high)).sum())

    def scale(self, dtype: np.dtype[Any]) -> Scale | None:
        """Return the scale for values of a dtype; ``None`` if all values are equal."""
        low, high = self.low, self.high
        if not low < high:
            return None
        least, most = self._outlier_limits()
        # If only single pixels differ from a constant background, they are structure.
        if self.outliers < MAX_OUTLIER_FRACTION * self.values and least < most:
            low, high = max(low, least), min(high, most)
        margin = RANGE_MARGIN * (high - low)
        low, high = low - margin, high + margin
        if dtype.kind in "bu":
            largest = 1 if dtype.kind == "b" else np.iinfo(dtype).max
            low, high = max(low, 0), min(high, largest)
        return Scale(float(low), float(high))

    def _outlier_limits(self) -> tuple[float, float]:
        distance = OUTLIER_DISTANCE * (self.filtered_high - self.filtered_low)
        return self.filtered_low - distance, self.filtered_high + distance


def _medians(plane: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the medians of 3 × 3 pixels around the wanted pixels."""
    if wanted.mean() > MAX_SPARSE_FRACTION:
        return np.asarray(median_filter(plane.astype(np.float64), 3)[wanted])
    windows = sliding_window_view(np.pad(plane, 1, mode="symmetric"), (3, 3))
    return np.asarray(np.median(windows[wanted].astype(np.float64), axis=(-2, -1)))
