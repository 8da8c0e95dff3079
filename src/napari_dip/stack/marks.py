"""Where to cut the grey levels of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["grey_threshold"]


def grey_threshold(values: NDArray[Any]) -> float:
    """Tell the grey level above which a pixel of a mask counts as marked.

    Parameters
    ----------
    values
        Of a mask: two levels, labels, or the grey levels that antialiasing, blurring and JPEG
        leave between black and white.

    Returns
    -------
    float
        Half of the range; 0 where the values are labels, or but two.

    Examples
    --------
    >>> grey_threshold(np.array([0, 3, 130, 255], np.uint8)), grey_threshold(np.array([0, 1, 2]))
    (127.5, 0)
    """
    levels = np.unique(values)
    if values.dtype == bool or levels.size <= 2:
        return 0
    if values.dtype.kind == "f":
        return float(levels[0] + levels[-1]) / 2
    # Labels start at 1 and rarely reach the top of their type; white always does. JPEG blurs
    # white a little.
    top = np.iinfo(values.dtype).max
    return top / 2 if levels[-1] >= 0.97 * top else 0
