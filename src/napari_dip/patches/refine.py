"""Refine the estimate of a network by groups of similar patches at several scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_dip.patches.coarse_scales import estimate_coarse, with_coarse
from napari_dip.patches.constants import PATCH_SEARCH, PatchSearch
from napari_dip.patches.nl_bayes import last_passes, two_passes
from napari_dip.patches.pilot import pilot

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["FirstEstimate", "first_estimate", "first_fine", "refine"]


class FirstEstimate(NamedTuple):
    """An estimate from the noisy image alone.

    Parameters
    ----------
    fine
        ``(1, channels, height, width)``.
    coarse
        The means of 2 x 2 pixels, ``(1, channels, (height + 1) // 2, (width + 1) // 2)``.
    """

    fine: Tensor
    coarse: Tensor


def first_estimate(
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = PATCH_SEARCH,
) -> FirstEstimate:
    """Filter a noisy image at several scales, without an estimate of a network.

    Parameters are those of :func:`refine`.

    Examples
    --------
    >>> import torch
    >>> noisy = 0.2 * torch.randn(1, 1, 32, 31, generator=torch.Generator().manual_seed(0))
    >>> bool(first_estimate(noisy, 0.2).fine.std() < 0.5 * 0.2)
    True
    """
    coarse = estimate_coarse(noisy, sigma, correlation)
    return FirstEstimate(first_fine(noisy, coarse, sigma, correlation, search), coarse)


def first_fine(
    noisy: Tensor,
    coarse: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = PATCH_SEARCH,
) -> Tensor:
    """Filter a noisy image whose coarse scales have been estimated: ``FirstEstimate.fine``."""
    fine = two_passes(noisy, sigma, correlation, search)
    return with_coarse(fine, coarse, noisy, sigma, correlation)


def refine(
    estimate: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    search: PatchSearch = PATCH_SEARCH,
    first: FirstEstimate | None = None,
) -> Tensor:
    """Refine an estimate by the Gaussian model of groups of similar patches.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, height, width)``, about [0, 1], with the same noise in all channels.
    sigma
        Standard deviation of the noise, in the units of both.
    correlation
        Correlation of the noise along Y and X.
    passes
        Number of passes; each starts from the one before, and the last has a larger search radius.
        0 returns the estimate.
    search
        Parameters of the search.
    first
        From :func:`first_estimate`; ``None`` computes it.

    Returns
    -------
    Tensor
        A new tensor with the shape of the estimate.

    Notes
    -----
    This is the second step of Lebrun, Buades and Morel, "A Nonlocal Bayesian Image Denoising
    Algorithm", SIAM J. Imaging Sciences 6 (2013): a group of similar patches of the pilot estimate
    has a mean m and a covariance C, and its noisy patches y become m + C (C + N)⁻¹ (y - m). N is
    the covariance of the noise, sigma² I for white noise. The pilot estimate is a mixture of the
    estimate and of the first estimate: see :func:`~napari_dip.patches.pilot.pilot`. At last the
    coarse scales are replaced: see :func:`~napari_dip.patches.coarse_scales.with_coarse`.

    Examples
    --------
    >>> import torch
    >>> random = torch.Generator().manual_seed(0)
    >>> stripes = torch.arange(48.0).sin() * torch.linspace(0.5, 1.5, 48)[:, None]
    >>> truth = stripes.expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> refined = refine(0.8 * truth, noisy, 0.2, passes=2)
    >>> bool((refined - truth).square().mean() < 0.5 * (0.2 * truth).square().mean())
    True
    """
    if not passes:
        return estimate.clone()
    first = first or first_estimate(noisy, sigma, correlation, search)
    guide = pilot(estimate, first.fine, noisy, sigma, correlation)
    fine = last_passes(guide, noisy, sigma, correlation, passes=passes, search=search)
    return with_coarse(fine, first.coarse, noisy, sigma, correlation)
