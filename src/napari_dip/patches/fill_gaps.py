"""Fill missing pixels from similar patches in which they are known."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_dip.patches.constants import (
    GAP_SEARCH,
    GAP_SIGMA_RATIO,
    GAP_SOLVER_STEPS,
    LAST_PASS_RADIUS,
    MAX_GAP_SIGMA,
    MIN_GAP_SIGMA,
    TINY,
)
from napari_dip.patches.filter_pass import covariance, filter_pass
from napari_dip.patches.search import patch_noise_covariance

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.noise.model import Correlation

__all__ = ["fill_gaps"]


def fill_gaps(
    estimate: Tensor,
    noisy: Tensor,
    known: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
) -> Tensor:
    """Fill missing pixels by the Gaussian model of groups of similar patches.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, height, width)``, about [0, 1], with the same noise in all channels.
        Patches are compared in the estimate.
    known
        Of their shape, 1 where a pixel was observed and 0 elsewhere.
    sigma
        Standard deviation of the noise, in the units of both.
    correlation
        Correlation of the noise along Y and X.
    passes
        Number of passes; each starts from the one before, and the last has a larger search radius.

    Returns
    -------
    Tensor
        Of the shape of the estimate, which is not changed; the estimate itself if no pixel is
        missing. The known pixels keep half of their noise, because a group is too small to know
        its covariance in all directions. To denoise them too, refine the known and the filled
        pixels together.

    Notes
    -----
    With M the selection of the known pixels of a patch, its conditional mean is
    m + C Mᵀ (M C Mᵀ + sigma² I)⁻¹ M (y - m): Equation (10) of Yu, Sapiro and Mallat, IEEE TIP 21
    (2012). For correlated noise its covariance takes the place of sigma² I.

    Examples
    --------
    >>> stripes = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> known = (torch.rand(stripes.shape, generator=torch.Generator().manual_seed(0)) > 0.3) * 1.0
    >>> filled = fill_gaps(0.8 * stripes, stripes * known, known, 0.0, passes=8)
    >>> bool((filled - stripes)[known == 0].square().mean() < 1e-3)
    True
    """
    mask = known.amin(dim=1)[:, None, None]
    if mask.all():
        return estimate
    guide, seen = estimate[:, :, None], noisy[:, :, None]

    def make_filter(side: int) -> Callable[..., Tensor]:
        noise = patch_noise_covariance(correlation, side)
        return partial(_conditional_mean, sigma=sigma, noise=noise.to(guide))

    for number in range(passes):
        last = number == passes - 1
        guide = filter_pass(
            guide,
            seen,
            make_filter,
            search=replace(GAP_SEARCH, radius=LAST_PASS_RADIUS) if last else GAP_SEARCH,
            known=mask,
            gaps_only=sigma <= MAX_GAP_SIGMA,
        )
    return guide[:, :, 0]


def _conditional_mean(
    mean: Tensor, deviations: Tensor, values: Tensor, known: Tensor, sigma: float, noise: Tensor
) -> Tensor:
    """Filter groups with missing pixels; ``noise`` is the covariance of noise of unit variance."""
    one = torch.eye(values.shape[2], device=values.device, dtype=values.dtype)
    spread = covariance(deviations)
    variance = spread.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    trust = (GAP_SIGMA_RATIO**2 * variance).clamp(max=MAX_GAP_SIGMA**2)
    trust = trust.clamp(min=max(sigma, MIN_GAP_SIGMA) ** 2)
    # The same variance is added in all directions, because a group is too small to know them.
    spread = spread + trust * one
    weights = _solved(spread + trust * noise, known, known * (values - mean))
    # A patch without a known pixel would only be blurred: it is left unchanged.
    seen = known.amax(dim=-1, keepdim=True) > 0
    filled: Tensor = mean + torch.where(seen, weights @ spread, deviations)
    return filled


def _solved(matrices: Tensor, known: Tensor, values: Tensor) -> Tensor:
    """Solve M B Mᵀ x = M y for each patch, by conjugate gradients.

    ``matrices`` B are those of the groups, ``(groups, side², side²)``. Each patch has another
    selection M of known pixels: a decomposition would be needed for each, but a product with B is
    one for the whole group.
    """
    x = torch.zeros_like(values)
    residual = direction = values
    norm = values.square().sum(dim=-1, keepdim=True)
    for _ in range(GAP_SOLVER_STEPS):
        change = known * (direction @ matrices)
        length = norm / (direction * change).sum(dim=-1, keepdim=True).clamp(min=TINY)
        x = x + length * direction
        residual = residual - length * change
        before, norm = norm, residual.square().sum(dim=-1, keepdim=True)
        direction = residual + norm / before.clamp(min=TINY) * direction
    return x
