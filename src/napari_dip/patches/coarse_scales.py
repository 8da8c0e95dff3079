"""Denoise the coarse scales of an image, where a patch spans more and the noise is weaker.

A filter of small patches leaves noise of low frequencies. The means of 2 x 2 pixels show it, with a
quarter of the pixels and half of the noise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from torch.nn import functional

from napari_dip.patches.constants import (
    COARSE_SCALES,
    COARSE_WEIGHT,
    DETAIL_OF_STRUCTURE,
    DETAIL_WINDOW,
    MIN_COARSE_SIDE,
    MIN_MEAN_VARIANCE,
    MIN_SIGMA,
)
from napari_dip.patches.local_mean import local_mean
from napari_dip.patches.nl_bayes import nl_bayes
from napari_dip.patches.pilot import missed_texture

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["WHITE", "enlarged", "estimate_coarse", "halved", "noise_of_means", "with_coarse"]

WHITE: Correlation = ((), ())


def estimate_coarse(
    noisy: Tensor, sigma: float, correlation: Correlation = WHITE, scales: int = COARSE_SCALES
) -> Tensor:
    """Denoise the means of 2 x 2 pixels, with their own coarse scales.

    Parameters
    ----------
    noisy
        ``(1, channels, height, width)``, about [0, 1], with the same noise in all channels.
    sigma
        Standard deviation of the noise.
    correlation
        Correlation of the noise along Y and X.
    scales
        How often the size is halved; an image that has become small is not halved further.

    Returns
    -------
    Tensor
        ``(1, channels, (height + 1) // 2, (width + 1) // 2)``.

    Examples
    --------
    >>> import torch
    >>> noisy = 0.2 * torch.randn(1, 1, 32, 31, generator=torch.Generator().manual_seed(0))
    >>> coarse = estimate_coarse(noisy, 0.2)
    >>> coarse.shape, bool(coarse.std() < 0.5 * 0.1)
    (torch.Size([1, 1, 16, 16]), True)
    """
    means = halved(noisy)
    sigma, correlation = noise_of_means(sigma, correlation)
    estimate = nl_bayes(means, sigma, correlation)
    if scales == 1 or min(means.shape[-2:]) < 2 * MIN_COARSE_SIDE:
        return estimate
    coarser = estimate_coarse(means, sigma, correlation, scales - 1)
    return estimate + enlarged(coarser - halved(estimate), estimate)


def with_coarse(
    fine: Tensor, coarse: Tensor, noisy: Tensor, sigma: float, correlation: Correlation = WHITE
) -> Tensor:
    """Replace the means of 2 x 2 pixels of an estimate where it shows no fine structure.

    Similar patches of fine structure are a better estimate of its means than the coarse scales.

    Parameters
    ----------
    fine, noisy
        ``(1, channels, height, width)``: the estimate and the noisy image.
    coarse
        From :func:`estimate_coarse`.
    sigma, correlation
        Of the noise in the noisy image.

    Examples
    --------
    >>> import torch
    >>> fine, coarse = torch.zeros(1, 1, 32, 32), torch.full((1, 1, 16, 16), 0.05)
    >>> round(float(with_coarse(fine, coarse, fine, 0.2).mean()), 3)
    0.035
    """
    means = halved(fine)
    detail = halved((fine - enlarged(means, fine)).square()).sum(dim=1, keepdim=True)
    detail = local_mean(detail, DETAIL_WINDOW) / max(sigma, MIN_SIGMA) ** 2
    weight = COARSE_WEIGHT / (1 + detail / DETAIL_OF_STRUCTURE)
    if not any(correlation):
        weight = weight * (1 - missed_texture(coarse, halved(noisy), sigma / 2))
    return fine + enlarged(weight * (coarse - means), fine)


def noise_of_means(sigma: float, correlation: Correlation) -> tuple[float, Correlation]:
    """Return the standard deviation and the correlation of the means of 2 x 2 pixels.

    Examples
    --------
    >>> sigma, (_, along_x) = noise_of_means(1.0, ((), (0.5, 0.25)))
    >>> round(sigma**2, 3), [round(each, 3) for each in along_x]
    (0.375, [0.333])
    """
    of_means = []
    for along in correlation:
        variance = max(MIN_MEAN_VARIANCE, (1 + along[0]) / 2) if along else 0.5
        sigma *= math.sqrt(variance)
        padded = np.array([1.0, *along, 0.0, 0.0, 0.0])
        of_means.append(
            tuple(
                float(padded[2 * lag - 1 : 2 * lag + 2] @ (0.25, 0.5, 0.25) / variance)
                for lag in range(1, (len(along) + 1) // 2 + 1)
            )
        )
    return sigma, (of_means[0], of_means[1])


def halved(image: Tensor) -> Tensor:
    """Average squares of 2 x 2 pixels; at an odd border those that there are.

    Examples
    --------
    >>> import torch
    >>> halved(torch.arange(6.0).reshape(1, 1, 2, 3)).tolist()
    [[[[2.0, 3.5]]]]
    """
    return functional.avg_pool2d(image, 2, ceil_mode=True)


def enlarged(means: Tensor, like: Tensor) -> Tensor:
    """Interpolate to twice the size, without the pixels that an odd size does not have."""
    height, width = like.shape[-2:]
    return functional.interpolate(means, scale_factor=2, mode="bilinear")[..., :height, :width]
