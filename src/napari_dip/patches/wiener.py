"""Denoise groups of similar patches in the cosine domain: the second step of BM3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_dip.patches.constants import COLLABORATIVE_SEARCH, KAISER_BETA
from napari_dip.patches.search import (
    PatchGrid,
    cosine_transform,
    mixed,
    patch_noise_covariance,
    similar_patch_groups,
)

if TYPE_CHECKING:
    from napari_dip.noise.model import Correlation

__all__ = ["collaborative_filter"]


def collaborative_filter(
    guide: Tensor, noisy: Tensor, sigma: float, correlation: Correlation = ((), ())
) -> Tensor:
    """Filter groups of patches by their spectrum in an estimate.

    Colours are decorrelated first, and groups are found in the brightness. For correlated noise
    each frequency has a sigma² of its own.

    Parameters
    ----------
    guide, noisy
        ``(1, channels, height, width)``, about [0, 1], with the same noise in all channels: an
        estimate, and the noisy image.
    sigma
        Standard deviation of the noise, in the units of both.
    correlation
        Correlation of the noise along Y and X.

    Returns
    -------
    Tensor
        A new tensor with the shape of the estimate.

    Notes
    -----
    This is the second step of Dabov, Foi, Katkovnik and Egiazarian, "Image denoising by sparse 3-D
    transform-domain collaborative filtering", IEEE TIP 16 (2007): similar patches are stacked and
    transformed in three dimensions, here by cosines. Each coefficient Y of the noisy patches
    becomes Y G² / (G² + sigma²), with G that of the estimate.

    Examples
    --------
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> filtered = collaborative_filter(0.9 * truth, noisy, 0.2)
    >>> bool((filtered - truth).square().mean() < 0.2 * 0.2**2)
    True
    """
    mixing = cosine_transform(guide.shape[1]).to(guide)
    guides, values = (mixed(mixing, x[0]) for x in (guide, noisy))
    grid = PatchGrid.over((1, *guide.shape[2:]), COLLABORATIVE_SEARCH)
    side = grid.search.side
    in_plane = torch.kron(cosine_transform(side), cosine_transform(side)).to(guide).T
    covariance = patch_noise_covariance(correlation, side).to(guide)
    noise = sigma**2 * (in_plane.T @ covariance @ in_plane).diagonal()
    window = torch.from_numpy(np.kaiser(side, KAISER_BETA)).to(guide)
    window = torch.outer(window, window).flatten()
    total, weight = (torch.zeros_like(values).flatten(1) for _ in range(2))
    for (pixels,) in similar_patch_groups(guides[:1], grid):
        across = cosine_transform(pixels.shape[1]).to(guide)
        for own, seen, sums, weights in zip(
            guides.flatten(1), values.flatten(1), total, weight, strict=True
        ):
            power = (across @ own[pixels] @ in_plane).square()
            gain = power / (power + noise)
            better = across.T @ (gain * (across @ seen[pixels] @ in_plane)) @ in_plane.T
            certainty = window / gain.square().sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
            sums.index_add_(0, pixels.flatten(), (certainty * better).flatten())
            weights.index_add_(0, pixels.flatten(), certainty.expand_as(better).flatten())
    # A patch may be in no group where many patches are equal.
    image = torch.where(weight > 0, total / weight.clamp(min=1e-9), guides.flatten(1))
    unmixed = mixed(mixing.T, image.reshape(guides.shape))
    return unmixed[None]
