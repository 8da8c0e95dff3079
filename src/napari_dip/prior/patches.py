"""Patches of an image, and where to find those that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.linalg import toeplitz
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_dip.prior.noise import Correlation

__all__ = ["AT_ONCE", "Grid", "Patches", "cosines", "in_bands", "most_alike", "noise_of_patches"]

AT_ONCE = 2_000_000
"""Values worked on at a time: 8 MB, which stay near the processor."""

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
    side: int
    kind: Patches

    @classmethod
    def over(cls, shape: Sequence[int], kind: Patches) -> Grid:
        """Take patches of an image of this height and width, smaller ones if it is narrow."""
        side = min(kind.side, *shape)
        rows, columns = (size - side + 1 for size in shape)
        return cls(rows, columns, side, kind)

    def references(self, device: torch.device) -> Tensor:
        """Give row and column of every few places, and of the last: no pixel is left out."""
        rows, columns = (
            torch.unique(torch.tensor([*range(0, size, self.kind.step), size - 1]))
            for size in (self.rows, self.columns)
        )
        return torch.cartesian_prod(rows, columns).to(device)

    def number(self, places: Tensor) -> Tensor:
        """Count the given rows and columns."""
        return places[:, 0] * self.columns + places[:, 1]

    @property
    def window(self) -> tuple[int, int]:
        """Tell how many rows and columns of places are searched."""
        widest = 2 * self.kind.reach + 1
        return min(widest, self.rows), min(widest, self.columns)

    def corners(self, references: Tensor) -> Tensor:
        """Give row and column of the first place in the window around each, inside the image."""
        rows, columns = self.window
        first = references - self.kind.reach
        return torch.stack(
            [first[:, 0].clamp(0, self.rows - rows), first[:, 1].clamp(0, self.columns - columns)],
            dim=1,
        )


def most_alike(references: Tensor, image: Tensor, grid: Grid) -> Tensor:
    """Give the numbers of the patches most like each reference, itself among them.

    ``image`` is ``(height, width)``. The distance of two patches a and b is told as |b|² - 2 a·b,
    the same for all that are compared but for |a|²: both are convolutions of the window with what
    lies around the reference, after its mean has been taken from either.
    """
    side, (rows, columns) = grid.side, grid.window
    corners = grid.corners(references)
    own = _cut(image, references, (side, side))
    around = _cut(image, corners, (rows + side - 1, columns + side - 1))
    mean = own.mean(dim=(1, 2), keepdim=True)
    own, around = (own - mean)[:, None], (around - mean)[None]
    power = functional.conv2d(around.square(), torch.ones_like(own), groups=len(own))
    likeness = functional.conv2d(around, own, groups=len(own))
    distances = (power - 2 * likeness)[0].flatten(1)
    count = min(grid.kind.alike, rows * columns)
    nearest = distances.topk(count, dim=1, largest=False).indices
    down, right = nearest // columns, nearest % columns
    return (corners[:, :1] + down) * grid.columns + corners[:, 1:] + right


def _cut(image: Tensor, corners: Tensor, shape: tuple[int, int]) -> Tensor:
    """Cut out pieces of one shape, ``(pieces, *shape)``, from their first row and column on."""
    rows, columns = (
        corners[:, axis, None] + torch.arange(size, device=image.device)
        for axis, size in enumerate(shape)
    )
    return image[rows[:, :, None], columns[:, None, :]]


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
