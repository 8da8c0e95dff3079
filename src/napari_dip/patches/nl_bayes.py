"""Put back into an estimate what repeats itself elsewhere in the image.

A network that stops before it fits the noise has not fitted all of the texture either, and where
nothing was seen it has not found all of it. Patches that look alike in the estimate show the same
texture under different noise, or with other pixels missing: together they tell more than each.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_dip.patches.pilot import pilot
from napari_dip.patches.search import (
    Grid,
    Patches,
    cosine_transform,
    patch_noise_covariance,
    similar_patch_groups,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.noise.model import Correlation

__all__ = ["FIRST", "PATCH_SEARCH", "fill_gaps", "filter_pass", "nl_bayes", "refine"]


PATCH_SEARCH = Patches(side=7, step=4, reach=8, alike=30)
FIRST = Patches(side=5, step=4, reach=10, alike=90)
"""Where nothing but the noisy image is at hand: its noise must not be taken for texture."""
_WITH_GAPS = Patches(side=5, step=3, reach=10, alike=30)
"""Smaller where pixels are missing, for a larger system is solved for each patch."""

_FAR = 32
"""Reach of the last pass: far off, too much looks alike until the estimate is good."""

_DIGITS = 1e-5
"""Of the differences of patches alike, squared: noise that is weaker counts as strong as that."""

_LEAST_SIGMA = 0.01
"""Of the range of intensities: where pixels are missing, what is seen of patches that differ much
is trusted no more."""

_LEAST_PART = 0.1
"""Of the standard deviation of a group: what is seen of patches that differ little is trusted that
far, as far as its noise allows."""


def refine(
    estimate: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    kind: Patches = PATCH_SEARCH,
) -> Tensor:
    """Refine an estimate by the Gaussian model of groups of patches alike.

    The second step of Lebrun, Buades and Morel, "A Nonlocal Bayesian Image Denoising Algorithm",
    SIAM J. Imaging Sciences 6 (2013): each group of patches alike in an estimate has a mean m and
    a covariance C, and its noisy patches y become m + C (C + sigma² I)⁻¹ (y - m). The estimate is
    a mixture of the one at hand and that of their first step, which tells C from the noisy patches
    less sigma²: see :func:`~napari_dip.patches.pilot.pilot`. Colours are decorrelated first. Where
    neighbours share noise, its covariance takes the place of sigma² I.

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, height, width)``, about [0, 1], with noise of one strength in all channels.
    sigma
        Standard deviation of the noise, in the units of both.
    correlation
        Of the noise, along Y and along X.
    passes
        How often; each starts from the one before, the last looks farther, 0 returns the estimate.
    kind
        Of patches.

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
    >>> refined = refine(0.8 * truth, noisy, 0.2, passes=2)
    >>> bool((refined - truth).square().mean() < 0.5 * (0.2 * truth).square().mean())
    True
    """
    guide, seen = estimate[:, :, None], noisy[:, :, None]
    once = partial(filter_pass, noisy=seen, gaps=None, sigma=sigma, correlation=correlation)
    if passes:
        alone = _of_the_noisy_alone(seen, once, kind)
        guide = pilot(guide, alone, seen, sigma, correlation)
    return _in_passes(guide, once, kind, passes)


def fill_gaps(
    estimate: Tensor,
    noisy: Tensor,
    known: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
) -> Tensor:
    """Fill in what is missing from patches alike, and smooth what is known in so doing.

    As :func:`refine`, from the estimate at hand alone. With M choosing a patch's known pixels, its
    conditional mean is m + C Mᵀ (M C Mᵀ + sigma² I)⁻¹ M (y - m), Equation (10) of Yu, Sapiro and
    Mallat, IEEE TIP 21 (2012).

    Parameters
    ----------
    estimate, noisy, sigma, correlation, passes
        As there.
    known
        Of the shape of the estimate, 1 where a pixel was observed and 0 elsewhere.

    Returns
    -------
    Tensor
        Of the shape of the estimate, which is not changed; the estimate where nothing is missing.
        The known pixels keep half of their noise: it shall not be told from groups that are too
        small to know all directions. To take it out as well, refine what is known and what was
        filled in.

    Examples
    --------
    >>> stripes = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> known = (torch.rand(stripes.shape, generator=torch.Generator().manual_seed(0)) > 0.3) * 1.0
    >>> filled = fill_gaps(0.8 * stripes, stripes * known, known, 0.0, passes=8)
    >>> bool((filled - stripes)[known == 0].square().mean() < 1e-3)
    True
    """
    gaps = known.amin(dim=1)[:, None, None]
    if gaps.all():
        return estimate
    once = partial(
        filter_pass, noisy=noisy[:, :, None], gaps=gaps, sigma=sigma, correlation=correlation
    )
    return _in_passes(estimate[:, :, None], once, _WITH_GAPS, passes)


def _in_passes(guide: Tensor, once: Callable[..., Tensor], kind: Patches, passes: int) -> Tensor:
    """Start each pass from the one before; the last looks far."""
    for number in range(passes):
        last = number == passes - 1
        guide = once(guide, kind=replace(kind, reach=_FAR) if last else kind)
    return guide[:, :, 0]


def nl_bayes(noisy: Tensor, sigma: float, correlation: Correlation = ((), ())) -> Tensor:
    """Refine without an estimate: the whole of Lebrun's method."""
    seen = noisy[:, :, None]
    once = partial(filter_pass, noisy=seen, gaps=None, sigma=sigma, correlation=correlation)
    guide = _of_the_noisy_alone(seen, once, PATCH_SEARCH)
    return once(guide, kind=replace(PATCH_SEARCH, reach=_FAR))[:, :, 0]


