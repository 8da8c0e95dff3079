"""What is known of the noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["estimate_sigma"]

_MAD_OF_UNIT_NORMAL = 0.6744897501960817


def estimate_sigma(y: Tensor, known: Tensor) -> float:
    """Estimate the standard deviation of white Gaussian noise.

    The median absolute value (Donoho and Johnstone, Biometrika 81, 1994) of second differences
    along both of the last two axes (Immerkær, CVIU 64, 1996). scikit-image's ``estimate_sigma``
    has a wavelet in their place, and cannot leave out unknown pixels.

    Parameters
    ----------
    y
        ``(1, channels, *spatial)``.
    known
        Same shape, 1 where a pixel was observed and 0 elsewhere.

    Returns
    -------
    float
        In the units of ``y``; 0 where no 3x3 block is wholly known.

    Examples
    --------
    >>> import torch
    >>> y = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    >>> round(estimate_sigma(3 * y, torch.ones_like(y)), 1)
    3.0
    """
    seen = y.where(known == 1, math.nan)
    details = seen.diff(n=2, dim=-2).diff(n=2, dim=-1).abs() / 6  # [1, -2, 1] twice has norm 6
    details = details[details.isfinite()]
    return float(details.median()) / _MAD_OF_UNIT_NORMAL if details.numel() else 0.0
