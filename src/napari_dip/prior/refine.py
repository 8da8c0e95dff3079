"""Put back into an estimate what repeats itself in its residual.

A network that stops before it fits the noise has not fitted all of the texture either. Patches
that look alike in the estimate show the same texture under different noise: together they tell the
two apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["refine"]

_PATCH = 6
"""Side of a patch in pixels."""

_STEP = 4
"""Pixels from one reference patch to the next."""

_REACH = 8
"""How far from its reference a patch may lie, in pixels along each axis."""

_ALIKE = 30
"""Patches in a group."""

_AT_ONCE = 10_000_000
"""Values gathered at a time: 40 MB."""


def refine(estimate: Tensor, noisy: Tensor, known: Tensor, sigma: float, *, passes: int) -> Tensor:
    """Refine an estimate by the non-local Wiener filter of grouped patches.

    The second step of Lebrun, Buades and Morel, "A Nonlocal Bayesian Image Denoising Algorithm",
    SIAM J. Imaging Sciences 6 (2013), Equation (2.5), with the estimate at hand in the place of
    its first step: each group of patches alike in the estimate has a mean m and a covariance C,
    and its noisy patches y become m + C (C + sigma² I)⁻¹ (y - m).

    Parameters
    ----------
    estimate, noisy
        ``(1, channels, *spatial)``, with white noise of one strength in all channels; a volume
        is refined plane by plane.
    known
        Of the same shape, 1 where a pixel was observed; elsewhere the estimate is trusted.
    sigma
        Standard deviation of the noise, in the units of both.
    passes
        How often; each starts from the one before, 0 returns the estimate.

    Returns
    -------
    Tensor
        A new one, of the shape of the estimate.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> stripes = torch.arange(48.0).sin() * torch.linspace(0.5, 1.5, 48)[:, None]
    >>> truth = stripes.expand(1, 1, 48, 48)
    >>> noisy = truth + 0.2 * torch.randn(truth.shape, generator=random)
    >>> refined = refine(0.8 * truth, noisy, torch.ones_like(noisy), 0.2, passes=2)
    >>> bool((refined - truth).square().mean() < 0.5 * (0.2 * truth).square().mean())
    True
    """
    if estimate.ndim == 5:
        planes = [
            refine(estimate[:, :, z], noisy[:, :, z], known[:, :, z], sigma, passes=passes)
            for z in range(estimate.shape[2])
        ]
        return torch.stack(planes, dim=2)
    patch = min(_PATCH, *estimate.shape[2:])
    # Unknown pixels get the estimate: no residual, nothing to put back.
    observed = torch.where(known == 1, noisy, estimate)
    for _ in range(passes):
        estimate = _one_pass(estimate, observed, sigma, patch)
    return estimate.clone() if passes == 0 else estimate


def _one_pass(estimate: Tensor, observed: Tensor, sigma: float, patch: int) -> Tensor:
    shape = estimate.shape[2:]
    guides, values = (functional.unfold(x, patch)[0].T.contiguous() for x in (estimate, observed))
    grid = _Grid(shape[0] - patch + 1, shape[1] - patch + 1)
    total, count = torch.zeros_like(values), values.new_zeros(len(values))
    noise = sigma**2 * torch.eye(values.shape[1], device=values.device)
    window = grid.window(values.device)
    batch = max(1, _AT_ONCE // (window.shape[1] * values.shape[1]))
    for references in grid.references(values.device).split(batch):
        alike = _most_alike(references, guides, grid, window)
        filtered = _wiener(guides[alike], values[alike], noise)
        total.index_add_(0, alike.flatten(), filtered.flatten(0, 1))
        count.index_add_(0, alike.flatten(), torch.ones_like(alike.flatten(), dtype=count.dtype))
    weight = count.expand(patch**2, -1)[None]
    summed = functional.fold(total.T[None], shape, patch)
    return summed / functional.fold(weight, shape, patch)


@dataclass(frozen=True)
class _Grid:
    """The places that a patch can take: rows by columns, counted row by row."""

    rows: int
    columns: int

    def references(self, device: torch.device) -> Tensor:
        """Give row and column of every fourth place, and of the last: no pixel is left out."""
        rows, columns = (
            torch.unique(torch.tensor([*range(0, size, _STEP), size - 1]))
            for size in (self.rows, self.columns)
        )
        return torch.cartesian_prod(rows, columns).to(device)

    def window(self, device: torch.device) -> Tensor:
        """Give the rows and columns of a search window, from its corner."""
        sides = [torch.arange(min(2 * _REACH + 1, size)) for size in (self.rows, self.columns)]
        return torch.cartesian_prod(*sides).T.to(device)

    def around(self, references: Tensor, window: Tensor) -> Tensor:
        """Give the places in the window around each reference, moved inside the image."""
        heights = (self.rows, self.columns)
        corner = [
            (references[:, axis] - _REACH).clamp(0, max(0, heights[axis] - 2 * _REACH - 1))
            for axis in (0, 1)
        ]
        return (corner[0][:, None] + window[0]) * self.columns + corner[1][:, None] + window[1]


def _most_alike(references: Tensor, guides: Tensor, grid: _Grid, window: Tensor) -> Tensor:
    """Give the patches most like each reference in the estimate, itself among them."""
    places = grid.around(references, window)
    own = references[:, 0] * grid.columns + references[:, 1]
    distances = (guides[places] - guides[own][:, None]).square().sum(dim=2)
    nearest = distances.topk(min(_ALIKE, places.shape[1]), dim=1, largest=False).indices
    return places.gather(1, nearest)


def _wiener(guides: Tensor, values: Tensor, noise: Tensor) -> Tensor:
    """Filter groups of patches, ``(groups, patches, pixels)``."""
    mean = guides.mean(dim=1, keepdim=True)
    spread = guides - mean
    covariance = spread.transpose(1, 2) @ spread / max(1, guides.shape[1] - 1)
    gain = torch.linalg.solve(covariance + noise, covariance)
    filtered: Tensor = mean + (values - mean) @ gain
    return filtered
