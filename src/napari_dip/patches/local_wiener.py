"""Denoise in milliseconds, for a first look: local Wiener filters at several scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.patches.coarse_scales import WHITE, enlarged, halved, noise_of_means
from napari_dip.patches.constants import (
    LOOK_MARGIN,
    LOOK_SCALES,
    LOOK_WINDOW,
    MIN_COARSE_SIDE,
    MIN_SIGMA,
    PART_OF_MEANS,
)
from napari_dip.patches.local_mean import local_mean

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["local_wiener"]


def local_wiener(
    noisy: Tensor, sigma: float, correlation: Correlation = WHITE, scales: int = LOOK_SCALES
) -> Tensor:
    """Denoise an image coarsely and fast.

    At each scale, the difference between the image and the means of 2 x 2 pixels is multiplied by
    the part of its local variance that is not noise: the adaptive filter of Lee, "Digital image
    enhancement and noise filtering by use of local statistics", IEEE PAMI 2 (1980), applied to a
    Laplacian pyramid.

    Parameters
    ----------
    noisy
        ``(1, channels, height, width)``, about [0, 1].
    sigma
        Standard deviation of the noise.
    correlation
        Correlation of the noise along Y and X.
    scales
        How often the size is halved; an image that has become small is not halved further.

    Examples
    --------
    >>> import torch
    >>> noisy = 0.2 * torch.randn(1, 1, 64, 65, generator=torch.Generator().manual_seed(0))
    >>> bool(local_wiener(noisy, 0.2).std() < 0.2 * 0.2)
    True
    """
    if scales == 0 or min(noisy.shape[-2:]) < 2 * MIN_COARSE_SIDE:
        return noisy
    means, of_means = halved(noisy), noise_of_means(sigma, correlation)
    detail = noisy - enlarged(means, noisy)
    variance = local_mean(detail.square(), LOOK_WINDOW)
    noise = LOOK_MARGIN * max(sigma**2 - PART_OF_MEANS * of_means[0] ** 2, 0.0)
    gain = (variance - noise).clamp(min=0) / variance.clamp(min=MIN_SIGMA**2)
    return enlarged(local_wiener(means, *of_means, scales - 1), noisy) + gain * detail
