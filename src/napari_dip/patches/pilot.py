"""Mix the pilot estimate of the patch filter from a fit and from the noisy image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.patches.constants import (
    MIN_SIGMA,
    NOISY_WEIGHT,
    RESIDUAL_CLIP,
    RESIDUAL_OF_NOISE,
    RESIDUAL_OF_TEXTURE,
    RESIDUAL_WINDOW,
)
from napari_dip.patches.local_mean import local_mean

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["missed_texture", "pilot"]


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
        ``(1, channels, height, width)``: the network's estimate, the filtered image, and
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
    >>> noisy = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> estimate, other = 0.1 * noisy, 0.1 * noisy + 1
    >>> float((pilot(estimate, other, noisy, 1.0) - estimate).mean().round(decimals=1))
    0.5
    >>> float((pilot(estimate + 1, other, noisy, 1.0) - other).abs().max())
    0.0
    """
    if any(correlation):
        return estimate.lerp(filtered, NOISY_WEIGHT)
    missed = missed_texture(estimate, noisy, sigma)
    return estimate.lerp(filtered, NOISY_WEIGHT + (1 - NOISY_WEIGHT) * missed)


def missed_texture(estimate: Tensor, noisy: Tensor, sigma: float) -> Tensor:
    """Tell where the residual of an estimate is stronger than white noise.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, height, width)``, with the same noise in all channels.
    sigma
        Standard deviation of the noise, in their units.

    Returns
    -------
    Tensor
        From 0, only noise is missing, to 1; ``(1, 1, height, width)``.

    Examples
    --------
    >>> import torch
    >>> noisy = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> bool((missed_texture(0.1 * noisy, noisy, 1.0) < 0.1).float().mean() > 0.9)
    True
    """
    residual = (noisy - estimate) / max(sigma, MIN_SIGMA)
    squares = residual.square().clamp(max=RESIDUAL_CLIP**2).mean(dim=1, keepdim=True)
    strength = local_mean(squares, RESIDUAL_WINDOW)
    ratio = (strength - RESIDUAL_OF_NOISE) / (RESIDUAL_OF_TEXTURE - RESIDUAL_OF_NOISE)
    return ratio.clamp(0, 1)
