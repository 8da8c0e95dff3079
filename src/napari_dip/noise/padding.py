"""Find padding: regions of one value around an image, or of a removed background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import grey_opening

from napari_dip.noise.constants import (
    IMAGE_FRACTION,
    IMAGE_SQUARE_SIDE,
    PADDING_FRACTION,
    PADDING_SIDE,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["without_padding"]


def without_padding(planes: NDArray[np.generic], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Exclude padding from a mask of known pixels.

    Moved, turned and stitched images are padded with a value without noise, and so is a background
    that was removed. Padding has the lowest or the highest value and fills squares. Where a sensor
    is dark or clips, single pixels have that value too.

    Parameters
    ----------
    planes, known
        ``(..., height, width)``; ``known`` is true where a pixel was observed.

    Returns
    -------
    ndarray
        Bool, of their shape: true where a pixel was observed and is not padding.

    Examples
    --------
    >>> moved = np.random.default_rng(0).normal(100, 5, (32, 32))
    >>> moved[:3] = 0
    >>> int((~without_padding(moved, np.ones(moved.shape, bool))).sum())
    96
    """
    kept = known.copy()
    if not known.any():
        return kept
    values = planes[known]
    for value in (values.min(), values.max()):
        equal = (planes == value) & known
        if equal.sum() < PADDING_SIDE:
            continue
        others = known & ~equal
        filled = _in_squares(equal, PADDING_SIDE, rim=True).sum()
        if filled < PADDING_FRACTION * equal.sum():
            continue
        image_pixels = _in_squares(others, IMAGE_SQUARE_SIDE, rim=False).sum()
        if image_pixels >= IMAGE_FRACTION * others.sum():
            kept &= others
    return kept


def _in_squares(mask: NDArray[np.bool_], side: int, *, rim: bool) -> NDArray[np.bool_]:
    """Select the pixels in squares of the mask, which has the value ``rim`` beyond its rim."""
    width, others = side - 1, mask.ndim - 2
    wide = np.pad(mask, [(0, 0)] * others + [(width, width)] * 2, constant_values=rim)
    # The grey opening is faster than the binary one, because it is separable.
    solid = grey_opening(wide.astype(np.uint8), size=(1,) * others + (side, side)) > 0
    return np.asarray(solid[..., width:-width, width:-width])
