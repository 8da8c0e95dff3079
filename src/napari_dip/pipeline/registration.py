"""Registration of neighbouring planes: find whole-pixel shifts, and put planes on one canvas."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.registration import phase_cross_correlation

from napari_dip.noise.padding import without_padding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel
    from napari_dip.pipeline.block import Block

    Plane = NDArray[np.float32]
    Array = NDArray[Any]

__all__ = [
    "Shifts",
    "cut_from_canvas",
    "max_growth",
    "on_canvas",
    "overlap",
    "register_planes",
    "shifts_of",
]

Shifts = tuple[tuple[int, ...], ...]
"""Of each plane, the corner on the common canvas, in pixels along each spatial axis."""

FINE_SIGMA = 1.0  # pixels: finer details are noise
COARSE_SIDE = 25  # pixels: coarser structure does not match at opposite borders
MIN_KNOWN_FRACTION = 0.1  # of the pixels around a pixel: with fewer, its details fade
MAX_STEP = 0.25  # of a side: the largest shift from one plane to the next
SIDE_MULTIPLE = 16  # pixels: canvas sides grow by multiples, so that freed memory is reused
MIN_GROWTH = 32  # pixels: every canvas may grow by that much
MAX_GROWTH = 1 / 8  # of a side: how much longer a large canvas may become
MIN_STANDARD_ERRORS = 6.0  # of the gain in squared difference: a shift with less is chance
MIN_EXPLAINED = 0.75  # of the squared difference without noise: rotation and motion explain less


def max_growth(side: int) -> int:
    """Return how many pixels longer than a plane the canvas may become."""
    return max(MIN_GROWTH, int(side * MAX_GROWTH) // SIDE_MULTIPLE * SIDE_MULTIPLE)


def shifts_of(block: Block) -> Shifts | None:
    """Register the planes of a block; ``None`` where no plane moved or planes are not shared."""
    if not block.shares_planes:
        return None
    found = register_planes(block.values, block.known, block.noises)
    return tuple(map(tuple, found.tolist())) if found.any() else None


def on_canvas(block: Block, shifts: Shifts) -> Block:
    """Put the planes of a block on one canvas that holds all of them.

    The part of the canvas that a plane does not cover is its mirror image. It is restored too, and
    :func:`cut_from_canvas` leaves it out.
    """
    places = np.array(shifts)
    values, known = (_mirrored(planes, places) for planes in (block.values, block.known))
    return replace(block, values=values, known=known)


def cut_from_canvas(canvas: Array, shifts: Shifts) -> Array:
    """Return each plane, ``(planes, *spatial)``, from its place on the canvas."""
    places = np.array(shifts)
    sides = canvas.shape[1:] - _growth(places)
    return np.stack([_cut(plane, at, sides) for plane, at in zip(canvas, places, strict=True)])


def overlap(planes: Array, places: NDArray[np.intp]) -> Array:
    """Return of each plane the part that all planes show."""
    farthest = places.max(axis=0)
    sides = planes.shape[1:] - farthest
    return np.stack(
        [_cut(plane, farthest - at, sides) for plane, at in zip(planes, places, strict=True)]
    )


def register_planes(
    planes: NDArray[np.floating], known: NDArray[np.bool_], noises: Sequence[NoiseModel]
) -> NDArray[np.intp]:
    """Return the place of each plane on a common canvas.

    Each plane is registered with the one before it by cross-correlation, to whole pixels. The rest
    of a shift stays: planes that drift by fractions of a pixel are easier to match than planes that
    jump.

    Parameters
    ----------
    planes, known
        ``(planes, *spatial)``; ``known`` is false where a pixel is missing.
    noises
        One model a plane, in the intensities of the planes.

    Returns
    -------
    ndarray
        ``(planes, spatial axes)``, in pixels from the first corner of a canvas that is longer than
        a plane by :func:`max_growth` at most. A plane that moved farther begins a new canvas. All
        zero where nothing moved, or where noise hides the shift.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> scene = gaussian_filter(np.random.default_rng(0).random((60, 60)), 2)
    >>> planes = np.stack([scene[:50, 5:55], scene[3:53, :50]])
    >>> register_planes(planes, np.ones(planes.shape, bool), [PoissonGaussian()] * 2).tolist()
    [[0, 5], [3, 0]]
    """
    noisy = without_padding(planes, known)
    values = planes[noisy]
    low, span = (values.min(), np.ptp(values)) if values.size else (0, 0)
    if not span:
        return np.zeros((len(planes), planes.ndim - 1), np.intp)
    scaled = (planes - low) / span
    details = [_details(*each) for each in zip(scaled, noisy, strict=True)]
    # The part of the variance of white noise that the fine filter leaves.
    kept = 1 / (2 * FINE_SIGMA * math.sqrt(math.pi)) ** (planes.ndim - 1)
    variances = [
        kept * float(np.mean(model.rescaled(float(low), float(span)).sigma(plane) ** 2))
        for plane, model in zip(scaled, noises, strict=True)
    ]
    pairs = zip(pairwise(details), pairwise(noisy), pairwise(variances), strict=True)
    steps = [_step(*images, *masks, sum(variances)) for images, masks, variances in pairs]
    return _accumulated(steps, np.array([max_growth(side) for side in planes.shape[1:]]))


def _details(plane: NDArray[np.floating], known: NDArray[np.bool_]) -> Plane:
    """Return the band of details that is compared: a difference of two local means."""
    values = np.where(known, plane, 0).astype(np.float32)
    fine, coarse = gaussian_filter(values, FINE_SIGMA), uniform_filter(values, COARSE_SIDE)
    if not known.all():
        weight = known.astype(np.float32)
        parts = gaussian_filter(weight, FINE_SIGMA), uniform_filter(weight, COARSE_SIDE)
        fine, coarse = (
            x / np.maximum(part, MIN_KNOWN_FRACTION)
            for x, part in zip((fine, coarse), parts, strict=True)
        )
    details: Plane = fine - coarse
    return details


def _step(
    before: Plane,
    after: Plane,
    known_before: NDArray[np.bool_],
    known_after: NDArray[np.bool_],
    noise: float,
) -> NDArray[np.intp]:
    """Return the shift of a plane against the one before it; zero where it is not certain."""
    both, no_shift = known_before & known_after, np.zeros(before.ndim, np.intp)
    if not (both.any() and before.any() and after.any()):
        return no_shift
    # With missing pixels, the normalised correlation of Padfield, IEEE TIP 21 (2012).
    masks = {} if both.all() else {"reference_mask": known_before, "moving_mask": known_after}
    register = partial(phase_cross_correlation, normalization=None, overlap_ratio=0.5)
    shift: NDArray[np.intp] = register(before, after, **masks)[0].astype(np.intp)
    if (np.abs(shift) > MAX_STEP * np.array(before.shape)).any():
        return no_shift
    axes = tuple(range(before.ndim))
    inside = tuple(slice(abs(each), -abs(each) or None) for each in shift)
    compared = (both & np.roll(known_after, shift, axes))[inside]
    moved = np.roll(after, shift, axes)
    unaligned, aligned = (np.square(before - other)[inside][compared] for other in (after, moved))
    gain = unaligned - aligned
    if not gain.size:
        return no_shift
    certain = gain.mean() * math.sqrt(gain.size) > MIN_STANDARD_ERRORS * gain.std()
    explained = gain.mean() > MIN_EXPLAINED * (unaligned.mean() - noise)
    return shift if certain and explained else no_shift


def _accumulated(steps: Sequence[NDArray[np.intp]], limit: NDArray[np.intp]) -> NDArray[np.intp]:
    """Sum the shifts up; begin anew where planes would lie farther apart than the limit."""
    runs = [[np.zeros_like(limit)]]
    for step in steps:
        place = runs[-1][-1] + step
        if (np.ptp([*runs[-1], place], axis=0) > limit).any():
            runs.append([np.zeros_like(limit)])
        else:
            runs[-1].append(place)
    return np.concatenate([run - np.min(run, axis=0) for run in runs])


def _growth(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many pixels longer than a plane the canvas is."""
    growth: NDArray[np.intp] = -(-places.max(axis=0) // SIDE_MULTIPLE) * SIDE_MULTIPLE
    return growth


def _mirrored(planes: Array, places: NDArray[np.intp]) -> Array:
    """Continue each plane beyond its border by its mirror image, as far as the canvas goes."""
    after = _growth(places) - places
    each = zip(planes, places, after, strict=True)
    return np.stack(
        [np.pad(plane, np.stack([at, rest], 1), mode="symmetric") for plane, at, rest in each]
    )


def _cut(plane: Array, at: NDArray[np.intp], sides: NDArray[np.intp]) -> Array:
    return plane[tuple(slice(start, start + side) for start, side in zip(at, sides, strict=True))]