def _of_the_noisy_alone(seen: Tensor, once: Callable[..., Tensor], kind: Patches) -> Tensor:
    """Take Lebrun's first step, and a pass from there."""
    return once(once(seen, kind=FIRST, noisy_guide=True), kind=kind)


def filter_pass(
    guide: Tensor,
    noisy: Tensor,
    gaps: Tensor | None,
    *,
    sigma: float,
    correlation: Correlation = ((), ()),
    kind: Patches = PATCH_SEARCH,
    offset: int = 0,
    noisy_guide: bool = False,
) -> Tensor:
    """Do one pass over ``(1, channels, planes, height, width)``.

    Patches that hold several planes are decorrelated along them, as colours are. ``gaps``, of one
    channel, are 0 where a pixel is missing. References begin every few planes from ``offset`` on.
    """
    mixing = cosine_transform(guide.shape[1]).to(guide)
    guides, values = (torch.einsum("kc,cphw->kphw", mixing, x[0]) for x in (guide, noisy))
    grid = Grid.over(guide.shape[2:], kind)
    along = cosine_transform(grid.kind.planes).to(guide)
    filtered = _filter(sigma, correlation, grid.kind.side, gaps is not None, noisy_guide, guide)
    compared = guides[0]
    if noisy_guide:  # the mean of all planes of a patch has the least noise
        compared = compared.unfold(0, grid.kind.planes, 1).mean(dim=-1)
    known, missing, work = None, None, 1
    if gaps is not None:
        known = gaps.flatten()
        work = grid.kind.side**2  # a patch with gaps has a system of its own to be solved
        # Next to no noise: only what is missing can become better.
        missing = known == 0 if sigma <= _LEAST_SIGMA else None
    total, count = torch.zeros_like(values).flatten(1), torch.zeros_like(values[0]).flatten()
    for pixels in similar_patch_groups(compared, grid, offset=offset, work=work, holding=missing):
        there = () if known is None else (known[pixels[0]],)
        for one, seen, sums in zip(guides.flatten(1), values.flatten(1), total, strict=True):
            groups, patches = (torch.tensordot(along, x[pixels], 1) for x in (one, seen))
            means = groups.mean(dim=2, keepdim=True)
            parts = zip(means, groups - means, patches, strict=True)
            better = torch.stack([filtered(*part, *there) for part in parts])
            better = torch.tensordot(along.T, better, 1)
            sums.index_add_(0, pixels.flatten(), better.flatten())
        count.index_add_(0, pixels.flatten(), torch.ones_like(pixels, dtype=count.dtype).flatten())
    mean = (total / count.clamp(min=1)).reshape(guides.shape)
    refined = torch.where(count.reshape(guides.shape[1:]) > 0, mean, guides)
    return torch.einsum("kc,kphw->cphw", mixing, refined)[None]


