"""Tell what an image was padded with from what a sensor saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import grey_opening

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["without_padding"]

_SIDE = 5
"""Of the squares, in pixels, that padding fills; they may reach beyond the image's rim."""

_NEARLY_ALL = 0.95
"""Of the pixels of one value: so many lie in such squares. Noise leaves single ones, too."""

_PHOTONS, _MOST = 3, 0.5
"""Side of the squares in which most of what was seen lies; where few photons came, it does not."""


def without_padding(planes: NDArray[np.generic], seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out what has the lowest or the highest value, where that fills whole squares alone.

    Images that were moved, turned or stitched are padded with a value that has no noise, and so is
    a background that was cut out. Where a sensor is dark or clips, single pixels have that value.

    Parameters
    ----------
    planes, seen
        ``(..., height, width)``; ``seen`` is true where a pixel was observed.

    Returns
    -------
    ndarray
        Of their shape, true where a pixel was observed and has noise.

    Examples
    --------
    >>> moved = np.random.default_rng(0).normal(100, 5, (32, 32))
    >>> moved[:3] = 0
    >>> int((~without_padding(moved, np.ones(moved.shape, bool))).sum())
    96
    """
    noisy = seen.copy()
    if not seen.any():
        return noisy
    values = planes[seen]
    for value in (values.min(), values.max()):
        alike = (planes == value) & seen
        if alike.sum() < _SIDE:
            continue
        others = seen & ~alike
        padded = _in_squares(alike, _SIDE, rim=True).sum() >= _NEARLY_ALL * alike.sum()
        if padded and _in_squares(others, _PHOTONS, rim=False).sum() >= _MOST * others.sum():
            noisy &= others
    return noisy


def _in_squares(there: NDArray[np.bool_], side: int, *, rim: bool) -> NDArray[np.bool_]:
    """Choose the pixels that lie in whole squares, as if the image went on so beyond its rim."""
    width, others = side - 1, there.ndim - 2
    wide = np.pad(there, [(0, 0)] * others + [(width, width)] * 2, constant_values=rim)
    # The minimum, then the maximum, both along one axis after the other: faster than binary.
    solid = grey_opening(wide.astype(np.uint8), size=(1,) * others + (side, side)) > 0
    return np.asarray(solid[..., width:-width, width:-width])
