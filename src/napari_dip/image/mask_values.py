"""Which pixels of a mask are marked: labels count by being there, grey levels by a threshold."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

from napari_dip.errors import BadMask, MaskHasGreyLevels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["MaskPixels", "find_marked_pixels", "grey_threshold", "warn_of_grey_levels"]

AXES = 2  # of a plane
BLOCK = 1024  # pixels: side of the parts that are looked at one after another
ENOUGH = 50_000  # pixels that speak for labels or for grey levels; more would not change the answer
STEP = 3  # grey levels: a smaller difference may be the rounding of a smooth slope
MANY = 32  # levels: with fewer, neighbouring whole numbers are labels and no slope
LOW = 20  # grey levels: whole numbers below it are labels, unless many pixels speak against it
WHITE = (1.0, 255, 65535)  # what the brightest pixels of a mask of grey levels have
FEW = 500  # pixels that are too few to speak against it


class MaskPixels(NamedTuple):
    """Which pixels are marked, and how that was decided.

    ``threshold`` is the level above which they are; ``None`` where all but 0 and NaN are.
    ``labels`` is true where there are three values or more, and they are labels.
    """

    pixels: NDArray[np.bool_]
    threshold: float | None
    labels: bool

    def note(self, name: str, mark: str) -> str:
        """Say in a sentence how it was decided; "" for a mask of 0 and one other value.

        Examples
        --------
        >>> find_marked_pixels(np.array([[0, 0, 1, 2]])).note("It", "missing")
        'It holds labels: all but 0 count as missing.'
        """
        if self.threshold is not None:
            return f"{name} has grey levels: those above {self.threshold:g} count as {mark}."
        return f"{name} holds labels: all but 0 count as {mark}." if self.labels else ""


def find_marked_pixels(values: NDArray[Any]) -> MaskPixels:
    """Tell which pixels of a mask are marked.

    Parameters
    ----------
    values
        Of any real dtype, with the axes Y and X last. See :func:`grey_threshold`.

    Returns
    -------
    MaskPixels
        Of the shape of `values`. NaN is never marked.

    Raises
    ------
    BadMask
        If the values are no real numbers.

    Examples
    --------
    >>> find_marked_pixels(np.array([[np.nan, 0.0, 1.0, 2.0]])).pixels
    array([[False, False,  True,  True]])

    Grey levels are cut half way between the lowest and the highest:

    >>> find_marked_pixels(np.array([[0, 20, 80, 100]])).pixels
    array([[False, False,  True,  True]])
    """
    if values.dtype.kind not in "buif":
        raise BadMask(f"the mask has dtype {values.dtype}: give whole numbers or grey levels")
    threshold = grey_threshold(values)
    if threshold is not None:
        return MaskPixels(values > threshold, threshold, False)
    pixels = values != 0
    if values.dtype.kind == "f":
        pixels &= ~np.isnan(values)
    ends = _ends(values)
    return MaskPixels(pixels, None, ends is not None and _has_between(values, *ends))


def grey_threshold(values: NDArray[Any]) -> float | None:
    """Tell the grey level above which a pixel of a mask counts as marked.

    Labels are regions of one value each, with a step at their border. Grey levels are what
    antialiasing, blurring and JPEG leave between black and white: there a pixel lies between a
    darker and a brighter neighbour. Whichever is more frequent decides, whatever the dtype.

    Parameters
    ----------
    values
        Of a mask, with the axes Y and X last.

    Returns
    -------
    float or None
        Half way between the lowest and the highest level that is there, whatever the dtype could
        hold. ``None`` where the values are labels, or 0 and one other value.

    Examples
    --------
    >>> soft = np.zeros((9, 9), np.uint16)
    >>> soft[3:6, 3:6] = [[60, 128, 60], [128, 255, 128], [60, 128, 60]]
    >>> grey_threshold(soft)
    127.5
    >>> labels = np.kron([[0, 1, 0], [255, 0, 7]], np.ones((4, 4)))
    >>> grey_threshold(labels) is None
    True
    """
    if values.dtype == bool or (ends := _ends(values)) is None:
        return None
    low, high = ends
    middle = float(low) + (float(high) - float(low)) / 2
    if not _has_between(values, low, high):
        # Of two values that are not 0 the lower one is the background.
        return None if low == high or 0 in (low, high) else middle
    labels = grey = 0.0
    for block in _blocks(values):
        for_labels, for_grey = _votes(block, float(low), float(high))
        labels, grey = labels + for_labels, grey + for_grey
        if labels + grey >= ENOUGH:
            break
    few = labels + grey < FEW and high < LOW and _are_whole(values)
    if grey > labels and not few:
        return middle
    return middle if high in WHITE and _are_steps(values, low, high) else None


def warn_of_grey_levels(mask: Any, stacklevel: int) -> None:
    """Warn where a mask from Python, of which all but 0 counts, has grey levels.

    An array that is not in memory is not looked at.

    Warns
    -----
    MaskHasGreyLevels
        If it seems to be cut at a level rather than to hold labels.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype.kind not in "uif" or mask.ndim < AXES:
        return
    values = np.ma.getdata(mask)
    level = grey_threshold(values)
    if level is None:
        return
    counted, above = (100 * np.count_nonzero(values > cut) / values.size for cut in (0, level))
    warnings.warn(
        f"the mask has grey levels, and all pixels but those of 0 count as missing, "
        f"{counted:.3g} % of it; to cut it half way, with {above:.3g} %, give mask > {level:g}; "
        "to say that it is as you want it, give mask != 0",
        MaskHasGreyLevels,
        stacklevel=stacklevel,
    )


