"""Put back into an estimate what repeats itself elsewhere in the image.

A network that stops before it fits the noise has not fitted all of the texture either, and where
nothing was seen it has not found all of it. Patches that look alike in the estimate show the same
texture under different noise, or with other pixels missing: together they tell more than each.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from napari_dip.prior.patches import (
    AT_ONCE,
    Grid,
    Patches,
    cosines,
    in_bands,
    most_alike,
    noise_of_patches,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.prior.noise import Correlation

__all__ = ["WHOLE", "begin_refining", "refine", "refine_alone", "refine_once"]


WHOLE = Patches(side=7, step=4, reach=12, alike=30)
_FIRST = Patches(side=5, step=4, reach=10, alike=90)
"""Where nothing but the noisy image is at hand: its noise must not be taken for texture."""
_WITH_GAPS = Patches(side=5, step=3, reach=10, alike=30)
"""Smaller where pixels are missing, for a larger system is solved for each patch."""

_OWN = 0.5
"""Part of what the passes begin with that comes from the noisy image alone."""

_LEAST_SIGMA = 0.01
"""Of the range of intensities: where pixels are missing, what is seen is trusted no more."""


def refine(
    estimate: Tensor,
    noisy: Tensor,
    known: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    kind: Patches = WHOLE,
) -> Tensor:
    """Refine an estimate by the Gaussian model of groups of patches alike.

    The second step of Lebrun, Buades and Morel, "A Nonlocal Bayesian Image Denoising Algorithm",
    SIAM J. Imaging Sciences 6 (2013): each group of patches alike in an estimate has a mean m and
    a covariance C, and its noisy patches y become m + C (C + sigma² I)⁻¹ (y - m). The estimate is
    half the one at hand and half that of their first step, which tells C from the noisy patches
    less sigma²: the two err in other places. With M choosing a patch's known pixels, its
    conditional mean is m + C Mᵀ (M C Mᵀ + sigma² I)⁻¹ M (y - m), Equation (10) of Yu, Sapiro and
    Mallat, IEEE TIP 21 (2012). Colours are decorrelated first. Where neighbours share noise, its
    covariance takes the place of sigma² I.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, height, width)``, about [0, 1], with noise of one strength in all channels.
    known
        Of the same shape, 1 where a pixel was observed and 0 elsewhere.
    sigma
        Standard deviation of the noise, in the units of both.
    correlation
        Of the noise, along Y and along X.
    passes
        How often; each starts from the one before, 0 returns the estimate.
    kind
        Of patches, where no pixels are missing.

    Returns
    -------
    Tensor
        Of the shape of the estimate, which is not changed.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> stripes = torch.arange(48.0).sin() * torch.linspace(0.5, 1.5, 48)[:, None]
    >>> truth = stripes.expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> refined = refine(0.8 * truth, noisy, torch.ones_like(noisy), 0.2, passes=2)
    >>> bool((refined - truth).square().mean() < 0.5 * (0.2 * truth).square().mean())
    True
    """
    gaps = known.amin(dim=1, keepdim=True) if (known == 0).any() else None
    guide = estimate
    if gaps is not None:
        kind = _WITH_GAPS
    elif passes:
        guide = begin_refining(estimate, noisy, sigma, correlation, kind)
    for _ in range(passes):
        guide = refine_once(guide, noisy, gaps, sigma=sigma, correlation=correlation, kind=kind)
    return guide


def begin_refining(
    estimate: Tensor, noisy: Tensor, sigma: float, correlation: Correlation, kind: Patches = WHOLE
) -> Tensor:
    """Give what the passes begin with: half the estimate, half what the noisy image tells alone."""
    alone = refine_alone(noisy, sigma, correlation, passes=1, kind=kind)
    return estimate.lerp(alone, _OWN)


def refine_alone(
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    kind: Patches = WHOLE,
) -> Tensor:
    """Refine without an estimate, and without missing pixels: the whole of Lebrun's method."""
    once = partial(refine_once, gaps=None, sigma=sigma, correlation=correlation)
    guide = once(noisy, noisy, kind=_FIRST, noisy_guide=True)
    for _ in range(passes):
        guide = once(guide, noisy, kind=kind)
    return guide


def refine_once(
    guide: Tensor,
    noisy: Tensor,
    gaps: Tensor | None,
    *,
    sigma: float,
    correlation: Correlation = ((), ()),
    kind: Patches = WHOLE,
    noisy_guide: bool = False,
) -> Tensor:
    """Do one pass; ``gaps``, ``(1, 1, height, width)``, are 0 where a pixel is missing."""
    mixing = cosines(guide.shape[1]).to(guide)
    guide, seen = (torch.einsum("kc,bchw->bkhw", mixing, image) for image in (guide, noisy))
    one_pass = partial(
        _one_pass, sigma=sigma, correlation=correlation, kind=kind, noisy_guide=noisy_guide
    )
    guide = in_bands(one_pass, (guide, seen, gaps), kind)
    refined: Tensor = torch.einsum("kc,bkhw->bchw", mixing, guide)
    return refined