def _filter(
    sigma: float, correlation: Correlation, side: int, gaps: bool, noisy_guide: bool, like: Tensor
) -> Callable[..., Tensor]:
    """Choose what becomes of groups of patches: mean, spread about it, and what was seen."""
    noise = patch_noise_covariance(correlation, side)
    if gaps:
        return partial(_filled_in, sigma=sigma, noise=noise.to(like))
    trust = max(sigma, 1e-4) ** 2
    if noisy_guide:
        return partial(_less_noisy, noise=trust * noise.to(like))
    certainty = torch.linalg.inv(noise.double()).float() / trust
    return partial(_conditional_mean, certainty=certainty.to(like))


def _conditional_mean(mean: Tensor, spread: Tensor, values: Tensor, certainty: Tensor) -> Tensor:
    """Filter groups of patches, ``(groups, patches, pixels)``; ``certainty`` inverts the noise N.

    With S the ``spread`` of n patches about their mean, C is Sᵀ S / (n - 1), and C (C + N)⁻¹ is
    Sᵀ ((n - 1) I + S N⁻¹ Sᵀ)⁻¹ S N⁻¹: a system of as many unknowns as patches, which are fewer
    than pixels.
    """
    weighed = spread @ certainty
    system = weighed @ spread.mT
    # Of float32's digits some must be left, where patches differ much and there is little noise.
    system.diagonal(dim1=1, dim2=2).mul_(1 + _DIGITS).add_(max(1, spread.shape[1] - 1))
    shares = torch.linalg.solve(system, weighed @ (values - mean).mT)
    filtered: Tensor = mean + shares.mT @ spread
    return filtered


def _less_noisy(mean: Tensor, spread: Tensor, values: Tensor, noise: Tensor) -> Tensor:
    """Do so where the guide is as noisy as the values: its covariance has the noise in it.

    With N = R Rᵀ, the covariance is R D S Dᵀ Rᵀ; without the noise, C, it has max(S - 1, 0) there.
    What is taken away, (C + N)⁻¹ N, is then R⁻ᵀ D max(S, 1)⁻¹ Dᵀ Rᵀ.
    """
    root = torch.linalg.cholesky(noise)
    whitened = torch.linalg.solve_triangular(root, _covariance(spread), upper=False)
    whitened = torch.linalg.solve_triangular(root, whitened.mT, upper=False)
    # Eigenvalues of 0, of patches that are nearly all black, fail to converge: here they are 1.
    one = torch.eye(len(noise), device=noise.device, dtype=noise.dtype)
    strengths, directions = torch.linalg.eigh(whitened + one)
    parts = directions / (strengths - 1).clamp(min=1)[:, None] @ directions.mT
    away = torch.linalg.solve_triangular(root.mT, parts @ root.mT, upper=True)
    filtered: Tensor = values - (values - mean) @ away
    return filtered


def _filled_in(
    mean: Tensor, spread: Tensor, values: Tensor, known: Tensor, sigma: float, noise: Tensor
) -> Tensor:
    """Do so where pixels are missing; ``noise`` is of unit variance."""
    one = torch.eye(values.shape[2], device=values.device, dtype=values.dtype)
    covariance = _covariance(spread)
    variance = covariance.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    trust = (_LEAST_PART**2 * variance).clamp(max=_LEAST_SIGMA**2)
    trust = trust.clamp(min=max(sigma, _DIGITS) ** 2)
    # A group is too small to know all directions.
    covariance, trust = (covariance + trust * one)[:, None], trust[:, None]
    both = known[..., :, None] * known[..., None, :]
    systems = both * (covariance + trust * (noise - one)) + trust * one
    residual = (known * (values - mean))[..., None]
    weights = known[..., None] * torch.linalg.solve(systems, residual)
    # A patch of which nothing was seen would only be blurred: it stays as it is in the guide.
    seen = known.amax(dim=-1, keepdim=True) > 0
    filled: Tensor = mean + torch.where(seen, (covariance @ weights)[..., 0], spread)
    return filled


def _covariance(spread: Tensor) -> Tensor:
    return spread.mT @ spread / max(1, spread.shape[1] - 1)
