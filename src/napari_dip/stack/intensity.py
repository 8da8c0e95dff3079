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
        """Map [low, high] to [0, 1]."""
        scaled = (values.astype(np.float64) - self.low) / self.span
        return scaled.astype(np.float32)

    def from_unit(self, values: NDArray[np.float32], dtype: np.dtype) -> NDArray[Any]:
        """Map back, rounding and clipping to what the dtype can hold."""
        restored = values.astype(np.float64) * self.span + self.low
        if dtype.kind == "b":
            return restored >= 0.5
        if np.issubdtype(dtype, np.integer):
            whole = np.iinfo(dtype)
            restored = restored.round().clip(whole.min, whole.max)
            # The largest 64-bit integers are no float64: the last step must not overflow.
            return np.where(restored >= whole.max, whole.max, restored.astype(dtype)).astype(dtype)
        limits = np.finfo(dtype)
        return restored.clip(limits.min, limits.max).astype(dtype)


def measure_scale(
    values: NDArray[Any], known: NDArray[np.bool_], planes: tuple[int, ...]
) -> Scale | None:
    """Find the range that the networks shall see as [0, 1].

    It is the range of the known values with a margin on either side, because an image without
    noise, or at a finer resolution, can be brighter than any pixel that was seen; unsigned
    integers and bool stay within what their dtype can hold. Single outliers must not squeeze all
    the rest into a sliver: the range ends at most one median-filtered range beyond the
    median-filtered values, and a hot pixel beyond it counts as that.

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
    if inner_low < inner_high:
        low = max(low, 2 * inner_low - inner_high)
        high = min(high, 2 * inner_high - inner_low)
    margin = _MARGIN * (high - low)
    low, high = low - margin, high + margin
    if values.dtype == bool or np.issubdtype(values.dtype, np.unsignedinteger):
        largest = 1 if values.dtype == bool else np.iinfo(values.dtype).max
        low, high = max(low, 0), min(high, largest)
    return Scale(float(low), float(high))
