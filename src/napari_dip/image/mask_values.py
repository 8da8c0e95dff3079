"""Find the marked pixels of a mask: all labels but 0, or grey levels above a threshold."""

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

# Chosen on the masks of tests/image/test_mask_values.py; not measured on more.
BLOCK_SIDE = 1024  # pixels: masks are classified in blocks, to need little memory
MAX_VOTES = 50_000  # pixels: more votes for labels or grey levels do not change the decision
MIN_LABEL_STEP = 3  # grey levels: a smaller step may be the rounding of a smooth slope
MIN_SLOPE_LEVELS = 32  # levels in a block: with fewer, consecutive integers are labels, not a slope
MAX_SMALL_LABEL = 20  # grey levels: integers below it are labels, unless many pixels disagree
WHITE_LEVELS = (1.0, 255, 65535)  # values: white in masks of grey levels
MIN_GREY_VOTES = 500  # pixels: fewer votes do not make grey levels of small integers


class MaskPixels(NamedTuple):
    """The marked pixels of a mask, and how they were found.

    Pixels above ``threshold`` are marked; if it is ``None``, all but 0 and NaN are. ``labels`` is
    true for a mask of labels with at least three values.
    """

    pixels: NDArray[np.bool_]
    threshold: float | None
    labels: bool

    def note(self, name: str, meaning: str) -> str:
        """Describe how the pixels were found; empty for a mask of 0 and one other value.

        Examples
        --------
        >>> find_marked_pixels(np.array([[0, 0, 1, 2]])).note("It", "missing")
        'It holds labels: all but 0 count as missing.'
        """
        if self.threshold is not None:
            return f"{name} has grey levels: those above {self.threshold:g} count as {meaning}."
        return f"{name} holds labels: all but 0 count as {meaning}." if self.labels else ""


def find_marked_pixels(values: NDArray[Any]) -> MaskPixels:
    """Find the marked pixels of a mask.

    Parameters
    ----------
    values
        Mask of any real dtype, with the axes Y and X last. See :func:`grey_threshold`.

    Returns
    -------
    MaskPixels
        With the shape of `values`. NaN is never marked.

    Raises
    ------
    BadMask
        If the values are not real numbers.

    Examples
    --------
    >>> find_marked_pixels(np.array([[np.nan, 0.0, 1.0, 2.0]])).pixels
    array([[False, False,  True,  True]])

    The threshold of grey levels is half way between the lowest and the highest:

    >>> find_marked_pixels(np.array([[0, 20, 80, 100]])).pixels
    array([[False, False,  True,  True]])
    """
    if values.dtype.kind not in "buif":
        raise BadMask(f"the mask has dtype {values.dtype}; give integers or grey levels")
    threshold = grey_threshold(values)
    if threshold is not None:
        return MaskPixels(values > threshold, threshold, False)
    pixels = values != 0
    if values.dtype.kind == "f":
        pixels &= ~np.isnan(values)
    ends = _ends(values)
    return MaskPixels(pixels, None, ends is not None and _has_between(values, *ends))