def _one_pass(
    guide: Tensor,
    seen: Tensor,
    gaps: Tensor | None,
    *,
    sigma: float,
    correlation: Correlation,
    kind: Patches,
    noisy_guide: bool = False,
) -> Tensor:
    shape = guide.shape[2:]
    grid = Grid.over(shape, kind)
    side = grid.side
    guides, values = (
        [functional.unfold(one, side)[0].T.contiguous() for one in x.split(1, dim=1)]
        for x in (guide, seen)
    )
    known = None if gaps is None else functional.unfold(gaps, side)[0].T.contiguous()
    totals = [torch.zeros_like(one) for one in values]
    count = guide.new_zeros(grid.rows * grid.columns)
    noise = noise_of_patches(correlation, side)
    filtered: Callable[..., Tensor]
    if known is not None:
        filtered = partial(_filled_in, sigma=sigma, noise=noise.to(guide))
    elif noisy_guide:
        filtered = partial(_less_noisy, noise=max(sigma, 1e-4) ** 2 * noise.to(guide))
    else:
        certainty = torch.linalg.inv(noise.double()).float() / max(sigma, 1e-4) ** 2
        filtered = partial(_conditional_mean, certainty=certainty.to(guide))
    places = grid.references(guide.device)
    if known is not None and sigma <= _LEAST_SIGMA:
        # Next to no noise: only what is missing can become better.
        places = places[(known[grid.number(places)] == 0).any(dim=1)]
    # A patch with gaps has a system of its own to be solved.
    each = kind.alike * side**2 * (1 if known is None else side**2)
    for references in places.split(max(1, AT_ONCE // each)):
        alike = most_alike(references, guide[0, 0], grid)
        there = () if known is None else (known[alike],)
        for guide_patches, patches, total in zip(guides, values, totals, strict=True):
            group = guide_patches[alike]
            mean = group.mean(dim=1, keepdim=True)
            better = filtered(mean, group - mean, patches[alike], *there)
            total.index_add_(0, alike.flatten(), better.flatten(0, 1))
        count.index_add_(0, alike.flatten(), torch.ones_like(alike.flatten(), dtype=count.dtype))
    weight = functional.fold(count.expand(side**2, -1)[None], shape, side)
    summed = torch.cat([functional.fold(total.T[None], shape, side) for total in totals], dim=1)
    return torch.where(weight > 0, summed / weight.clamp(min=1), guide)


def _conditional_mean(mean: Tensor, spread: Tensor, values: Tensor, certainty: Tensor) -> Tensor:
    """Filter groups of patches, ``(groups, patches, pixels)``; ``certainty`` inverts the noise N.

    With S the ``spread`` of n patches about their mean, C is Sᵀ S / (n - 1), and C (C + N)⁻¹ is
    Sᵀ ((n - 1) I + S N⁻¹ Sᵀ)⁻¹ S N⁻¹: a system of as many unknowns as patches, which are fewer
    than pixels.
    """
    weighed = spread @ certainty
    system = weighed @ spread.mT
    system.diagonal(dim1=1, dim2=2).add_(max(1, spread.shape[1] - 1))
    shares = torch.linalg.solve(system, weighed @ (values - mean).mT)
    filtered: Tensor = mean + shares.mT @ spread
    return filtered


def _less_noisy(mean: Tensor, spread: Tensor, values: Tensor, noise: Tensor) -> Tensor:
    """Do so where the guide is as noisy as the values: its covariance has the noise in it."""
    covariance = _without(noise, _covariance(spread))
    # As y - N (C + N)⁻¹ (y - m): exact where there is next to no noise.
    kept = torch.linalg.solve(covariance + noise, noise.expand_as(covariance))
    filtered: Tensor = values - (values - mean) @ kept
    return filtered


def _filled_in(
    mean: Tensor, spread: Tensor, values: Tensor, known: Tensor, sigma: float, noise: Tensor
) -> Tensor:
    """Do so where pixels are missing; ``noise`` is of unit variance."""
    trust = max(sigma, _LEAST_SIGMA) ** 2
    one = torch.eye(values.shape[2], device=values.device)
    # A group is too small to know all directions.
    covariance = (_covariance(spread) + trust * one)[:, None]
    both = known[..., :, None] * known[..., None, :]
    systems = both * (covariance + trust * (noise - one)) + trust * one
    residual = (known * (values - mean))[..., None]
    weights = known[..., None] * torch.linalg.solve(systems, residual)
    filled: Tensor = mean + (covariance @ weights)[..., 0]
    return filled


def _covariance(spread: Tensor) -> Tensor:
    return spread.mT @ spread / max(1, spread.shape[1] - 1)


def _without(noise: Tensor, covariance: Tensor) -> Tensor:
    """Take the noise out of covariances, and leave no direction less than nothing."""
    root = torch.linalg.cholesky(noise)
    whitened = torch.linalg.solve_triangular(root, covariance, upper=False)
    whitened = torch.linalg.solve_triangular(root, whitened.mT, upper=False)
    strengths, directions = torch.linalg.eigh(whitened)
    coloured = root @ directions
    without: Tensor = (coloured * (strengths - 1).clamp(min=0)[:, None]) @ coloured.mT
    return without
