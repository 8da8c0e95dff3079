"""Denoise by non-local Bayes: a Gaussian model of each group of similar patches.

A fit that stops before it includes noise has not included all texture either. Similar patches of
its estimate show the same texture under different noise, so a group gives more than each patch.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_dip.patches.constants import (
    DIAGONAL_LOADING,
    FIRST_STEP_SEARCH,
    LAST_PASS_RADIUS,
    MIN_SIGMA,
    NOISE_EDGE,
    PATCH_SEARCH,
    PatchSearch,
)
from napari_dip.patches.filter_pass import covariance, filter_pass
from napari_dip.patches.search import patch_noise_covariance

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.noise.model import Correlation

__all__ = ["first_pass", "last_passes", "nl_bayes", "nl_bayes_pass", "two_passes"]


def nl_bayes(noisy: Tensor, sigma: float, correlation: Correlation = ((), ())) -> Tensor:
    """Denoise an image without an estimate, by the two steps of Lebrun, Buades and Morel.

    Parameters
    ----------
    noisy
        ``(1, channels, height, width)``, about [0, 1], with the same noise in all channels.
    sigma
        Standard deviation of the noise.
    correlation
        Correlation of the noise along Y and X.

    Examples
    --------
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> bool((nl_bayes(noisy, 0.2) - truth).square().mean() < 0.1 * 0.2**2)
    True
    """
    guide = two_passes(noisy, sigma, correlation)
    return last_passes(guide, noisy, sigma, correlation, passes=1)


def two_passes(
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = PATCH_SEARCH,
) -> Tensor:
    """Run the first step on a noisy image, ``(1, channels, height, width)``, and a second one."""
    seen = noisy[:, :, None]
    guide = first_pass(seen, sigma=sigma, correlation=correlation)
    return nl_bayes_pass(guide, seen, sigma=sigma, correlation=correlation, search=search)[:, :, 0]


def last_passes(
    guide: Tensor,
    noisy: Tensor,
    sigma: float,
    correlation: Correlation = ((), ()),
    *,
    passes: int,
    search: PatchSearch = PATCH_SEARCH,
) -> Tensor:
    """Run passes by a guide, ``(1, channels, height, width)``; the last has a larger radius.

    Examples
    --------
    >>> truth = torch.arange(48.0).sin().expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> filtered = last_passes(0.8 * truth, noisy, 0.2, passes=1)
    >>> bool((filtered - truth).square().mean() < 0.5 * 0.2**2)
    True
    """
    once = partial(nl_bayes_pass, noisy=noisy[:, :, None], sigma=sigma, correlation=correlation)
    guide = guide[:, :, None]
    for _ in range(1, passes):
        guide = once(guide, search=search)
    return once(guide, search=replace(search, radius=LAST_PASS_RADIUS))[:, :, 0]


def first_pass(
    noisy: Tensor,
    *,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = FIRST_STEP_SEARCH,
    noise_edge: float = NOISE_EDGE,
) -> Tensor:
    """Run the first step on a noisy image, ``(1, channels, planes, height, width)``.

    Parameters
    ----------
    noisy, sigma, correlation, search
        As of :func:`nl_bayes_pass`.
    noise_edge
        Which eigenvalues of a group's covariance count as noise: those below this part of the
        largest one that noise alone gives.

    Examples
    --------
    >>> noise = 0.2 * torch.randn(1, 1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> bool(first_pass(noise, sigma=0.2).std() < 0.3 * 0.2)
    True
    """
    variance = max(sigma, MIN_SIGMA) ** 2

    def make_filter(side: int) -> Callable[..., Tensor]:
        noise = variance * patch_noise_covariance(correlation, side).to(noisy)
        return partial(_first_step, noise=noise, noise_edge=noise_edge)

    return filter_pass(noisy, noisy, make_filter, search=search, noisy_guide=True)


def nl_bayes_pass(
    guide: Tensor,
    noisy: Tensor,
    *,
    sigma: float,
    correlation: Correlation = ((), ()),
    search: PatchSearch = PATCH_SEARCH,
    offset: int = 0,
) -> Tensor:
    """Run one pass of the second step over ``(1, channels, planes, height, width)``.

    ``sigma`` and ``correlation`` are those of the noise; see
    :func:`~napari_dip.patches.filter_pass.filter_pass` for the other parameters.

    Examples
    --------
    >>> truth = torch.arange(32.0).sin().expand(1, 1, 3, 32, 32)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    >>> filtered = nl_bayes_pass(truth, noisy, sigma=0.2)
    >>> bool((filtered - truth).square().mean() < 0.2 * 0.2**2)
    True
    """
    variance = max(sigma, MIN_SIGMA) ** 2

    def make_filter(side: int) -> Callable[..., Tensor]:
        noise = patch_noise_covariance(correlation, side)
        certainty = torch.linalg.inv(noise.double()).float() / variance
        return partial(_second_step, certainty=certainty.to(guide))

    return filter_pass(guide, noisy, make_filter, search=search, offset=offset)


def _second_step(mean: Tensor, deviations: Tensor, values: Tensor, certainty: Tensor) -> Tensor:
    """Filter groups by the covariance of the guide; ``certainty`` is the inverse of N.

    With S the deviations of n patches, C is Sᵀ S / (n - 1), and C (C + N)⁻¹ is
    Sᵀ ((n - 1) I + S N⁻¹ Sᵀ)⁻¹ S N⁻¹. This system has as many unknowns as patches, fewer than
    pixels.
    """
    weighed = deviations @ certainty
    system = weighed @ deviations.mT
    system.diagonal(dim1=1, dim2=2).mul_(1 + DIAGONAL_LOADING).add_(max(1, deviations.shape[1] - 1))
    shares = torch.linalg.solve(system, weighed @ (values - mean).mT)
    filtered: Tensor = mean + shares.mT @ deviations
    return filtered


def _first_step(
    mean: Tensor, deviations: Tensor, values: Tensor, noise: Tensor, noise_edge: float
) -> Tensor:
    """Filter groups of a noisy guide: the noise is subtracted from their covariance.

    With N = R Rᵀ, the covariance is R D S Dᵀ Rᵀ with a diagonal S. Without the noise it has
    max(S - 1, 0) in place of S, and (C + N)⁻¹ N is R⁻ᵀ D max(S, 1)⁻¹ Dᵀ Rᵀ. The eigenvalues of
    noise alone in n patches of p pixels reach (1 + √(p / n))² (Marchenko and Pastur 1967), so a
    smaller S may be noise.
    """
    root = torch.linalg.cholesky(noise)
    whitened = torch.linalg.solve_triangular(root, covariance(deviations), upper=False)
    whitened = torch.linalg.solve_triangular(root, whitened.mT, upper=False)
    # The decomposition fails for eigenvalues of 0, as of patches that are nearly all black.
    one = torch.eye(len(noise), device=noise.device, dtype=noise.dtype)
    eigenvalues, vectors = torch.linalg.eigh(whitened + one)
    strengths = eigenvalues - 1
    patches, pixels = deviations.shape[1:]
    largest_of_noise = (1 + math.sqrt(pixels / max(1, patches - 1))) ** 2
    is_signal = strengths > max(1.0, noise_edge * largest_of_noise)
    parts = vectors / strengths.where(is_signal, 1.0)[:, None] @ vectors.mT
    removed = torch.linalg.solve_triangular(root.mT, parts @ root.mT, upper=True)
    filtered: Tensor = values - (values - mean) @ removed
    return filtered
