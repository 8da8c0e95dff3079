"""Filter the planes of a stack together, by patches that span several planes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from napari_dip.patches.coarse_scales import (
    WHITE,
    estimate_coarse,
    halved,
    noise_of_means,
    with_coarse,
)
from napari_dip.patches.constants import (
    FIRST_STEP_SEARCH,
    LONG_PATCH_PLANES,
    MIN_PLANE_CORRELATION,
    PATCH_SEARCH,
    PLANE_RADIUS,
    SHORT_PATCH_PLANES,
    STACK_NOISE_EDGE,
    STACK_RADIUS,
    WEAK_COVARIANCE,
)
from napari_dip.patches.nl_bayes import first_pass, last_passes, nl_bayes_pass
from napari_dip.patches.pilot import pilot
from napari_dip.patches.refine import FirstEstimate, first_fine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from napari_dip.noise.model import Correlation
    from napari_dip.patches.constants import PatchSearch

__all__ = ["coarse_of_stack", "fine_of_stack", "first_of_stack", "map_planes", "refine_stack"]


def first_of_stack(
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = WHITE,
    search: PatchSearch = PATCH_SEARCH,
) -> FirstEstimate:
    """Filter a noisy stack at two scales, without an estimate of a network.

    Parameters are those of :func:`refine_stack`.

    Examples
    --------
    >>> noisy = 0.2 * torch.randn(1, 1, 4, 32, 31, generator=torch.Generator().manual_seed(0))
    >>> bool(first_of_stack(noisy, 0.2).fine.std() < 0.2 * 0.2)
    True
    """
    coarse = coarse_of_stack(noisy, sigma, correlation)
    return FirstEstimate(fine_of_stack(noisy, coarse, sigma, correlation, search), coarse)


def coarse_of_stack(noisy: Tensor, sigma: float, correlation: Correlation = WHITE) -> Tensor:
    """Denoise the means of 2 x 2 pixels of each plane: ``FirstEstimate.coarse``."""
    of_means = noise_of_means(sigma, correlation)

    def together(seen: Tensor) -> Tensor:
        means = map_planes(halved, seen)
        guide = _first_passes(means, *of_means, PATCH_SEARCH)
        return _last_passes(guide, means, *of_means, PATCH_SEARCH, 1)

    alone = partial(estimate_coarse, sigma=sigma, correlation=correlation)
    return _map_runs(together, alone, _similar_runs(noisy, sigma), noisy)


def fine_of_stack(
    noisy: Tensor,
    coarse: Tensor,
    sigma: float,
    correlation: Correlation = WHITE,
    search: PatchSearch = PATCH_SEARCH,
) -> Tensor:
    """Filter a noisy stack whose coarse scale has been estimated: ``FirstEstimate.fine``.

    The coarse scale is for single planes; similar planes flicker more with it before the last pass.
    """

    def together(seen: Tensor, _: Tensor) -> Tensor:
        return _first_passes(seen, sigma, correlation, search)

    alone = partial(first_fine, sigma=sigma, correlation=correlation, search=search)
    return _map_runs(together, alone, _similar_runs(noisy, sigma), noisy, coarse)


def refine_stack(
    estimate: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = WHITE,
    *,
    passes: int,
    search: PatchSearch = PATCH_SEARCH,
    first: FirstEstimate | None = None,
) -> Tensor:
    """Refine the planes of a stack, each together with similar neighbouring planes.

    Patches span four planes, in the last pass two, and are searched in the planes before and after
    too. Runs of planes are refined together; a run ends where two neighbours are uncorrelated.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, planes, height, width)``, about [0, 1], with the same noise in all channels.
    sigma, correlation, search
        As of :func:`~napari_dip.patches.refine.refine`.
    passes
        Number of passes; 0 returns the estimate.
    first
        From :func:`first_of_stack`; ``None`` computes it.

    Returns
    -------
    Tensor
        A new tensor with the shape of the estimate.

    Notes
    -----
    The patches are those of Arias and Morel, "Video denoising via empirical Bayesian estimation of
    space-time patches", J. Math. Imaging Vis. 60 (2018), here decorrelated along the planes.

    Examples
    --------
    >>> from napari_dip.patches.refine import refine
    >>> random = torch.Generator().manual_seed(0)
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 5, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> together = refine_stack(0.8 * truth, noisy, 0.2, passes=2)
    >>> alone = refine(0.8 * truth[:, :, 0], noisy[:, :, 0], 0.2, passes=2)
    >>> bool((together - truth).square().mean() < (alone - truth[:, :, 0]).square().mean())
    True
    """
    if not passes:
        return estimate.clone()
    mix, exchange, together, alone = (
        partial(function, sigma=sigma, correlation=correlation)
        for function in (pilot, with_coarse, _last_passes, last_passes)
    )
    together, alone = (partial(each, passes=passes, search=search) for each in (together, alone))
    first = first or first_of_stack(noisy, sigma, correlation, search)
    guide = map_planes(mix, estimate, first.fine, noisy)
    fine = _map_runs(together, alone, _similar_runs(noisy, sigma), guide, noisy)
    return map_planes(exchange, fine, first.coarse, noisy)


def map_planes(function: Callable[..., Tensor], *volumes: Tensor) -> Tensor:
    """Call a function with each plane of volumes, ``(1, channels, planes, height, width)``.

    Examples
    --------
    >>> ones, twos = torch.ones(1, 1, 3, 4, 4), torch.full((1, 1, 3, 4, 4), 2.0)
    >>> map_planes(torch.add, ones, twos).unique()
    tensor([3.])
    """
    planes = zip(*(volume.unbind(dim=2) for volume in volumes), strict=True)
    return torch.stack([function(*plane) for plane in planes], dim=2)


def _first_passes(
    noisy: Tensor, sigma: float, correlation: Correlation, search: PatchSearch
) -> Tensor:
    """Filter similar planes by two passes, without an estimate."""
    first = replace(_in_stack(FIRST_STEP_SEARCH), radius=FIRST_STEP_SEARCH.radius)
    guide = first_pass(
        noisy, sigma=sigma, correlation=correlation, search=first, noise_edge=STACK_NOISE_EDGE
    )
    return nl_bayes_pass(
        guide, noisy, sigma=sigma, correlation=correlation, search=_in_stack(search)
    )


def _last_passes(
    guide: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation,
    search: PatchSearch,
    passes: int,
) -> Tensor:
    """Filter similar planes by a guide; the patches of the last pass span fewer planes."""
    once = partial(nl_bayes_pass, noisy=noisy, sigma=sigma, correlation=correlation)
    long = _in_stack(search)
    for number in range(1, passes):
        guide = once(guide, search=long, offset=number % 2 * LONG_PATCH_PLANES // 2)
    return once(guide, search=replace(long, planes=SHORT_PATCH_PLANES))


def _in_stack(search: PatchSearch) -> PatchSearch:
    """Search patches of several planes, in the planes before and after too."""
    return replace(search, planes=LONG_PATCH_PLANES, plane_radius=PLANE_RADIUS, radius=STACK_RADIUS)


def _map_runs(
    together: Callable[..., Tensor],
    alone: Callable[..., Tensor],
    runs: Iterator[slice],
    *volumes: Tensor,
) -> Tensor:
    """Call one function with each run of several planes, and another one with single planes."""
    mapped = []
    for planes in runs:
        parts = [volume[:, :, planes] for volume in volumes]
        several = parts[0].shape[2] > 1
        mapped.append(together(*parts) if several else map_planes(alone, *parts))
    return torch.cat(mapped, dim=2)


def _similar_runs(noisy: Tensor, sigma: float) -> Iterator[slice]:
    """Yield the runs of planes in which each plane correlates with the next."""
    breaks = (
        place
        for place, pair in enumerate(pairwise(noisy.unbind(dim=2)), start=1)
        if not _correlate(*pair, sigma**2)
    )
    return (slice(*ends) for ends in pairwise([0, *breaks, noisy.shape[2]]))


def _correlate(one: Tensor, other: Tensor, noise: float) -> bool:
    """Whether two planes with noise of some variance show similar things, or hardly anything.

    The noise of two planes is independent: it adds to their variances, but not to their covariance.
    """
    covariance = torch.cov(torch.stack([one.flatten(), other.flatten()])).double()
    variances = (covariance.diagonal() - noise).clamp(min=0)
    least = MIN_PLANE_CORRELATION * variances.prod().sqrt() - WEAK_COVARIANCE * noise
    return bool(covariance[0, 1] >= least)
