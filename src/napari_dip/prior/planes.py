"""Refine neighbouring planes together: they show much the same under different noise."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from napari_dip.prior.recipes import TOGETHER
from napari_dip.prior.refine import WHOLE, begin_refining, refine, refine_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from napari_dip.prior.noise import Correlation
    from napari_dip.prior.patches import Patches

__all__ = ["in_windows", "refine_planes"]

_NARROW = 2
"""Planes that are filtered together in the end: what more of them do not share is told apart."""

_ALIKE = 0.8
"""Least correlation of neighbouring planes for that: where they show other things, it costs more
than it gains."""


def refine_planes(
    estimate: Tensor,
    noisy: Tensor,
    known: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    kind: Patches = WHOLE,
) -> Tensor:
    """Refine the planes of a volume or a window, together with those neighbours that are alike.

    As :func:`~napari_dip.prior.refine.refine` does with channels, in windows of four planes that
    move on by half from pass to pass, and a last time in pairs.

    Parameters
    ----------
    estimate, noisy, known
        ``(1, channels, planes, height, width)``, otherwise as there. Where pixels are missing, each
        plane is refined by itself.
    sigma, correlation, passes, kind
        As there; the pass over pairs comes after ``passes``, but for 0.

    Returns
    -------
    Tensor
        Of the shape of the estimate, which is not changed.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 5, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> known = torch.ones_like(noisy)
    >>> together = refine_planes(0.8 * truth, noisy, known, 0.2, passes=2)
    >>> alone = refine(0.8 * truth[:, :, 0], noisy[:, :, 0], known[:, :, 0], 0.2, passes=2)
    >>> bool((together - truth).square().mean() < (alone - truth[:, :, 0]).square().mean())
    True
    """
    alone = partial(refine, sigma=sigma, correlation=correlation, passes=passes, kind=kind)
    begin = partial(begin_refining, sigma=sigma, correlation=correlation, kind=kind)
    once = partial(refine_once, gaps=None, sigma=sigma, correlation=correlation, kind=kind)
    refined = []
    for planes in _alike(estimate, known):
        guide, seen, there = (volume[:, :, planes] for volume in (estimate, noisy, known))
        if passes and guide.shape[2] > 1:
            guide = in_windows(begin, (guide, seen), TOGETHER, TOGETHER)
            for number in range(passes):
                guide = in_windows(
                    once, (guide, seen), TOGETHER, TOGETHER, number % 2 * TOGETHER // 2
                )
            guide = in_windows(once, (guide, seen), _NARROW, 1)
        else:
            guide = in_windows(alone, (guide, seen, there), 1, 1)
        refined.append(guide)
    return torch.cat(refined, dim=2)


def in_windows(
    filtered: Callable[..., Tensor],
    volumes: tuple[Tensor, ...],
    width: int,
    step: int,
    first: int = 0,
) -> Tensor:
    """Filter windows of planes, whose planes are channels then; one in several is their mean.

    ``first`` is where a window begins, and others every ``step`` planes before and after it; at
    the ends they are moved inwards.
    """
    total = torch.zeros_like(volumes[0])
    channels, planes = total.shape[1:3]
    count = total.new_zeros(planes)
    width = min(width, planes)
    begins = range(first % step - step, planes, step)
    for start in sorted({min(max(begin, 0), planes - width) for begin in begins}):
        window = slice(start, start + width)
        part = filtered(*(volume[:, :, window].flatten(1, 2) for volume in volumes))
        total[:, :, window] += part.unflatten(1, (channels, width))
        count[window] += 1
    return total / count[:, None, None]


def _alike(estimate: Tensor, known: Tensor) -> Iterator[slice]:
    """Cut the planes where two neighbours are not alike."""
    # A pixel that is missing in one channel counts as missing in all, and planes miss others each.
    with_gaps = bool((known == 0).any())
    breaks = (
        place
        for place, pair in enumerate(pairwise(estimate.unbind(dim=2)), start=1)
        if with_gaps or not _likeness(*pair) > _ALIKE
    )
    return (slice(*ends) for ends in pairwise([0, *breaks, estimate.shape[2]]))


def _likeness(one: Tensor, other: Tensor) -> float:
    """Correlate two planes; not a number where one is constant."""
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
