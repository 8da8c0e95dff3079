"""Keep the points of a sharpened image that its filter has spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.patches.local_mean import local_mean

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PSF_ERROR", "keep_points"]

SIDE = 7  # pixels: side of the squares that are compared, as that of a patch; 5 loses 2 dB

LEAST_EXCESS = 20.0
"""Variances of the noise in a square, more than which do not come from noise; 30 loses 0.5 dB of
points of 100 photons [Deconvolution]."""

PSF_ERROR = 0.1
"""Part of the intensity that a wrong point spread function may change: 0.05 loses 0.6 dB of
filaments whose function differs from the computed one [Deconvolution]."""


def keep_points(filtered: Tensor, sharp: Tensor, excess: Tensor, allowed: Tensor) -> Tensor:
    """Return the filtered image, and the sharpened one where only that explains the observation.

    Parameters
    ----------
    filtered, sharp
        The sharpened image with and without the filter, ``(1, channels, *spatial)``.
    excess
        The squared residual of the filtered image minus that of the sharpened one, both blurred
        again, in variances of the noise; of the same shape.
    allowed
        The squared residual that a wrong point spread function may cause.

    Notes
    -----
    A filter with similar patches spreads a bead: hardly any patch has it at the same place. Blurred
    again, the spread bead does not explain the observation any more.

    Examples
    --------
    >>> import torch
    >>> sharp, filtered = torch.ones(1, 1, 9, 40), torch.zeros(1, 1, 9, 40)
    >>> excess = torch.zeros(1, 1, 9, 40)
    >>> excess[..., 4, 10] = 50
    >>> kept = keep_points(filtered, sharp, excess, torch.zeros_like(excess))[0, 0, 4]
    >>> kept[10].item(), kept[30].item()
    (1.0, 0.0)
    """
    # The planes of a stack are compared one by one.
    total, expected = (
        local_mean(image.flatten(1, -3), SIDE).reshape(image.shape) * SIDE**2
        for image in (excess, allowed)
    )
    weight = (total / (LEAST_EXCESS + expected) - 1).clamp(0, 1)
    return filtered + weight * (sharp - filtered)
