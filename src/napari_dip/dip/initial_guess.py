"""What missing pixels are taken for at first: a network that begins grey stays grey in a hole."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import splu
from skimage.transform import downscale_local_mean, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array
    from torch import Tensor

__all__ = ["Guess", "interpolated"]

_MOST = 30_000
"""Missing pixels of a plane that are solved for at once: about half a second, and 100 MB."""

_TENSION = 0.2
"""Of 0 for a thin plate, which overshoots, and 1 for a membrane, which has creases at the rim."""

_WIDTH, _POWER = 10.0, 0.75
"""How far noisy pixels are smoothed beforehand, in pixels: 0.5 for noise of 0.02, 1.8 for 0.1."""

_WIDE = 3
"""Of a gap, the pixels from its rim to its middle, beyond which that is worth some texture."""


@dataclass(frozen=True)
class Guess:
    """A guess at the missing pixels, that the estimate is drawn to while it takes shape.

    Parameters
    ----------
    values
        ``(1, channels, *spatial)``.
    missing
        Of the same shape: 1 where a pixel is missing and 0 elsewhere.
    """

    values: Tensor
    missing: Tensor

    def distance(self, x: Tensor) -> Tensor:
        """Sum of the squared differences of the missing pixels, in parts of the known ones."""
        return ((x - self.values).square() * self.missing).sum() / self._known

    @cached_property
    def _known(self) -> Tensor:
        return (1 - self.missing).sum().clamp(min=1)


def interpolated(
    values: NDArray[np.float32], known: NDArray[np.bool_], sigma: float = 0.0
) -> NDArray[np.float32]:
    """Fill what is missing by a smooth surface in tension, plane by plane.

    It solves (1 - T) ∇⁴u - T ∇²u = 0 with T = 0.2: Smith and Wessel, "Gridding with continuous
    curvature splines in tension", Geophysics 55 (1990). Without tension it would go on as steeply
    as it begins, and what a mask left at the rim of a wide gap would grow across it. So does noise,
    and noisy pixels are smoothed before. No value is beyond those that were seen. Where very much
    of a plane is missing, half as many rows and columns are filled first.

    Parameters
    ----------
    values
        ``(..., height, width)``, any numbers where they are unknown.
    known
        Of the same shape.
    sigma
        Standard deviation of their noise, on the scale of [0, 1].

    Returns
    -------
    ndarray
        A new one, float32. Planes of which nothing is known stay as they are.

    Examples
    --------
    >>> ramp = np.arange(20.0) * np.ones((20, 1))
    >>> known = np.ones(ramp.shape, bool)
    >>> known[8:12, 8:12] = False
    >>> bool(np.abs(interpolated(np.where(known, ramp, 99), known) - ramp).max() < 1e-3)
    True
    """
    shape = (-1, *values.shape[-2:])
    filled, masks = values.reshape(shape).astype(np.float32), known.reshape(shape)
    alike: dict[bytes, list[int]] = defaultdict(list)
    for number, mask in enumerate(masks):
        alike[mask.tobytes()].append(number)
    for numbers in alike.values():
        mask = masks[numbers[0]]
        if mask.any() and not mask.all():
            filled[numbers] = _filled(_smoothed(filled[numbers], mask, sigma), mask)
    return filled.reshape(values.shape)


def _smoothed(
    planes: NDArray[np.floating], known: NDArray[np.bool_], sigma: float
) -> NDArray[np.floating]:
    """Take the mean of the known pixels around each, with Gaussian weights, if a gap is wide."""
    if not sigma or distance_transform_edt(~known).max() <= _WIDE:
        return planes
    width = min(_WIDTH * sigma**_POWER, max(known.shape))
    weight = gaussian_filter(known.astype(np.float64), width)
    total = gaussian_filter(np.where(known, planes, 0.0), (0, width, width))
    return np.asarray(total / np.maximum(weight, 1e-9))


def _filled(planes: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Fill planes that miss the same pixels."""
    seen = np.where(known, planes, 0.0)
    if (~known).sum() <= _MOST or min(known.shape) < 2:
        return _stretched(seen, known)
    part = downscale_local_mean(known.astype(float), (2, 2))
    means = downscale_local_mean(seen, (1, 2, 2)) / np.maximum(part, 1e-6)
    coarse = _filled(means, part > 0)
    count, *sides = coarse.shape
    fine = resize(coarse, [count, *(2 * side for side in sides)], order=1, mode="edge")
    return np.where(known, planes, fine[:, : known.shape[0], : known.shape[1]])


def _stretched(planes: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Span surfaces over the missing pixels, held by the two pixels around each gap."""
    near = binary_dilation(~known, np.ones((3, 3)), iterations=2)
    slopes = _differences(near)
    missing = ~known[near]
    there = slopes[missing]  # minus the Laplacian of each missing pixel
    forces = ((1 - _TENSION) * (there @ slopes) + _TENSION * there).tocsc()
    held = planes[:, known & near].T
    surfaces = splu(forces[:, missing]).solve(-(forces[:, ~missing] @ held))
    seen = planes[:, known].T
    filled = planes.copy()
    filled[:, ~known] = surfaces.clip(seen.min(axis=0), seen.max(axis=0)).T
    return filled


def _differences(near: NDArray[np.bool_]) -> csr_array:
    """Give the graph Laplacian of these pixels, each of them joined to its four neighbours."""
    number = np.cumsum(near).reshape(near.shape) - 1
    pairs = [
        (one[both], other[both])
        for one, other, both in (
            (number[:-1], number[1:], near[:-1] & near[1:]),
            (number[:, :-1], number[:, 1:], near[:, :-1] & near[:, 1:]),
        )
    ]
    ends = tuple(np.concatenate(each) for each in zip(*pairs, strict=True))
    size = int(near.sum())
    joined = coo_array((np.ones(len(ends[0])), ends), (size, size)).tocsr()
    return laplacian(joined + joined.T).tocsr()
