"""Lay planes over one another that show the same thing in another place."""

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
from napari_dip.pipeline.block import Block, knows_noise, mixes_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Settings

    Plane = NDArray[np.float32]

__all__ = ["aligned", "aligns", "common", "margin", "places", "put_back"]

_FINE, _COARSE = 1.0, 25
"""In pixels, a standard deviation and a side, of the details that are compared: finer ones are
noise, and coarser ones, which do not fit together at opposite rims, hold planes where they are."""

_SEEN = 0.1
"""Part of the pixels around that must have been seen: where less was, details fade."""

_FARTHEST = 0.25
"""Of a side, from one plane to the next."""

_WHOLE = 16
"""By which sides become longer: memory is used again only by what has the same size."""

_SURE, _MOST = 6.0, 0.75
"""A step is believed if it lessens the squared difference by so many standard errors, and by so
much of what noise does not explain: what turns or moves within the image does not."""


def aligns(settings: Settings, psf: NDArray[np.float32] | None) -> bool:
    """Whether planes that share a network may be moved: pixels must not be mixed across a rim."""
    return knows_noise(settings) and not mixes_pixels(settings, psf)


def margin(side: int) -> int:
    """Tell how much longer a side may become, in pixels: it takes memory and time."""
    return max(32, side // 8 // _WHOLE * _WHOLE)


def aligned(block: Block, settings: Settings) -> Block:
    """Lay the planes of a window over one another, on a canvas as large as all of them together.

    What a plane does not show of the canvas is a mirror image of what it does: that is restored,
    too, and left out by :func:`put_back`.
    """
    if block.shared in ("", "C") or not aligns(settings, block.psf):
        return block
    found = places(block.values, block.known, block.noises)
    if not found.any():
        return block
    values, known = (_on_canvas(planes, found) for planes in (block.values, block.known))
    return replace(block, values=values, known=known, places=found)


def put_back(canvas: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """Take each plane from its place on the canvas."""
    sides = canvas.shape[1:] - _room(places)
    return np.stack([_cut(plane, at, sides) for plane, at in zip(canvas, places, strict=True)])


def common(planes: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """Take of each plane what all of them show."""
    farthest = places.max(axis=0)
    sides = planes.shape[1:] - farthest
    return np.stack(
        [_cut(plane, farthest - at, sides) for plane, at in zip(planes, places, strict=True)]
    )


def places(
    planes: NDArray[np.floating], known: NDArray[np.bool_], noises: Sequence[NoiseModel]
) -> NDArray[np.intp]:
    """Tell where each plane belongs, so that all show the same in the same place.

    Each plane is registered with the one before it by cross-correlation. What is left of a pixel
    is let be: planes that all drift alike are easier to match than planes that jump to and fro.

    Parameters
    ----------
    planes, known
        ``(planes, *spatial)``; ``known`` is true where a pixel was observed.
    noises
        One for each plane, in its units.

    Returns
    -------
    ndarray
        ``(planes, spatial axes)``, in pixels from the first corner of a canvas that is longer than
        a plane by :func:`margin` at most: planes that moved farther begin anew. All zero where
        nothing moves, or where it cannot be told from noise.

    Examples
    --------
    >>> from napari_dip.noise.model import NoiseModel
    >>> scene = gaussian_filter(np.random.default_rng(0).random((60, 60)), 2)
    >>> seen = np.stack([scene[:50, 5:55], scene[3:53, :50]])
    >>> places(seen, np.ones(seen.shape, bool), [NoiseModel()] * 2).tolist()
    [[0, 5], [3, 0]]
    """
    seen = without_padding(planes, known)
    there = planes[seen]
    low, span = (there.min(), np.ptp(there)) if there.size else (0, 0)
    if not span:
        return np.zeros((len(planes), planes.ndim - 1), np.intp)
    units = (planes - low) / span
    details = [_details(*each) for each in zip(units, seen, strict=True)]
    left = 1 / (2 * _FINE * math.sqrt(math.pi)) ** (planes.ndim - 1)  # of the variance
    noise = [
        left * float(np.mean(model.rescaled(float(low), float(span)).sigma(plane) ** 2))
        for plane, model in zip(units, noises, strict=True)
    ]
    pairs = zip(pairwise(details), pairwise(seen), pairwise(noise), strict=True)
    steps = [_step(*images, *masks, sum(variances)) for images, masks, variances in pairs]
    return _within(steps, np.array([margin(side) for side in planes.shape[1:]]))


def _details(plane: NDArray[np.floating], seen: NDArray[np.bool_]) -> Plane:
    """Take the difference of two means of what was seen around each pixel."""
    values = np.where(seen, plane, 0).astype(np.float32)
    fine, coarse = gaussian_filter(values, _FINE), uniform_filter(values, _COARSE)
    if not seen.all():
        weight = seen.astype(np.float32)
        parts = gaussian_filter(weight, _FINE), uniform_filter(weight, _COARSE)
        fine, coarse = (
            x / np.maximum(part, _SEEN) for x, part in zip((fine, coarse), parts, strict=True)
        )
    details: Plane = fine - coarse
    return details


def _step(
    before: Plane,
    after: Plane,
    seen_before: NDArray[np.bool_],
    seen_after: NDArray[np.bool_],
    noise: float,
) -> NDArray[np.intp]:
    """Register a plane with the one before it; zero where that is not believed."""
    both, still = seen_before & seen_after, np.zeros(before.ndim, np.intp)
    if not (both.any() and before.any() and after.any()):
        return still
    # Where something is missing, the normalised correlation of Padfield, IEEE TIP 21 (2012).
    masks = {} if both.all() else {"reference_mask": seen_before, "moving_mask": seen_after}
    register = partial(phase_cross_correlation, normalization=None, overlap_ratio=0.5)
    step: NDArray[np.intp] = register(before, after, **masks)[0].astype(np.intp)
    if (np.abs(step) > _FARTHEST * np.array(before.shape)).any():
        return still
    axes = tuple(range(before.ndim))
    inside = tuple(slice(abs(each), -abs(each) or None) for each in step)
    there = (both & np.roll(seen_after, step, axes))[inside]
    moved = np.roll(after, step, axes)
    apart, nearer = (np.square(before - other)[inside][there] for other in (after, moved))
    gain = apart - nearer
    if not gain.size:
        return still
    sure = gain.mean() * math.sqrt(gain.size) > _SURE * gain.std()
    return step if sure and gain.mean() > _MOST * (apart.mean() - noise) else still


def _within(steps: Sequence[NDArray[np.intp]], most: NDArray[np.intp]) -> NDArray[np.intp]:
    """Add steps up, anew as soon as planes would lie farther apart than allowed."""
    runs = [[np.zeros_like(most)]]
    for step in steps:
        after = runs[-1][-1] + step
        if (np.ptp([*runs[-1], after], axis=0) > most).any():
            runs.append([np.zeros_like(most)])
        else:
            runs[-1].append(after)
    return np.concatenate([run - np.min(run, axis=0) for run in runs])


def _room(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Tell by how many pixels the canvas is longer than a plane."""
    room: NDArray[np.intp] = -(-places.max(axis=0) // _WHOLE) * _WHOLE
    return room


def _on_canvas(planes: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """Mirror each plane at its rim, as far as the canvas goes."""
    after = _room(places) - places
    each = zip(planes, places, after, strict=True)
    return np.stack(
        [np.pad(plane, np.stack([at, rest], 1), mode="symmetric") for plane, at, rest in each]
    )


def _cut(plane: NDArray[Any], at: NDArray[np.intp], sides: NDArray[np.intp]) -> NDArray[Any]:
    return plane[tuple(slice(start, start + side) for start, side in zip(at, sides, strict=True))]
