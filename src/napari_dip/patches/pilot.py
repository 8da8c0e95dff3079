"""Mix the pilot estimate of the patch filter from a fit and from the noisy image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from napari_dip.patches.constants import (
    MIN_SIGMA,
    NOISY_WEIGHT,
    RESIDUAL_CLIP,
    RESIDUAL_OF_NOISE,
    RESIDUAL_OF_TEXTURE,
    RESIDUAL_WINDOW,
)

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["pilot"]


def pilot(
    estimate: Tensor,
    filtered: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
) -> Tensor:
    """Mix the estimate of a network with one filtered from the noisy image alone.

    The two have different errors. A network that stops early may have missed fine texture; there
    its residual is stronger than the noise, and the filtered image gets more weight.

    Parameters
    ----------
    estimate, filtered, noisy
        ``(1, channels, planes, height, width)``: the network's estimate, the filtered image, and
        the noisy image, with the same noise in all channels.
    sigma
        Standard deviation of the noise, in their units.
    correlation
        Correlation of the noise along Y and X. The residual of correlated noise is uneven without
        texture, and the filtered image is the worse one: then the weights are equal everywhere.

    Returns
    -------
    Tensor
        A new tensor of their shape.

    Examples
    --------
    >>> import torch
    >>> noisy = torch.randn(1, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> estimate, other = 0.1 * noisy, 0.1 * noisy + 1
    >>> float((pilot(estimate, other, noisy, 1.0) - estimate).mean().round(decimals=1))
    0.5
    >>> float((pilot(estimate + 1, other, noisy, 1.0) - other).abs().max())
    0.0
    """
    if any(correlation):
        return estimate.lerp(filtered, NOISY_WEIGHT)
    residual = (noisy - estimate) / max(sigma, MIN_SIGMA)
    left = _local_mean(residual.square().clamp(max=RESIDUAL_CLIP**2).mean(dim=1, keepdim=True))
    missed = ((left - RESIDUAL_OF_NOISE) / (RESIDUAL_OF_TEXTURE - RESIDUAL_OF_NOISE)).clamp(0, 1)
    return estimate.lerp(filtered, NOISY_WEIGHT + (1 - NOISY_WEIGHT) * missed)


def _local_mean(x: Tensor) -> Tensor:
    """Average over the part of a square around each pixel that lies in the image."""
    height, width = (min(RESIDUAL_WINDOW, (size - 1) // 2 * 2 + 1) for size in x.shape[-2:])
    for sides in ((1, 1, width), (1, height, 1)):
        half = tuple(side // 2 for side in sides)
        x = functional.avg_pool3d(x, sides, 1, half, count_include_pad=False)
    return x
