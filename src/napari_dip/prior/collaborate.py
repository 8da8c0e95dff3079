"""Filter patches that are alike in three dimensions, for a second opinion on an image."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
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
    from napari_dip.prior.noise import Correlation

__all__ = ["collaborate"]

_KIND = Patches(side=8, step=3, reach=16, alike=32)

_ROUNDED = 2.0
"""Kaiser window over a patch: its rim counts less."""


def collaborate(
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
    >>> filtered = collaborate(0.9 * truth, noisy, 0.2)
    >>> bool((filtered - truth).square().mean() < 0.2 * 0.2**2)
    True
    """
    mixing = cosines(guide.shape[1]).to(guide)
    guide, seen = (torch.einsum("kc,bchw->bkhw", mixing, x) for x in (guide, noisy))
    one_band = partial(_one_band, sigma=sigma, correlation=correlation)
    image = in_bands(one_band, (guide, seen), _KIND)
    unmixed: Tensor = torch.einsum("kc,bkhw->bchw", mixing, image)
    return unmixed


def _one_band(guide: Tensor, seen: Tensor, *, sigma: float, correlation: Correlation) -> Tensor:
    shape = guide.shape[2:]
    grid = Grid.over(shape, _KIND)
    side = grid.side
    flat = torch.kron(cosines(side), cosines(side)).to(guide).T
    noise = sigma**2 * (flat.T @ noise_of_patches(correlation, side).to(guide) @ flat).diagonal()
    spectra = [
        [functional.unfold(one, side)[0].T @ flat for one in x.split(1, dim=1)]
        for x in (guide, seen)
    ]
    totals = [torch.zeros_like(one) for one in spectra[0]]
    weights = [guide.new_zeros(len(one)) for one in spectra[0]]
    places = grid.references(guide.device)
    for references in places.split(max(1, AT_ONCE // (_KIND.alike * side**2))):
        alike = most_alike(references, guide[0, 0], grid)
        across = cosines(alike.shape[1]).to(guide)
        for own, observed, total, weight in zip(*spectra, totals, weights, strict=True):
            strength = (across @ own[alike]).square()
            gain = strength / (strength + noise)
            filtered = across.T @ (gain * (across @ observed[alike]))
            certainty = 1 / gain.square().sum(dim=(1, 2)).clamp(min=1e-6)
            total.index_add_(
                0, alike.flatten(), (certainty[:, None, None] * filtered).flatten(0, 1)
            )
            weight.index_add_(0, alike.flatten(), certainty.repeat_interleave(alike.shape[1]))
    rounded = torch.from_numpy(np.kaiser(side, _ROUNDED)).to(guide)
    rounded = torch.outer(rounded, rounded).flatten()
    summed, weight = (
        torch.cat([functional.fold((one * rounded).T[None], shape, side) for one in each], dim=1)
        for each in ([total @ flat.T for total in totals], [one[:, None] for one in weights])
    )
    # Among patches that are all the same, one may be in no group.
    return torch.where(weight > 0, summed / weight.clamp(min=1e-9), guide)
