"""What is known of the noise."""

from __future__ import annotations

from torch import Tensor

__all__ = ["estimate_sigma"]

_MAD_OF_UNIT_NORMAL = 0.6744897501960817


def estimate_sigma(y: Tensor, known: Tensor) -> float:
    """Estimate the standard deviation of white Gaussian noise.

    The median absolute deviation of the finest diagonal details (Donoho and Johnstone,
    Biometrika 81, 1994) over the last two axes. scikit-image's ``estimate_sigma`` does the same
    with a longer wavelet, but cannot leave out unknown pixels.

    Parameters
    ----------
    y
        ``(1, channels, *spatial)``.
    known
        Same shape, 1 where a pixel was observed and 0 elsewhere.

    Returns
    -------
    float
        In the units of ``y``; 0 where no 2x2 block is wholly known.

    Examples
    --------
    >>> import torch
    >>> y = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    >>> round(estimate_sigma(3 * y, torch.ones_like(y)), 1)
    3.0
    """
    details = (_diagonals(y, -1) / 2).abs()[_diagonals(known, 1) == 4]
    return float(details.median()) / _MAD_OF_UNIT_NORMAL if details.numel() else 0.0


def _diagonals(y: Tensor, sign: int) -> Tensor:
    """Main diagonal plus or minus the other one, of every disjoint 2x2 block."""
    y = y[..., : y.shape[-2] // 2 * 2, : y.shape[-1] // 2 * 2]
    main = y[..., ::2, ::2] + y[..., 1::2, 1::2]
    other = y[..., ::2, 1::2] + y[..., 1::2, ::2]
    return main + sign * other
