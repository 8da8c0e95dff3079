"""Project an estimate onto the images that agree with the observation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.dip.objective import Observation

__all__ = ["project"]


def project(estimate: Tensor, observation: Observation, sigma: float, steps: int) -> Tensor:
    """Move an estimate to the nearest image that gives the observation, or part of the way.

    Without noise the true image is among those images, so the nearest of them is not farther from
    the truth than the estimate. With noise, the correction is multiplied by the fraction of the
    mean squared residual that the noise does not explain, 1 - sigma² / mean(residual²), as in a
    Wiener filter.

    Parameters
    ----------
    estimate
        ``(1, channels, *spatial)``.
    observation
        y, the operator and the mask; weights and clipping are ignored.
    sigma
        Standard deviation of the noise; 0 for none.
    steps
        Steps of conjugate gradients from the estimate (CGLS: Björck, Numerical Methods for Least
        Squares Problems, 1996, section 7.4). Three are enough for the kernels of a decimation.

    Returns
    -------
    Tensor
        New tensor of the shape of the estimate; the estimate itself if the correction is 0.
    """

    def forward(x: Tensor) -> Tensor:
        return observation.known * observation.operator(x)

    def adjoint(residual: Tensor) -> Tensor:
        anywhere = torch.zeros_like(estimate, requires_grad=True)
        with torch.enable_grad():
            return torch.autograd.grad(forward(anywhere), anywhere, residual)[0]

    residual = observation.known * observation.y - forward(estimate)
    mean_square = float(residual.square().sum() / observation.known.sum())
    fraction = max(0.0, 1 - sigma**2 / mean_square) if mean_square else 0.0
    if not fraction:
        return estimate
    correction = torch.zeros_like(estimate)
    gradient = direction = adjoint(residual)
    norm = gradient.square().sum()
    for _ in range(steps):
        change = forward(direction)
        length = norm / change.square().sum().clamp_min(1e-30)
        correction = correction + length * direction
        residual = residual - length * change
        gradient, norm_before = adjoint(residual), norm
        norm = gradient.square().sum()
        direction = gradient + norm / norm_before.clamp_min(1e-30) * direction
    return estimate + fraction * correction
