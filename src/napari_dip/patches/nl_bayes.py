"""Denoise by non-local Bayes: a Gaussian model of each group of similar patches.

A fit that stops before it includes noise has not included all texture either. Similar patches of
its estimate show the same texture under different noise, so a group gives more than each patch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_dip.patches.constants import (
    DIAGONAL_LOADING,
    FIRST_STEP_SEARCH,
    LAST_PASS_RADIUS,
    MIN_SIGMA,
    PATCH_SEARCH,
    PatchSearch,
)
from napari_dip.patches.filter_pass import covariance, filter_pass
from napari_dip.patches.pilot import pilot
from napari_dip.patches.search import patch_noise_covariance

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.noise.model import Correlation

__all__ = ["nl_bayes", "nl_bayes_pass", "refine"]


def refine(
    estimate: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    search: PatchSearch = PATCH_SEARCH,
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
    estimate and of their first step on the noisy image:
    see :func:`~napari_dip.patches.pilot.pilot`.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> stripes = torch.arange(48.0).sin() * torch.linspace(0.5, 1.5, 48)[:, None]
    >>> truth = stripes.expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> refined = refine(0.8 * truth, noisy, 0.2, passes=2)
    >>> bool((refined - truth).square().mean() < 0.5 * (0.2 * truth).square().mean())
    True
    """
    guide, seen = estimate[:, :, None], noisy[:, :, None]
    once = partial(nl_bayes_pass, noisy=seen, sigma=sigma, correlation=correlation)
    if passes:
        guide = pilot(guide, _from_noisy(seen, once, search), seen, sigma, correlation)
    for number in range(passes):
        last = number == passes - 1
        guide = once(guide, search=replace(search, radius=LAST_PASS_RADIUS) if last else search)
    return guide[:, :, 0]


def nl_bayes(noisy: Tensor, sigma: float, correlation: Correlation = ((), ())) -> Tensor:
    """Denoise an image without an estimate, by the two steps of Lebrun, Buades and Morel.

    Parameters and result are those of :func:`refine`.

    Examples
    --------
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> bool((nl_bayes(noisy, 0.2) - truth).square().mean() < 0.1 * 0.2**2)
    True
    """
    seen = noisy[:, :, None]
    once = partial(nl_bayes_pass, noisy=seen, sigma=sigma, correlation=correlation)
    guide = _from_noisy(seen, once, PATCH_SEARCH)
    return once(guide, search=replace(PATCH_SEARCH, radius=LAST_PASS_RADIUS))[:, :, 0]


def _from_noisy(noisy: Tensor, once: Callable[..., Tensor], search: PatchSearch) -> Tensor:
    """Run the first step on the noisy image, and a pass of the second."""
    return once(once(noisy, search=FIRST_STEP_SEARCH, noisy_guide=True), search=search)


def nl_bayes_pass(
    guide: Tensor,
    noisy: Tensor,
    *,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = PATCH_SEARCH,
    offset: int = 0,
    noisy_guide: bool = False,
) -> Tensor:
    """Run one pass over ``(1, channels, planes, height, width)``.

    ``noisy_guide`` says that the guide has the noise of the image, as in the first step. See
    :func:`~napari_dip.patches.filter_pass.filter_pass` for the other parameters.

    Examples
    --------
    >>> truth = torch.arange(32.0).sin().expand(1, 1, 3, 32, 32)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> filtered = nl_bayes_pass(truth, noisy, sigma=0.2)
    >>> bool((filtered - truth).square().mean() < 0.2 * 0.2**2)
    True
    """
    variance = max(sigma, MIN_SIGMA) ** 2

    def make_filter(side: int) -> Callable[..., Tensor]:
        noise = patch_noise_covariance(correlation, side)
        if noisy_guide:
            return partial(_first_step, noise=variance * noise.to(guide))
        certainty = torch.linalg.inv(noise.double()).float() / variance
        return partial(_second_step, certainty=certainty.to(guide))

    return filter_pass(
        guide, noisy, make_filter, search=search, offset=offset, noisy_guide=noisy_guide
    )


def _second_step(mean: Tensor, deviations: Tensor, values: Tensor, certainty: Tensor) -> Tensor:
    """Filter groups by the covariance of the guide; ``certainty`` is the inverse of N.

    With S the deviations of n patches, C is Sᵀ S / (n - 1), and C (C + N)⁻¹ is
    Sᵀ ((n - 1) I + S N⁻¹ Sᵀ)⁻¹ S N⁻¹. This system has as many unknowns as patches, fewer than
    pixels.
    """
    weighed = deviations @ certainty
    system = weighed @ deviations.mT
    system.diagonal(dim1=1, dim2=2).mul_(1 + DIAGONAL_LOADING).add_(max(1, deviations.shape[1] - 1))
    shares = torch.linalg.solve(system, weighed @ (values - mean).mT)
    filtered: Tensor = mean + shares.mT @ deviations
    return filtered


def _first_step(mean: Tensor, deviations: Tensor, values: Tensor, noise: Tensor) -> Tensor:
    """Filter groups of a noisy guide: the noise is subtracted from their covariance.

    With N = R Rᵀ, the covariance is R D S Dᵀ Rᵀ with a diagonal S. Without the noise it has
    max(S - 1, 0) in place of S, and (C + N)⁻¹ N is R⁻ᵀ D max(S, 1)⁻¹ Dᵀ Rᵀ.
    """
    root = torch.linalg.cholesky(noise)
    whitened = torch.linalg.solve_triangular(root, covariance(deviations), upper=False)
    whitened = torch.linalg.solve_triangular(root, whitened.mT, upper=False)
    # The decomposition fails for eigenvalues of 0, as of patches that are nearly all black.
    one = torch.eye(len(noise), device=noise.device, dtype=noise.dtype)
    eigenvalues, vectors = torch.linalg.eigh(whitened + one)
    parts = vectors / (eigenvalues - 1).clamp(min=1)[:, None] @ vectors.mT
    removed = torch.linalg.solve_triangular(root.mT, parts @ root.mT, upper=True)
    filtered: Tensor = values - (values - mean) @ removed
    return filtered
