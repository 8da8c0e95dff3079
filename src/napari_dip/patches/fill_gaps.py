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
    LAST_PASS_RADIUS,
    MAX_GAP_SIGMA,
    MIN_GAP_SIGMA,
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
    spread, trust = (spread + trust * one)[:, None], trust[:, None]
    both = known[..., :, None] * known[..., None, :]
    systems = both * (spread + trust * (noise - one)) + trust * one
    residual = (known * (values - mean))[..., None]
    weights = known[..., None] * torch.linalg.solve(systems, residual)
    # A patch without a known pixel would only be blurred: it is left unchanged.
    seen = known.amax(dim=-1, keepdim=True) > 0
    filled: Tensor = mean + torch.where(seen, (spread @ weights)[..., 0], deviations)
    return filled
