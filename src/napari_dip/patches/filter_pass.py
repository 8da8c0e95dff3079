"""Filter all groups of similar patches of an image or a stack once, and average the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_dip.patches.constants import VALUES_OF_GAP_FILTER
from napari_dip.patches.search import PatchGrid, cosine_transform, mixed, similar_patch_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_dip.patches.constants import PatchSearch

    GroupFilter = Callable[..., Tensor]

__all__ = ["covariance", "filter_pass"]


def filter_pass(
    guide: Tensor,
    noisy: Tensor,
    make_filter: Callable[[int], GroupFilter],
    *,
    search: PatchSearch,
    offset: int = 0,
    noisy_guide: bool = False,
    known: Tensor | None = None,
    gaps_only: bool = False,
) -> Tensor:
    """Filter groups of patches that are similar in a guide.

    Colours are decorrelated by a cosine transform first, and so are the planes of a patch.

    Parameters
    ----------
    guide, noisy
        ``(1, channels, planes, height, width)``: the image in which patches are compared, and the
        image that is filtered.
    make_filter
        Returns the group filter for a side of the patch in pixels. A group filter gets the mean of
        a group of the guide, the deviations of its patches from the mean, and the noisy patches,
        all ``(groups, patches, side²)``; with ``known`` also the mask of the known pixels. It
        returns the filtered patches.
    search
        Parameters of the search.
    offset
        Plane of the first reference.
    noisy_guide
        Whether the guide has as much noise as the image. Then patches are compared by the mean of
        their planes, which has less noise.
    known
        ``(1, 1, planes, height, width)``, 0 where a pixel is missing; ``None`` if none is.
    gaps_only
        Whether only patches with a missing pixel are filtered.

    Returns
    -------
    Tensor
        A new tensor with the shape of the guide. A pixel in several patches is their mean; a pixel
        in no patch is that of the guide.

    Examples
    --------
    >>> from napari_dip.patches.constants import PATCH_SEARCH
    >>> def group_mean(mean, deviations, values):
    ...     return mean.expand_as(values)
    >>> flat = torch.ones(1, 1, 1, 16, 16)
    >>> filtered = filter_pass(flat, flat, lambda side: group_mean, search=PATCH_SEARCH)
    >>> torch.allclose(filtered, flat)
    True
    """
    mixing = cosine_transform(guide.shape[1]).to(guide)
    guides, values = (mixed(mixing, x[0]) for x in (guide, noisy))
    grid = PatchGrid.over(guide.shape[2:], search)
    along_planes = cosine_transform(grid.search.planes).to(guide)
    filtered = make_filter(grid.search.side)
    compared = guides[0]
    if noisy_guide:
        compared = compared.unfold(0, grid.search.planes, 1).mean(dim=-1)
    mask, required, values_per_pixel = None, None, 1
    if known is not None:
        mask = known.flatten()
        values_per_pixel = VALUES_OF_GAP_FILTER
        required = mask == 0 if gaps_only else None
    total, count = torch.zeros_like(values).flatten(1), torch.zeros_like(values[0]).flatten()
    for pixels in similar_patch_groups(
        compared, grid, offset=offset, values_per_pixel=values_per_pixel, required=required
    ):
        masks = () if mask is None else (mask[pixels[0]],)
        for one, seen, sums in zip(guides.flatten(1), values.flatten(1), total, strict=True):
            groups, patches = (torch.tensordot(along_planes, x[pixels], 1) for x in (one, seen))
            means = groups.mean(dim=2, keepdim=True)
            parts = zip(means, groups - means, patches, strict=True)
            better = torch.stack([filtered(*part, *masks) for part in parts])
            better = torch.tensordot(along_planes.T, better, 1)
            sums.index_add_(0, pixels.flatten(), better.flatten())
        count.index_add_(0, pixels.flatten(), torch.ones_like(pixels, dtype=count.dtype).flatten())
    mean = (total / count.clamp(min=1)).reshape(guides.shape)
    refined = torch.where(count.reshape(guides.shape[1:]) > 0, mean, guides)
    return mixed(mixing.T, refined)[None]


def covariance(deviations: Tensor) -> Tensor:
    """Return the covariance matrices of groups, ``(groups, patches, pixels)``, with a mean of 0.

    Examples
    --------
    >>> covariance(torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])).tolist()
    [[[2.0, 0.0], [0.0, 0.0]]]
    """
    return deviations.mT @ deviations / max(1, deviations.shape[1] - 1)
