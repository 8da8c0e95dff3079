"""Refine the planes of a stack together, by patches that span several planes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from napari_dip.patches.constants import (
    FIRST_STEP_SEARCH,
    LONG_PATCH_PLANES,
    MIN_PLANE_CORRELATION,
    PATCH_SEARCH,
    PLANE_RADIUS,
    SHORT_PATCH_PLANES,
    STACK_RADIUS,
)
from napari_dip.patches.nl_bayes import nl_bayes_pass
from napari_dip.patches.pilot import pilot
from napari_dip.patches.refine import refine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from napari_dip.noise.model import Correlation
    from napari_dip.patches.constants import PatchSearch

__all__ = ["map_planes", "refine_stack"]


def refine_stack(
    estimate: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    search: PatchSearch = PATCH_SEARCH,
) -> Tensor:
    """Refine the planes of a stack, each together with similar neighbouring planes.

    Patches span four planes, in a last pass two, and are searched in the planes before and after
    too. Runs of planes are refined together; a run ends where two neighbours are uncorrelated.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, planes, height, width)``, about [0, 1], with the same noise in all channels.
    sigma, correlation, search
        As of :func:`~napari_dip.patches.refine.refine`.
    passes
        Number of passes before the one with short patches; 0 returns the estimate.

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
    >>> random = torch.Generator().manual_seed(0)
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 5, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> together = refine_stack(0.8 * truth, noisy, 0.2, passes=2)
    >>> alone = refine(0.8 * truth[:, :, 0], noisy[:, :, 0], 0.2, passes=2)
    >>> bool((together - truth).square().mean() < (alone - truth[:, :, 0]).square().mean())
    True
    """
    refine_plane = partial(
        refine, sigma=sigma, correlation=correlation, passes=passes, search=search
    )
    once = partial(nl_bayes_pass, sigma=sigma, correlation=correlation)
    mixed = partial(pilot, sigma=sigma, correlation=correlation)
    first, long = (
        replace(each, planes=LONG_PATCH_PLANES, plane_radius=PLANE_RADIUS)
        for each in (FIRST_STEP_SEARCH, search)
    )
    long = replace(long, radius=STACK_RADIUS)
    short = replace(long, planes=SHORT_PATCH_PLANES)
    refined = []
    for planes in _similar_runs(estimate):
        guide, seen = (volume[:, :, planes] for volume in (estimate, noisy))
        if passes and guide.shape[2] > 1:
            filtered = once(seen, seen, search=first, noisy_guide=True)
            guide = map_planes(mixed, guide, filtered, seen)
            for number in range(passes):
                guide = once(guide, seen, search=long, offset=number % 2 * LONG_PATCH_PLANES // 2)
            guide = once(guide, seen, search=short)
        else:
            guide = map_planes(refine_plane, guide, seen)
        refined.append(guide)
    return torch.cat(refined, dim=2)


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


def _similar_runs(estimate: Tensor) -> Iterator[slice]:
    """Yield the runs of planes in which each plane correlates with the next."""
    breaks = (
        place
        for place, pair in enumerate(pairwise(estimate.unbind(dim=2)), start=1)
        if not _correlation(*pair) > MIN_PLANE_CORRELATION
    )
    return (slice(*ends) for ends in pairwise([0, *breaks, estimate.shape[2]]))


def _correlation(one: Tensor, other: Tensor) -> float:
    """Return the correlation of two planes; NaN where one is constant."""
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
