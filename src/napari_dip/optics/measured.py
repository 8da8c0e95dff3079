"""Prepare a measured point spread function, the image of a small bead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from scipy.stats import median_abs_deviation

from napari_dip.errors import BadImage
from napari_dip.optics.psf import PSF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["measured_psf"]

SATURATED = 5  # equal pixels: four are those of a symmetric bead between the pixels
VISIBLE = 5.0  # standard deviations of the background: a weaker peak may be noise
KEPT = 2.0  # standard deviations: weaker pixels, or pixels apart from the bead, count as 0
CENTRAL = 0.25  # of the peak: light above it tells the centre, to 0.08 pixels
SHARE = 0.999  # of the light: what is outside is cut off
SAME_SIZE = 0.01  # relative: smaller differences of the pixel sizes are not resampled
MOVED = 0.01  # pixels: smaller distances from the centre are not mentioned


def measured_psf(
    image: ArrayLike,
    sizes: Sequence[float] | None = None,
    *,
    target: Sequence[float] | None = None,
) -> PSF:
    """Prepare the image of a bead as a point spread function, and say what was done.

    The background is subtracted, the bead is centred, resampled to the pixels of the image that is
    to be deconvolved, cut to an odd size and normalised.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Z, Y, X)``, with one bead.
    sizes, target
        Sizes of the pixels of the bead's image and of the image to be deconvolved along each axis,
        in one unit; ``None`` if both are equal.

    Raises
    ------
    BadImage
        If there is no bead.

    Examples
    --------
    >>> from napari_dip.optics.psf import gaussian_psf
    >>> bead = np.pad(1000 * gaussian_psf((3.0, 3.0)).values, ((4, 2), (3, 2))) + 100
    >>> psf = measured_psf(bead)
    >>> psf.values.shape
    (9, 9)
    >>> psf.notes[:2]
    ('Its background of 100 was subtracted.', 'It was moved by -1, -0.5 pixels to the centre.')
    """
    values = np.squeeze(np.asarray(image))
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3) or min(values.shape) < 3:
        raise BadImage(
            f"the point spread function has shape {np.shape(image)}; give an image of numbers with "
            "the axes Y and X, or Z, Y and X, and at least 3 pixels along each"
        )
    saturated = _saturated(values)
    values = values.astype(float)
    if not np.isfinite(values).all():
        raise BadImage("the point spread function has values that are not finite; crop them off")
    values, background = _without_background(values)
    notes = [f"Its background of {background:.4g} was subtracted."] if background else []
    notes += saturated
    steps = np.ones(values.ndim)
    if sizes is not None and target is not None:
        ratio = np.divide(target, sizes)
        steps = np.where(np.abs(ratio - 1) < SAME_SIZE, 1, ratio)
    centre = np.array(ndimage.center_of_mass((values - CENTRAL * values.max()).clip(0)))
    moved = (np.array(values.shape) - 1) / 2 - centre
    if np.abs(moved).max() > MOVED:
        by = ", ".join(f"{each:.3g}" for each in moved)
        notes.append(f"It was moved by {by} pixels to the centre.")
    if (steps != 1).any():
        factors = " × ".join(f"{step:.3g}" for step in steps)
        notes.append(f"It was resampled to pixels {factors} times as large.")
    values = _cut(_resampled(values, centre, steps))
    if values.shape != np.shape(image):
        notes.append(f"It was cut from {_times(np.shape(image))} pixels.")
    kernel = np.ascontiguousarray(values / values.sum(), np.float32)
    return PSF(kernel, "measured", tuple(notes))


def _saturated(values: NDArray[Any]) -> list[str]:
    """Say that the brightest pixels of a bead are as bright as its image can hold."""
    count = int((values == values.max()).sum())
    if values.dtype.kind not in "ui" or count < SATURATED or not values.max():
        return []
    return [
        f"Its {count} brightest pixels are equal ({values.max()}): if the bead is overexposed, the "
        "point spread function is too wide; take a darker image."
    ]


def _without_background(values: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Subtract the median of the border, and remove what noise is left around the bead."""
    inside = np.zeros(values.shape, bool)
    inside[tuple(slice(1, -1) for _ in values.shape)] = True
    border = values[~inside]
    background = float(np.median(border))
    noise = float(median_abs_deviation(border, scale="normal"))
    values = values - background
    if not values.max() > max(VISIBLE * noise, 1e-9 * abs(background)):
        raise BadImage(
            "the point spread function shows no bead: its brightest pixel is "
            f"{values.max():.3g} above a background whose noise is {noise:.3g}; crop a bead, or "
            "average several"
        )
    smooth = ndimage.gaussian_filter(values, 1.0) if noise else values
    bright, _ = ndimage.label(smooth > KEPT * noise / 2 if noise else values > 0)
    bead = bright == bright[np.unravel_index(values.argmax(), values.shape)]
    return np.where(bead, values.clip(0), 0), background


def _resampled(values: NDArray[Any], centre: NDArray[Any], steps: NDArray[Any]) -> NDArray[Any]:
    """Sample at the centre, and at steps from it in both directions."""
    blur = 0.5 * np.sqrt(np.maximum(steps**2 - 1, 0))  # against aliasing
    values = ndimage.gaussian_filter(values, blur, mode="constant") if blur.any() else values
    reach = [max(c, n - 1 - c) for c, n in zip(centre, values.shape, strict=True)]
    halves = [int(np.ceil(r / step)) for r, step in zip(reach, steps, strict=True)]
    axes = [
        c + step * np.arange(-half, half + 1)
        for c, step, half in zip(centre, steps, halves, strict=True)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    exact = all(float(c).is_integer() for c in centre) and (steps == 1).all()
    sampled = ndimage.map_coordinates(values, grid, order=0 if exact else 3, mode="constant")
    return np.asarray(sampled).clip(0)


def _cut(values: NDArray[Any]) -> NDArray[Any]:
    """Cut off the border, but for a thousandth of the light along each axis."""
    for axis in range(values.ndim):
        others = tuple(other for other in range(values.ndim) if other != axis)
        line = values.sum(axis=others)
        half = len(line) // 2
        within = [line[half - h : half + h + 1].sum() for h in range(half + 1)]
        keep = int(np.argmax(np.array(within) >= SHARE * line.sum()))
        keep = max(1, keep)
        values = values.take(range(half - keep, half + keep + 1), axis=axis)
    return values


def _times(numbers: Sequence[int]) -> str:
    return " × ".join(map(str, numbers))
