"""Estimate the standard error of each restored pixel from restorations of simulated images.

It is an iterated parametric bootstrap. The restored image x̂ is taken for the truth: noise is
added, and the restoration is repeated. The errors of that first replica are known, but too small
where the image has detail that x̂ lost. Two measurements correct them:

- a second replica, of the first: each restoration loses detail, and the errors of the second
  replica are smaller than those of the first by about the factor by which those of the first are
  smaller than the errors of x̂ (Hall, "The Bootstrap and Edgeworth Expansion", 1992, Section 1.4);
- the residual y - x̂: where neighbours in it are more correlated than in the residual of the first
  replica, x̂ lost structure. The noise of different pixels is independent, so that the strength of
  the noise need not be known well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.pipeline.block import Block

__all__ = ["NORMAL_90", "Replica", "standard_error"]

NORMAL_90 = 1.645
"""Half width of the interval that holds 90 % of a normal distribution, in standard deviations."""

# Brackets name the section of benchmarks/NOTES.md with the measurement [Uncertainty].

ERROR_WINDOW = 4.0
"""Pixels: standard deviation of the Gaussian window in which squared errors are averaged."""

EXCESS_WINDOW = 8.0
"""Pixels: the same for the correlation of the residual, whose chance variation is larger."""

COMMON_PART = 0.05
"""Part of the mean squared error that is added everywhere: few errors are seen in flat regions."""

MIN_RATIO, MAX_RATIO = 0.7, 1.4
"""Limits of the ratio of the errors of both replicas; measured were 0.75 to 1.25."""

REFINED, REFINED_NOISY = 3.0, 1.7
"""Factors of the errors after super-resolution, without and with noise: simulated detail is as
smooth as the result, and is restored better than that of the specimen [Uncertainty]."""

FAINT_NOISE = 0.05
"""Of the median standard deviation of the noise: the least to which errors are compared."""


@dataclass(frozen=True)
class Replica:
    """A simulated observation of a known image, and its restoration."""

    truth: NDArray[np.float32]
    block: Block
    estimate: NDArray[np.float32]

    @property
    def error(self) -> NDArray[np.float32]:
        """The error of the restoration, ``(channels, *spatial)``."""
        return self.estimate - self.truth


def standard_error(
    block: Block, first: Replica, second: Replica, *, observes_pixels: bool
) -> NDArray[np.float32]:
    """Return the standard error of each pixel of an estimate, in the intensities of the block.

    Parameters
    ----------
    block
        The noisy block.
    first
        The replica whose truth is the estimate of the block.
    second
        The replica whose truth is the estimate of the first.
    observes_pixels
        Whether the block is the estimate with noise. After super-resolution or deconvolution the
        residual has other pixels, and is not compared.
    """
    errors = np.empty(first.truth.shape, np.float32)
    for number, noise in enumerate(block.noises):
        one, other = first.error[number], second.error[number]
        scale, scale_of_second = (
            _faintest(noise.sigma(replica.truth[number])) for replica in (first, second)
        )
        excess: NDArray[np.float64] | float = 0.0
        if observes_pixels and not noise.is_none:
            known = block.known[number]
            lost = (
                _correlation_of_neighbours((values - estimate) / scale, known)
                for values, estimate in (
                    (block.values[number], first.truth[number]),
                    (first.block.values[number], first.estimate[number]),
                )
            )
            excess = next(lost) - next(lost)
        square = (one / scale) ** 2
        ratio = _root_mean_square(one / scale) / _root_mean_square(other / scale_of_second)
        ratio = float(np.clip(ratio, MIN_RATIO, MAX_RATIO))
        variance = _smoothed(square, ERROR_WINDOW) + COMMON_PART * square.mean()
        errors[number] = ratio**2 * scale * np.sqrt(variance + np.maximum(excess, 0))
        if first.truth.shape != block.values.shape:
            errors[number] *= REFINED if noise.is_none else REFINED_NOISY
        elif not block.known[number].all() and block.known[number].any():
            unlike = _difference_by_distance(first.truth[number], block.known[number])
            errors[number] = np.maximum(errors[number], unlike)
    return errors


def _difference_by_distance(
    image: NDArray[np.floating], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how much a missing pixel may differ from the nearest known one; 0 for known pixels.

    It is the root of the variogram, half the mean squared difference of the known pixels at that
    distance along Y and X (Cressie, "Statistics for Spatial Data", 1993). A filled hole is smooth,
    and so are its replicas, even if the specimen is not.
    """
    # Planes of a volume are far apart: the distance is that in the plane.
    planes = known.reshape(-1, *known.shape[-2:])
    distances = np.stack([distance_transform_edt(~plane) for plane in planes])
    distances = np.minimum(np.ceil(distances), min(known.shape[-2:]) // 2).astype(int)
    distances = distances.reshape(known.shape)
    roots = np.zeros(distances.max() + 1)
    for distance in range(1, len(roots)):
        squares, pairs = 0.0, 0
        for axis in (-2, -1):
            near, far = (np.arange(distance, image.shape[axis]) - shift for shift in (distance, 0))
            both = known.take(near, axis) & known.take(far, axis)
            differences = (image.take(near, axis) - image.take(far, axis))[both]
            squares += float(np.sum(differences.astype(np.float64) ** 2))
            pairs += int(both.sum())
        roots[distance] = np.sqrt(squares / pairs / 2) if pairs else roots[distance - 1]
    at_each_pixel: NDArray[np.float64] = roots[distances]
    return at_each_pixel


def _faintest(sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of the noise, above 0; 1 where there is none."""
    middle = float(np.median(sigma))
    return np.maximum(sigma, FAINT_NOISE * middle if middle > 0 else 1.0)


def _root_mean_square(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(values**2))) or 1.0


def _correlation_of_neighbours(
    residual: NDArray[np.floating], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the local mean product of a residual with its four neighbours in Y and X."""
    residual = np.where(known, residual, 0)
    products, pairs = np.zeros(residual.shape), np.zeros(residual.shape)
    for axis in (-2, -1):
        for step in (1, -1):
            products += residual * np.roll(residual, step, axis)
            pairs += known & np.roll(known, step, axis)
    weight = _smoothed(pairs, EXCESS_WINDOW)
    return _smoothed(products, EXCESS_WINDOW) / np.maximum(weight, np.finfo(np.float32).eps)


def _smoothed(values: NDArray[np.floating], window: float) -> NDArray[np.float64]:
    """Average in a Gaussian window in Y and X."""
    sigmas = (0.0,) * (values.ndim - 2) + (window, window)
    averaged: NDArray[np.float64] = gaussian_filter(values.astype(np.float64), sigmas)
    return averaged
