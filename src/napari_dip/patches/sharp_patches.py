"""Remove the noise of a sharpened image with groups of similar patches of the blurred one.

Sharpening amplifies what noise is left in an image. The blurred image itself shows which part of
each patch is noise: there it is as strong at all frequencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_dip.patches.constants import (
    DIAGONAL_LOADING,
    MIN_SIGMA,
    SHARP_LOADING,
    SHARP_SEARCH,
    SHARP_VALUES,
    PatchSearch,
)
from napari_dip.patches.search import PatchGrid, patch_noise_covariance, similar_patch_groups

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.model import Correlation

__all__ = ["filter_sharp"]


def filter_sharp(
    sharp: Tensor,
    blurred: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = SHARP_SEARCH,
) -> Tensor:
    """Estimate a sharp image from a noisy blurred one, with a sharpened image as a guide.

    Parameters
    ----------
    sharp
        The guide, ``(1, 1, planes, height, width)``.
    blurred, noisy
        The blurred guide and the observation, of the same shape, with white noise.
    sigma, correlation
        Standard deviation of the noise in ``noisy``, and its correlation along Y and X.
    search
        Parameters of the search for similar patches, in the blurred guide.

    Returns
    -------
    Tensor
        A new tensor of the same shape, in the intensities of ``sharp``, which may differ from those
        of the others.

    Notes
    -----
    A group of patches of the blurred guide has the mean b and the deviations B; the same patches of
    the sharp guide have s and S. The noisy patches y are b + w B for the weights
    w = (y - b) N⁻¹ Bᵀ (B N⁻¹ Bᵀ + (n - 1) I)⁻¹, as in :mod:`~napari_dip.patches.nl_bayes`, and the
    sharp patches are s + w S: the linear estimate of sharp from blurred patches that the n patches
    of the guide teach.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> sharp = torch.arange(40.0).remainder(8).ge(4).float().expand(1, 1, 1, 40, 40)
    >>> blurred = (sharp + sharp.roll(1, -1) + sharp.roll(-1, -1)) / 3
    >>> noisy = blurred + 0.1 * torch.randn(blurred.shape, generator=random)
    >>> guide = sharp + 0.2 * torch.randn(sharp.shape, generator=random)
    >>> found = filter_sharp(guide, blurred, noisy, 0.1)
    >>> bool((found - sharp).std() < 0.5 * (guide - sharp).std())
    True
    """
    guide, guides, observed = (image[0, 0].flatten() for image in (sharp, blurred, noisy))
    grid = PatchGrid.over(sharp.shape[2:], search)
    noise = patch_noise_covariance(correlation, grid.search.side)
    certainty = torch.linalg.inv(noise.double()).float() / max(sigma, MIN_SIGMA) ** 2
    total, count = torch.zeros_like(guide), torch.zeros_like(guide)
    for pixels in similar_patch_groups(blurred[0, 0], grid, values_per_pixel=SHARP_VALUES):
        several = pixels.movedim(0, 2)  # (groups, patches, planes, side²)
        seen, of_blurred, of_sharp = (image[several] for image in (observed, guides, guide))
        mean, sharp_mean = (image.mean(dim=1, keepdim=True) for image in (of_blurred, of_sharp))
        deviations = of_blurred - mean
        weighed = (deviations @ certainty.to(deviations)).flatten(2)
        system = weighed @ deviations.flatten(2).mT
        patches = deviations.shape[1]
        system.diagonal(dim1=1, dim2=2).mul_(1 + DIAGONAL_LOADING).add_(
            SHARP_LOADING * max(1, patches - 1)
        )
        weights = torch.linalg.solve(system, weighed @ (seen - mean).flatten(2).mT)
        better = sharp_mean.flatten(2) + weights.mT @ (of_sharp - sharp_mean).flatten(2)
        places = several.flatten()
        total.index_add_(0, places, better.flatten())
        count.index_add_(0, places, torch.ones_like(better).flatten())
    filtered = torch.where(count > 0, total / count.clamp(min=1), guide)
    return filtered.reshape(sharp.shape)
