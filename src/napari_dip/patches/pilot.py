"""What the comparison of patches begins with: the network's estimate, and the noisy image's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["pilot"]

_OWN = 0.5
"""Part that comes from the noisy image alone where the network's estimate leaves noise alone."""

_NOISE, _TEXTURE = 0.95, 1.2
"""Mean square of the residual, in variances of the noise: from the first on there is more than
noise in it, and from the second on the network's estimate counts no more."""

_SIDE = 25
"""Of the square over which that mean is taken, in pixels."""

_OUTLIER = 3.0
"""Standard deviations of the noise: a hot pixel counts as far out as that, lest it be kept."""


def pilot(
    estimate: Tensor,
    alone: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
) -> Tensor:
    """Mix two estimates that err in other places, by what the first one has left in the residual.

    A network that stops before it fits the noise may not have come to fine texture at all; there
    its residual is stronger than the noise. Noise that neighbours share is as uneven itself, and
    what the noisy image alone tells is then the worse of the two: nothing is asked of the residual.

    Parameters
    ----------
    estimate, alone, noisy
        ``(1, channels, planes, height, width)``: the network's estimate, that of the noisy image
        alone, and that image, with noise of one strength in all channels.
    sigma
        Standard deviation of the noise, in their units.
    correlation
        Of the noise, along Y and along X.

    Returns
    -------
    Tensor
        A new one, of their shape.

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
        return estimate.lerp(alone, _OWN)
    residual = (noisy - estimate) / max(sigma, 1e-4)
    left = _local_mean(residual.square().clamp(max=_OUTLIER**2).mean(dim=1, keepdim=True))
    missed = ((left - _NOISE) / (_TEXTURE - _NOISE)).clamp(0, 1)
    return estimate.lerp(alone, _OWN + (1 - _OWN) * missed)


def _local_mean(x: Tensor) -> Tensor:
    """Average over a square about each pixel, as much of it as lies in the image."""
    height, width = (min(_SIDE, (size - 1) // 2 * 2 + 1) for size in x.shape[-2:])
    for sides in ((1, 1, width), (1, height, 1)):
        half = tuple(side // 2 for side in sides)
        x = functional.avg_pool3d(x, sides, 1, half, count_include_pad=False)
    return x