def _ends(values: NDArray[Any]) -> tuple[Any, Any] | None:
    """Return the lowest and the highest finite value; ``None`` if there is none."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return (values.min(), values.max()) if values.size else None


def _has_between(values: NDArray[Any], low: Any, high: Any) -> bool:
    return bool(((values > low) & (values < high)).any())


def _are_steps(values: NDArray[Any], low: Any, high: Any) -> bool:
    """Tell whether black and white never touch, because one or two levels lie between them."""
    levels: set[float] = set()
    for block in _blocks(values):
        levels.update(np.unique(block[(block > low) & (block < high)]).tolist())
        for one in (block, block.T):
            ends = np.stack([one[1:], one[:-1]])
            if len(levels) > 2 or ((ends.min(0) == low) & (ends.max(0) == high)).any():
                return False
    return True


def _are_whole(values: NDArray[Any]) -> bool:
    return bool(((values == np.rint(values)) | ~np.isfinite(values)).all())


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Cut planes into parts that need little memory."""
    planes = values.reshape(-1, *np.atleast_2d(values).shape[-2:])
    for plane in planes:
        for top in range(0, plane.shape[0], BLOCK):
            for left in range(0, plane.shape[1], BLOCK):
                yield plane[top : top + BLOCK, left : left + BLOCK]


def _votes(block: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Count the pixels between both ends that look like labels, and like grey levels.

    A pixel at the border of a label has neighbours of its own value, and on the other side
    either the background or another label. A pixel of a slope has lower and higher neighbours.
    """
    values = np.nan_to_num(block.astype(np.float64), nan=low, posinf=high, neginf=low)
    between = (values > low) & (values < high)
    if not between.any():
        return 0.0, 0.0
    drop = values - ndimage.minimum_filter(values, 3, mode="nearest")
    rise = ndimage.maximum_filter(values, 3, mode="nearest") - values
    step = np.maximum(drop, rise)
    border = between & (step > 0)
    slope = (drop > 0) & (rise > 0)
    # A label touches the background, from which its value is all the way up.
    from_background = (2 * drop >= values - low) & (5 * rise <= drop)
    whole = _are_whole(values)
    label = from_background | (~slope & (step >= (STEP if whole else 0.01 * (high - low))))
    if whole and np.unique(values).size >= MANY:
        label &= slope | (step >= STEP)  # not the terraces of a wide slope
    for_labels = np.count_nonzero(border & label)
    for_grey = np.count_nonzero(border & ~label)
    # Thin lines that were antialiased look like labels where they are brightest, but few of their
    # neighbouring pixels have one value.
    flat = np.count_nonzero(between & _has_equal_neighbour(values)) / np.count_nonzero(between)
    threshold = 0.5 + 0.3 * (1 - flat)
    return for_labels * (1 - threshold), for_grey * threshold


def _has_equal_neighbour(values: NDArray[Any]) -> NDArray[np.bool_]:
    found = np.zeros(values.shape, bool)
    for axis in (0, 1):
        one, next_one = np.moveaxis(found, axis, 0), np.moveaxis(values, axis, 0)
        same = next_one[1:] == next_one[:-1]
        one[1:] |= same
        one[:-1] |= same
    return found
