"""Interpolate the missing pixels of planes by smooth surfaces."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import splu
from skimage.transform import downscale_local_mean, resize

from napari_dip.dip.constants import (
    MAX_NARROW_GAP,
    MAX_SOLVED_PIXELS,
    SMOOTHING_POWER,
    SMOOTHING_SCALE,
    SURFACE_TENSION,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

__all__ = ["interpolate_gaps"]


def interpolate_gaps(
    values: NDArray[np.float32], known: NDArray[np.bool_], sigma: float = 0.0
) -> NDArray[np.float32]:
    """Interpolate the missing pixels of each plane by a smooth surface in tension.

    The surface u solves (1 - T) ∇⁴u - T ∇²u = 0 with T = 0.2 (Smith and Wessel, "Gridding with
    continuous curvature splines in tension", Geophysics 55, 1990). Without tension, the slope at
    the edge of a wide gap continues across it, with its noise and with what a mask left there.
    Known pixels beside wide gaps are smoothed first where there is noise. The result is limited to
    the range of the known pixels. If very many pixels are missing, the plane is filled at half the
    resolution first.

    Parameters
    ----------
    values
        ``(..., height, width)``, with any numbers where pixels are missing.
    known
        False where a pixel is missing, of the shape of ``values``.
    sigma
        Standard deviation of the noise; 1 is the range of intensities.

    Returns
    -------
    ndarray
        New array, float32. Planes without a known pixel are unchanged.

    Examples
    --------
    >>> ramp = np.arange(20.0) * np.ones((20, 1))
    >>> known = np.ones(ramp.shape, bool)
    >>> known[8:12, 8:12] = False
    >>> bool(np.abs(interpolate_gaps(np.where(known, ramp, 99), known) - ramp).max() < 1e-3)
    True
    """
    shape = (-1, *values.shape[-2:])
    filled, masks = values.reshape(shape).astype(np.float32), known.reshape(shape)
    planes_of_mask: dict[bytes, list[int]] = defaultdict(list)
    for number, mask in enumerate(masks):
        planes_of_mask[mask.tobytes()].append(number)
    for numbers in planes_of_mask.values():
        mask = masks[numbers[0]]
        if mask.any() and not mask.all():
            filled[numbers] = _filled(_smoothed(filled[numbers], mask, sigma), mask)
    return filled.reshape(values.shape)


def _smoothed(
    planes: NDArray[np.floating], known: NDArray[np.bool_], sigma: float
) -> NDArray[np.floating]:
    """Smooth the known pixels by a Gaussian if there is noise and a gap is wide."""
    if not sigma or distance_transform_edt(~known).max() <= MAX_NARROW_GAP:
        return planes
    width = min(SMOOTHING_SCALE * sigma**SMOOTHING_POWER, max(known.shape))
    weight = gaussian_filter(known.astype(np.float64), width)
    total = gaussian_filter(np.where(known, planes, 0.0), (0, width, width))
    return np.asarray(total / np.maximum(weight, 1e-9))


def _filled(planes: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Fill planes with the same mask, at half the resolution if too many pixels are missing."""
    zeroed = np.where(known, planes, 0.0)
    if (~known).sum() <= MAX_SOLVED_PIXELS or min(known.shape) < 2:
        return _solved(zeroed, known)
    known_fraction = downscale_local_mean(known.astype(float), (2, 2))
    means = downscale_local_mean(zeroed, (1, 2, 2)) / np.maximum(known_fraction, 1e-6)
    coarse = _filled(means, known_fraction > 0)
    count, *sides = coarse.shape
    fine = resize(coarse, [count, *(2 * side for side in sides)], order=1, mode="edge")
    return np.where(known, planes, fine[:, : known.shape[0], : known.shape[1]])


def _solved(planes: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Solve for the missing pixels; the two pixels around each gap are the boundary condition."""
    near = binary_dilation(~known, np.ones((3, 3)), iterations=2)
    laplacian_of_near = _graph_laplacian(near)
    missing = ~known[near]
    membrane = laplacian_of_near[missing]
    plate = membrane @ laplacian_of_near
    system = ((1 - SURFACE_TENSION) * plate + SURFACE_TENSION * membrane).tocsc()
    boundary = planes[:, known & near].T
    solution = splu(system[:, missing]).solve(-(system[:, ~missing] @ boundary))
    known_values = planes[:, known].T
    filled = planes.copy()
    filled[:, ~known] = solution.clip(known_values.min(axis=0), known_values.max(axis=0)).T
    return filled


def _graph_laplacian(selected: NDArray[np.bool_]) -> csr_array:
    """Return the graph Laplacian of the selected pixels, each connected to its four neighbours."""
    number = np.cumsum(selected).reshape(selected.shape) - 1
    pairs = [
        (one[both], other[both])
        for one, other, both in (
            (number[:-1], number[1:], selected[:-1] & selected[1:]),
            (number[:, :-1], number[:, 1:], selected[:, :-1] & selected[:, 1:]),
        )
    ]
    ends = tuple(np.concatenate(each) for each in zip(*pairs, strict=True))
    size = int(selected.sum())
    edges = coo_array((np.ones(len(ends[0])), ends), (size, size)).tocsr()
    return laplacian(edges + edges.T).tocsr()
