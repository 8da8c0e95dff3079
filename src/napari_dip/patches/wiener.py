"""Filter patches that are alike in three dimensions, for a second opinion on an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_dip.patches.search import (
    Grid,
    Patches,
    cosine_transform,
    patch_noise_covariance,
    similar_patch_groups,
)

if TYPE_CHECKING:
    from napari_dip.noise.model import Correlation

__all__ = ["collaborative_filter"]

_KIND = Patches(side=8, step=3, reach=32, alike=32)

_ROUNDED = 2.0
"""Kaiser window over a patch: its rim counts less."""


def collaborative_filter(
    guide: Tensor, noisy: Tensor, sigma: float, correlation: Correlation = ((), ())
) -> Tensor:
    """Filter groups of patches by the spectrum that they have in an estimate.

    The second step of Dabov, Foi, Katkovnik and Egiazarian, "Image denoising by sparse 3-D
    transform-domain collaborative filtering", IEEE TIP 16 (2007): patches alike in the estimate
    are stacked and transformed in three dimensions, here by cosines, and each coefficient Y of the
    noisy ones becomes Y G² / (G² + sigma²) with that of the estimate, G. Colours are decorrelated
    first, and groups are found in the brightness. Where neighbours share noise, each frequency has
    a sigma² of its own.

    Parameters
    ----------
    guide, noisy
        ``(1, channels, height, width)``, about [0, 1], with noise of one strength.
    sigma
        Standard deviation of the noise, in the units of both.
    correlation
        Of the noise, along Y and along X.

    Returns
    -------
    Tensor
        A new one, of the shape of the estimate.

    Examples
    --------
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> filtered = collaborative_filter(0.9 * truth, noisy, 0.2)
    >>> bool((filtered - truth).square().mean() < 0.2 * 0.2**2)
    True
    """
    mixing = cosine_transform(guide.shape[1]).to(guide)
    guides, values = (torch.einsum("kc,chw->khw", mixing, x[0]) for x in (guide, noisy))
    grid = Grid.over((1, *guide.shape[2:]), _KIND)
    side = grid.kind.side
    flat = torch.kron(cosine_transform(side), cosine_transform(side)).to(guide).T
    noise = (
        sigma**2 * (flat.T @ patch_noise_covariance(correlation, side).to(guide) @ flat).diagonal()
    )
    rounded = torch.from_numpy(np.kaiser(side, _ROUNDED)).to(guide)
    rounded = torch.outer(rounded, rounded).flatten()
    total, weight = (torch.zeros_like(values).flatten(1) for _ in range(2))
    for (pixels,) in similar_patch_groups(guides[:1], grid):
        across = cosine_transform(pixels.shape[1]).to(guide)
        for own, seen, sums, weights in zip(
            guides.flatten(1), values.flatten(1), total, weight, strict=True
        ):
            strength = (across @ own[pixels] @ flat).square()
            gain = strength / (strength + noise)
            better = across.T @ (gain * (across @ seen[pixels] @ flat)) @ flat.T
            certainty = rounded / gain.square().sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
            sums.index_add_(0, pixels.flatten(), (certainty * better).flatten())
            weights.index_add_(0, pixels.flatten(), certainty.expand_as(better).flatten())
    # Among patches that are all the same, one may be in no group.
    image = torch.where(weight > 0, total / weight.clamp(min=1e-9), guides.flatten(1))
    unmixed = torch.einsum("kc,khw->chw", mixing, image.reshape(guides.shape))
    return unmixed[None]
