"""What missing pixels are taken for at first: a network that begins grey stays grey in a hole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.restoration import inpaint_biharmonic
from skimage.transform import downscale_local_mean, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["Guess", "interpolated"]

_MOST = 30_000
"""Missing pixels of a plane that are solved for at once: about half a second, and 100 MB."""


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
    """Fill what is missing by biharmonic interpolation, plane by plane.

    It goes on as steeply as it begins, so that noise at the rim of a wide gap grows across it:
    noisy pixels are smoothed before. Where very much of a plane is missing, half as many rows and
    columns are filled first.

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
    planes = zip(
        values.reshape(-1, *values.shape[-2:]), known.reshape(-1, *known.shape[-2:]), strict=True
    )
    filled = [
        _filled(_smoothed(plane, there, sigma), there) if there.any() else plane
        for plane, there in planes
    ]
    return np.reshape(filled, values.shape).astype(np.float32)


def _smoothed(
    plane: NDArray[np.floating], known: NDArray[np.bool_], sigma: float
) -> NDArray[np.floating]:
    """Take the mean of the known pixels around each, with Gaussian weights, if a gap is wide."""
    if not sigma or distance_transform_edt(~known).max() <= _WIDE:
        return plane
    width = _WIDTH * sigma**_POWER
    weight = gaussian_filter(known.astype(np.float64), width)
    total = gaussian_filter(np.where(known, plane, 0.0), width)
    return np.asarray(total / np.maximum(weight, 1e-9))


def _filled(plane: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.floating]:
    seen = np.where(known, plane, 0)
    if (~known).sum() <= _MOST or min(plane.shape) < 2:
        filled: NDArray[np.floating] = inpaint_biharmonic(seen, ~known)
        return filled
    part = downscale_local_mean(known.astype(float), (2, 2))
    mean = downscale_local_mean(seen, (2, 2)) / np.maximum(part, 1e-6)
    coarse = _filled(mean, part > 0)
    fine = resize(coarse, [2 * size for size in coarse.shape], order=1, mode="edge")
    return np.where(known, plane, fine[tuple(map(slice, plane.shape))])