def grey_threshold(values: NDArray[Any]) -> float | None:
    """Return the threshold of a mask with grey levels, ``None`` for labels.

    Labels are regions of one value, with a step at their border. Grey levels come from
    antialiasing, blur and JPEG: a grey pixel has a darker and a brighter neighbour. The more
    frequent kind of pixel decides, for any dtype.

    Parameters
    ----------
    values
        Mask with the axes Y and X last.

    Returns
    -------
    float or None
        Half way between the lowest and the highest level of the mask. ``None`` for labels, and for
        0 and one other value.

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
        # Of two values other than 0, the lower one is the background.
        return None if low == high or 0 in (low, high) else middle
    labels = grey = 0.0
    for block in _blocks(values):
        for_labels, for_grey = _votes(block, float(low), float(high))
        labels, grey = labels + for_labels, grey + for_grey
        if labels + grey >= MAX_VOTES:
            break
    few_votes = labels + grey < MIN_GREY_VOTES and high < MAX_SMALL_LABEL and _are_integers(values)
    if grey > labels and not few_votes:
        return middle
    return middle if high in WHITE_LEVELS and _are_thin_borders(values, low, high) else None


def warn_of_grey_levels(mask: Any, stacklevel: int) -> None:
    """Warn if a mask from Python has grey levels, because all its pixels but 0 count as missing.

    Only arrays in memory are checked.

    Warns
    -----
    MaskHasGreyLevels
        If the mask seems to need a threshold.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype.kind not in "uif" or mask.ndim < 2:
        return
    values = np.ma.getdata(mask)
    level = grey_threshold(values)
    if level is None:
        return
    counted, above = (100 * np.count_nonzero(values > limit) / values.size for limit in (0, level))
    warnings.warn(
        f"the mask has grey levels, and all its pixels but 0 count as missing, {counted:.3g} %; "
        f"for a threshold half way, {above:.3g} %, give mask > {level:g}; to confirm all but 0, "
        "give mask != 0",
        MaskHasGreyLevels,
        stacklevel=stacklevel,
    )


def _ends(values: NDArray[Any]) -> tuple[Any, Any] | None:
    """Return the lowest and the highest finite value; ``None`` without any."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return (values.min(), values.max()) if values.size else None


def _has_between(values: NDArray[Any], low: Any, high: Any) -> bool:
    return bool(((values > low) & (values < high)).any())


def _are_thin_borders(values: NDArray[Any], low: Any, high: Any) -> bool:
    """Whether one or two grey levels separate black and white everywhere."""
    levels: set[float] = set()
    for block in _blocks(values):
        levels.update(np.unique(block[(block > low) & (block < high)]).tolist())
        for turned in (block, block.T):
            ends = np.stack([turned[1:], turned[:-1]])
            if len(levels) > 2 or ((ends.min(0) == low) & (ends.max(0) == high)).any():
                return False
    return True


def _are_integers(values: NDArray[Any]) -> bool:
    return bool(((values == np.rint(values)) | ~np.isfinite(values)).all())


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield planes in blocks that need little memory."""
    planes = values.reshape(-1, *np.atleast_2d(values).shape[-2:])
    for plane in planes:
        for top in range(0, plane.shape[0], BLOCK_SIDE):
            for left in range(0, plane.shape[1], BLOCK_SIDE):
                yield plane[top : top + BLOCK_SIDE, left : left + BLOCK_SIDE]


def _votes(block: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Count the pixels between `low` and `high` that resemble labels, and grey levels.

    At the border of a label, a pixel has neighbours of its own value, and beyond the border the
    background or another label. A pixel of a slope has lower and higher neighbours.
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
    # At its border to the background, a label rises by its full value.
    from_background = (2 * drop >= values - low) & (5 * rise <= drop)
    integers = _are_integers(values)
    label = from_background | (
        ~slope & (step >= (MIN_LABEL_STEP if integers else 0.01 * (high - low)))
    )
    if integers and np.unique(values).size >= MIN_SLOPE_LEVELS:
        label &= slope | (step >= MIN_LABEL_STEP)  # excludes the steps of a wide, rounded slope
    for_labels = np.count_nonzero(border & label)
    for_grey = np.count_nonzero(border & ~label)
    # Thin antialiased lines resemble labels where they are brightest, but few of their neighbouring
    # pixels have equal values.
    flat = np.count_nonzero(between & _has_equal_neighbour(values)) / np.count_nonzero(between)
    threshold = 0.5 + 0.3 * (1 - flat)
    return for_labels * (1 - threshold), for_grey * threshold


def _has_equal_neighbour(values: NDArray[Any]) -> NDArray[np.bool_]:
    found = np.zeros(values.shape, bool)
    for axis in (0, 1):
        turned, numbers = np.moveaxis(found, axis, 0), np.moveaxis(values, axis, 0)
        same = numbers[1:] == numbers[:-1]
        turned[1:] |= same
        turned[:-1] |= same
    return found
