"""Bring an estimate into agreement with what was seen, where the network fell short of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.dip.objective import Observation

__all__ = ["project"]


def project(estimate: Tensor, seen: Observation, sigma: float, steps: int) -> Tensor:
    """Move an estimate to the nearest image that is exactly what was seen, or part of the way.

    Without noise the truth is such an image too, and being the nearest it cannot lie farther from
    the truth than the estimate does. With noise only that part of the residual is made up for which
    the noise does not explain, 1 - sigma² / mean(residual²), as a Wiener filter does.

    Parameters
    ----------
    estimate
        ``(1, channels, *spatial)``.
    seen
        y, the operator and what is known; its weights and clipping are not considered.
    sigma
        Standard deviation of the noise that is known of, 0 for none.
    steps
        Of conjugate gradients (CGLS: Björck, Numerical Methods for Least Squares Problems, 1996,
        section 7.4), which begin at the estimate: three do for the kernels of a decimation.

    Returns
    -------
    Tensor
        Of the shape of the estimate, which is not changed.
    """

    def ahead(x: Tensor) -> Tensor:
        return seen.known * seen.operator(x)

    def back(residual: Tensor) -> Tensor:
        anywhere = torch.zeros_like(estimate, requires_grad=True)
        with torch.enable_grad():
            return torch.autograd.grad(ahead(anywhere), anywhere, residual)[0]

    residual = seen.known * seen.y - ahead(estimate)
    energy = float(residual.square().sum() / seen.known.sum())
    part = max(0.0, 1 - sigma**2 / energy) if energy else 0.0
    if not part:
        return estimate
    correction = torch.zeros_like(estimate)
    slope = direction = back(residual)
    size = slope.square().sum()
    for _ in range(steps):
        change = ahead(direction)
        length = size / change.square().sum().clamp_min(1e-30)
        correction = correction + length * direction
        residual = residual - length * change
        slope, before = back(residual), size
        size = slope.square().sum()
        direction = slope + size / before.clamp_min(1e-30) * direction
    return estimate + part * correction
