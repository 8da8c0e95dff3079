"""Refine neighbouring planes together: they show much the same under different noise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from napari_dip.patches.nl_bayes import FIRST, PATCH_SEARCH, filter_pass, refine
from napari_dip.patches.pilot import pilot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from napari_dip.noise.model import Correlation
    from napari_dip.patches.search import Patches

__all__ = ["map_planes", "refine_stack"]

_APART = 8
"""Planes before and after, in which patches alike are searched."""

_REACH = 16
"""In the plane itself: patches of several planes are told apart better than those of one."""

_LONG, _SHORT = 4, 2
"""Planes that a patch holds; short in the end, so that what moves is told from what stays."""

_ALIKE = 0.3
"""Least correlation of neighbouring planes for that: where they show other things, it costs more
than it gains."""


def refine_stack(
    estimate: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    kind: Patches = PATCH_SEARCH,
) -> Tensor:
    """Refine the planes of a volume or a window, together with those neighbours that are alike.

    As :func:`~napari_dip.patches.nl_bayes.refine` does, with patches that hold four planes, a last
    time two, and that are searched in the planes before and after, too: the space-time patches
    of Arias and Morel, "Video denoising via empirical Bayesian estimation of space-time patches",
    J. Math. Imaging Vis. 60 (2018), here decorrelated along the planes.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, planes, height, width)``, otherwise as there.
    sigma, correlation, passes, kind
        As there; the pass with short patches comes after ``passes``, but for 0.

    Returns
    -------
    Tensor
        Of the shape of the estimate, which is not changed.

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
    alone = partial(refine, sigma=sigma, correlation=correlation, passes=passes, kind=kind)
    once = partial(filter_pass, gaps=None, sigma=sigma, correlation=correlation)
    first, long = (replace(each, planes=_LONG, apart=_APART) for each in (FIRST, kind))
    long = replace(long, reach=_REACH)
    short = replace(long, planes=_SHORT)
    refined = []
    for planes in _alike(estimate):
        guide, seen = (volume[:, :, planes] for volume in (estimate, noisy))
        if passes and guide.shape[2] > 1:
            own = once(seen, seen, kind=first, noisy_guide=True)
            guide = pilot(guide, own, seen, sigma, correlation)
            for number in range(passes):
                guide = once(guide, seen, kind=long, offset=number % 2 * _LONG // 2)
            guide = once(guide, seen, kind=short)
        else:
            guide = map_planes(alone, guide, seen)
        refined.append(guide)
    return torch.cat(refined, dim=2)


def map_planes(do: Callable[..., Tensor], *volumes: Tensor) -> Tensor:
    """Call with each plane of volumes, ``(1, channels, planes, height, width)``, by itself."""
    planes = zip(*(volume.unbind(dim=2) for volume in volumes), strict=True)
    return torch.stack([do(*plane) for plane in planes], dim=2)


def _alike(estimate: Tensor) -> Iterator[slice]:
    """Cut the planes where two neighbours are not alike."""
    breaks = (
        place
        for place, pair in enumerate(pairwise(estimate.unbind(dim=2)), start=1)
        if not _likeness(*pair) > _ALIKE
    )
    return (slice(*ends) for ends in pairwise([0, *breaks, estimate.shape[2]]))


def _likeness(one: Tensor, other: Tensor) -> float:
    """Correlate two planes; not a number where one is constant."""
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
