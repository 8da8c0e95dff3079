"""Patches of an image, and where to find those that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.linalg import toeplitz
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.prior.noise import Correlation

__all__ = ["AT_ONCE", "Grid", "Patches", "cosines", "in_bands", "most_alike", "noise_of_patches"]

AT_ONCE = 10_000_000
"""Values gathered at a time: 40 MB."""

_LEAST_STRENGTH = 0.01
"""Of the noise in any direction along an axis, in parts of its variance."""

_HELD = 100_000_000
"""Values held in patches, some 400 MB: a larger image is refined in bands of rows."""


@dataclass(frozen=True)
class Patches:
    """Side of a patch, pixels from one reference to the next, reach of the search, group size."""

    side: int
    step: int
    reach: int
    alike: int


@dataclass(frozen=True)
class Grid:
    """The places that a patch can take: rows by columns, counted row by row."""

    rows: int
    columns: int
    kind: Patches

    def references(self, device: torch.device) -> Tensor:
        """Give row and column of every few places, and of the last: no pixel is left out."""
        rows, columns = (
            torch.unique(torch.tensor([*range(0, size, self.kind.step), size - 1]))
            for size in (self.rows, self.columns)
        )
        return torch.cartesian_prod(rows, columns).to(device)

    def window(self, device: torch.device) -> Tensor:
        """Give the rows and columns of a search window, from its corner."""
        widest = 2 * self.kind.reach + 1
        sides = [torch.arange(min(widest, size)) for size in (self.rows, self.columns)]
        return torch.cartesian_prod(*sides).T.to(device)

    def number(self, places: Tensor) -> Tensor:
        """Count the given rows and columns."""
        return places[:, 0] * self.columns + places[:, 1]

    def around(self, references: Tensor, window: Tensor) -> Tensor:
        """Give the places in the window around each reference, moved inside the image."""
        reach = self.kind.reach
        corner = [
            (references[:, axis] - reach).clamp(0, max(0, size - 2 * reach - 1))
            for axis, size in enumerate((self.rows, self.columns))
        ]
        return (corner[0][:, None] + window[0]) * self.columns + corner[1][:, None] + window[1]


def most_alike(references: Tensor, guides: Tensor, grid: Grid, window: Tensor) -> Tensor:
    """Give the patches most like each reference in the estimate, itself among them."""
    places = grid.around(references, window)
    own = guides[grid.number(references)]
    distances = (guides[places] - own[:, None]).square().sum(dim=2)
    count = min(grid.kind.alike, places.shape[1])
    return places.gather(1, distances.topk(count, dim=1, largest=False).indices)


def noise_of_patches(correlation: Correlation, side: int) -> Tensor:
    """Give the covariance of noise of unit variance, ``(side², side²)``: for white noise, I."""
    whole = np.eye(1)
    for shared in correlation:
        along = toeplitz(np.pad([1.0, *shared], (0, side))[:side])
        strengths, directions = np.linalg.eigh(along)  # what was estimated may be impossible
        along = directions * strengths.clip(min=_LEAST_STRENGTH) @ directions.T
        whole = np.kron(whole, along)
    return torch.from_numpy(whole.astype(np.float32))


def cosines(size: int) -> Tensor:
    """Give the orthonormal cosine transform, its lowest frequency first: noise stays white."""
    k, c = torch.arange(size)[:, None], torch.arange(size)
    waves = torch.cos(torch.pi * k * (c + 0.5) / size)
    return waves / waves.square().sum(dim=1, keepdim=True).sqrt()


def in_bands(
    filtered: Callable[..., Tensor],
    images: tuple[Tensor, *tuple[Tensor | None, ...]],
    kind: Patches,
) -> Tensor:
    """Filter a band of rows at a time, with as many more as count for them.

    ``filtered`` is called with a band of each of the ``images``, ``(1, channels, height, width)``.
    """
    _, channels, height, width = images[0].shape
    margin = kind.side + 2 * kind.reach
    margin += -margin % kind.step  # the references stay where they were
    rows = _HELD // (3 * channels * width * kind.side**2) - 2 * margin
    rows = max(margin, rows - rows % kind.step)
    done = []
    for start in range(0, height, rows):
        above = max(0, start - margin)
        wide = slice(above, start + rows + margin)
        band = filtered(*(image if image is None else image[:, :, wide] for image in images))
        done.append(band[:, :, start - above :][:, :, :rows])
    return torch.cat(done, dim=2)
