"""Intensities: any dtype and range in, the same dtype and range out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import median_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scale", "measure_scale"]

_MARGIN = 0.05
"""Room that the estimate has beyond the observed range, as a part of that range."""

_REACH = 3
"""How far beyond the median-filtered values the range may go, in ranges of theirs."""

_FEW = 1e-3
"""The part of the values that may be outliers."""


@dataclass(frozen=True)
class Scale:
    """The linear map between the image's own units and the networks' [0, 1]."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """Width of the range in the image's units."""
        return self.high - self.low

    def to_unit(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Map [low, high] to [0, 1]; what lies outside, a hot pixel say, becomes 0 or 1."""
        inside = values.astype(np.float64).clip(self.low, self.high)
        return ((inside - self.low) / self.span).astype(np.float32)

    def from_unit(self, values: NDArray[np.float32], dtype: np.dtype) -> NDArray[Any]:
        """Map back, rounding and clipping to what the dtype can hold."""
        restored = values.astype(np.float64) * self.span + self.low
        if dtype.kind == "b":
            return restored >= 0.5
        if np.issubdtype(dtype, np.integer):
            whole = np.iinfo(dtype)
            # The largest 64-bit integers are no float64: the next smaller one must do.
            largest = float(whole.max)
            largest = largest if largest <= whole.max else np.nextafter(largest, 0)
            return restored.round().clip(whole.min, largest).astype(dtype)
        limits = np.finfo(dtype)
        return restored.clip(limits.min, limits.max).astype(dtype)


def measure_scale(
    values: NDArray[Any], known: NDArray[np.bool_], planes: tuple[int, ...]
) -> Scale | None:
    """Find the range that the networks shall see as [0, 1].

    It is the range of the known values with a margin on either side, because an image without
    noise, or at a finer resolution, can be brighter than any pixel that was seen; unsigned
    integers and bool stay within what their dtype can hold. Single outliers must not squeeze all
    the rest into a sliver: the range ends at most three median-filtered ranges beyond the
    median-filtered values (the peak of a spot as small as two pixels is within), and a hot pixel
    farther out counts as that. Where more than one value in a thousand lies farther out, they are
    no outliers but the image.

    Parameters
    ----------
    values
        Real numbers, any dtype.
    known
        Of the same shape; true where the value counts.
    planes
        The two axes of a plane, along which an outlier has neighbours.

    Returns
    -------
    Scale or None
        ``None`` for a constant image.
    """
    seen = values[known].astype(np.float64)
    low, high = seen.min(), seen.max()
    if low == high:
        return None
    filled = np.where(known, values, np.median(seen)).astype(np.float64)
    size = [3 if axis in planes else 1 for axis in range(values.ndim)]
    smooth = median_filter(filled, size=size)[known]
    inner_low, inner_high = smooth.min(), smooth.max()
    reach = _REACH * (inner_high - inner_low)
    far = (seen < inner_low - reach) | (seen > inner_high + reach)
    if far.mean() < _FEW:
        low, high = max(low, inner_low - reach), min(high, inner_high + reach)
    margin = _MARGIN * (high - low)
    low, high = low - margin, high + margin
    if values.dtype == bool or np.issubdtype(values.dtype, np.unsignedinteger):
        largest = 1 if values.dtype == bool else np.iinfo(values.dtype).max
        low, high = max(low, 0), min(high, largest)
    return Scale(float(low), float(high))
