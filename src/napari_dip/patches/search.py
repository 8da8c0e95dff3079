"""Find groups of similar patches in an image or a stack."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.linalg import toeplitz
from torch import Tensor
from torch.nn import functional

from napari_dip.checkpoint import checkpoint
from napari_dip.patches.constants import (
    MAX_VALUES,
    MAX_VALUES_PER_PIXEL,
    MIN_NOISE_EIGENVALUE,
    OTHER_PLANES_RADIUS,
    PatchSearch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_dip.noise.model import Correlation

__all__ = [
    "PatchGrid",
    "cosine_transform",
    "mixed",
    "patch_noise_covariance",
    "similar_patch_groups",
]


@dataclass(frozen=True)
class PatchGrid:
    """All positions of a patch in a stack ``(planes, height, width)``.

    The index of a position is that of the patch's first pixel in the flattened stack.

    Examples
    --------
    >>> grid = PatchGrid.over((1, 10, 12), PatchSearch(side=5, step=4, radius=8, group_size=30))
    >>> grid.positions
    (1, 6, 8)
    """

    shape: tuple[int, int, int]
    search: PatchSearch

    @classmethod
    def over(cls, shape: Sequence[int], search: PatchSearch) -> PatchGrid:
        """Reduce the patch where the image is narrower or has fewer planes."""
        planes, height, width = shape
        side = min(search.side, height, width)
        search = replace(search, side=side, planes=min(search.planes, planes))
        return cls((planes, height, width), search)

    @property
    def positions(self) -> tuple[int, int, int]:
        """Number of planes, rows and columns in which a patch can begin."""
        planes, height, width = self.shape
        past = self.search.side - 1
        return planes - self.search.planes + 1, height - past, width - past

    def references(self, offset: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
        """Yield a plane and the ``(row, column)`` of its reference patches.

        They cover all pixels if a patch is at least as wide as the step. The planes are the first,
        the last, and every ``search.planes``-th from ``offset`` on.
        """
        planes, *others = self.positions
        rows, columns = (
            torch.unique(torch.tensor([*range(0, size, self.search.step), size - 1]))
            for size in others
        )
        corners = torch.cartesian_prod(rows, columns).to(device)
        for plane in sorted({0, *range(offset, planes, self.search.planes), planes - 1}):
            yield plane, corners

    def search_ranges(self, plane: int) -> Iterator[tuple[range, int]]:
        """Yield ranges of planes to search for a reference in ``plane``, each with its radius."""
        distance, radius = self.search.plane_radius, self.search.radius
        before = range(max(0, plane - distance), plane)
        after = range(plane + 1, min(self.positions[0], plane + distance + 1))
        yield range(plane, plane + 1), radius
        for others in filter(None, (before, after)):
            yield others, min(radius, OTHER_PLANES_RADIUS)

    def window(self, references: Tensor, radius: int) -> tuple[Tensor, tuple[int, int]]:
        """Return the first row and column of each search window, and the size of all windows."""
        _, *positions = self.positions
        rows, columns = (min(2 * radius + 1, size) for size in positions)
        first = references - radius
        corners = [
            first[:, axis].clamp(0, count - size)
            for axis, (count, size) in enumerate(zip(positions, (rows, columns), strict=True))
        ]
        return torch.stack(corners, dim=1), (rows, columns)

    def position_index(self, plane: int | Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the index of positions."""
        _, height, width = self.shape
        return (plane * height + rows) * width + columns

    def pixel_indices(self, positions: Tensor) -> Tensor:
        """Return the pixels of the patches at these indices: ``(planes, *positions, side²)``."""
        _, height, width = self.shape
        side = torch.arange(self.search.side, device=positions.device)
        inside = (side[:, None] * width + side).flatten()
        plane = torch.arange(self.search.planes, device=positions.device) * height * width
        plane = plane.reshape(-1, *[1] * (positions.ndim + 1))
        return plane + positions[..., None] + inside


def similar_patch_groups(
    images: Tensor,
    grid: PatchGrid,
    *,
    offset: int = 0,
    values_per_pixel: int = 1,
    required: Tensor | None = None,
) -> Iterator[Tensor]:
    """Yield pixel indices of groups of similar patches, ``(planes, groups, patches, side²)``.

    One batch contains as many groups as are processed at once. After each batch is a checkpoint;
    the work of one pass is the number of pixels.

    Parameters
    ----------
    images
        ``(planes, height, width)``: the images that are compared.
    grid
        Positions of the patches.
    offset
        Plane of the first reference.
    values_per_pixel
        Number of values that the caller needs for each pixel of a patch; it limits a batch.
    required
        Bool, one value a pixel of the flattened stack: only references with one of these pixels
        are used. ``None`` for all references.

    Examples
    --------
    >>> stripes = torch.arange(12.0).remainder(3).expand(1, 9, 12)
    >>> grid = PatchGrid.over(stripes.shape, PatchSearch(side=3, step=3, radius=6, group_size=4))
    >>> (pixels,) = similar_patch_groups(stripes, grid)
    >>> pixels.shape
    torch.Size([1, 12, 4, 9])
    >>> groups = stripes.flatten()[pixels[0]]
    >>> bool((groups == groups[:, :1]).all())
    True
    """
    search = grid.search
    each = search.planes * search.group_size * search.side**2 * values_per_pixel
    every = [*grid.references(offset, images.device)]
    work = math.prod(grid.shape) / sum(len(corners) for _, corners in every)
    for plane, corners in every:
        if required is not None:
            own = grid.pixel_indices(grid.position_index(plane, *corners.T))
            corners = corners[required[own].any(dim=(0, 2))]
        for references in corners.split(max(1, _batch_values(images) // each)):
            yield grid.pixel_indices(_most_similar(plane, references, images, grid))
            checkpoint(work * len(references))


def _batch_values(images: Tensor) -> int:
    """Return how many values are processed at once."""
    _, height, width = images.shape
    if images.device.type == "cpu":
        return MAX_VALUES
    return max(MAX_VALUES, MAX_VALUES_PER_PIXEL * height * width)


def _most_similar(plane: int, references: Tensor, images: Tensor, grid: PatchGrid) -> Tensor:
    """Return the indices of the patches most similar to each reference, itself included.

    A patch of ``images`` has as many planes as a patch of the grid, or one plane if there are only
    as many images as planes in which a patch can begin. The squared distance of a reference a and
    a patch b is |b|² - 2 a·b, up to |a|². Both terms are convolutions of the search window. The
    mean of the reference is subtracted first.
    """
    side, depth = grid.search.side, len(images) - grid.positions[0] + 1
    own = _cut(images[plane : plane + depth], references, (side, side))
    distances, indices = [], []
    for others, radius in grid.search_ranges(plane):
        corners, (rows, columns) = grid.window(references, radius)
        stack = images[others.start : others.stop + depth - 1]
        windows = _cut(stack, corners, (rows + side - 1, columns + side - 1))
        each = [_distances(patch, windows[t : t + len(others)]) for t, patch in enumerate(own)]
        distances.append(torch.stack(each).sum(dim=0).transpose(0, 1).flatten(1))
        planes, down, right = (
            torch.tensor(numbers, device=images.device)
            for numbers in (others, range(rows), range(columns))
        )
        down, right = corners[:, :1] + down, corners[:, 1:] + right
        position = grid.position_index(
            planes[:, None, None], down[:, None, :, None], right[:, None, None]
        )
        indices.append(position.flatten(1))
    distance = torch.cat(distances, dim=1)
    count = min(grid.search.group_size, distance.shape[1])
    nearest = distance.topk(count, dim=1, largest=False).indices
    return torch.cat(indices, dim=1).gather(1, nearest)


def _distances(patches: Tensor, windows: Tensor) -> Tensor:
    """Compare each patch, ``(patches, side, side)``, with all positions in its search windows."""
    mean = patches.mean(dim=(1, 2), keepdim=True)
    kernels, windows = (patches - mean)[:, None], windows - mean
    power = functional.conv2d(windows.square(), torch.ones_like(kernels), groups=len(kernels))
    product = functional.conv2d(windows, kernels, groups=len(kernels))
    return power - 2 * product


def _cut(images: Tensor, corners: Tensor, shape: tuple[int, int]) -> Tensor:
    """Cut rectangles of one shape, ``(images, corners, *shape)``, at their first row and column."""
    rows, columns = (
        corners[:, axis, None] + torch.arange(size, device=images.device)
        for axis, size in enumerate(shape)
    )
    return images[:, rows[:, :, None], columns[:, None, :]]


def patch_noise_covariance(correlation: Correlation, side: int) -> Tensor:
    """Return the covariance matrix, ``(side², side²)``, of noise of unit variance in a patch.

    Examples
    --------
    >>> bool((patch_noise_covariance(((), ()), 3) == torch.eye(9)).all())
    True
    """
    whole = np.eye(1)
    for correlations in correlation:
        along = toeplitz(np.pad([1.0, *correlations], (0, side))[:side])
        # Estimated correlations may not form a positive definite matrix.
        eigenvalues, vectors = np.linalg.eigh(along)
        along = vectors * eigenvalues.clip(min=MIN_NOISE_EIGENVALUE) @ vectors.T
        whole = np.kron(whole, along)
    return torch.from_numpy(whole.astype(np.float32))


def mixed(matrix: Tensor, channels: Tensor) -> Tensor:
    """Apply a matrix along the first axis.

    A matrix product of the same values may have other last bits with another number of threads.

    Examples
    --------
    >>> mixed(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    rows = []
    for weights in matrix:
        row = weights[0] * channels[0]
        for weight, channel in zip(weights[1:], channels[1:], strict=True):
            row = row + weight * channel
        rows.append(row)
    return torch.stack(rows)


def cosine_transform(size: int) -> Tensor:
    """Return the orthonormal cosine transform, lowest frequency first; it keeps noise white.

    Examples
    --------
    >>> transform = cosine_transform(5)
    >>> torch.allclose(transform @ transform.T, torch.eye(5), atol=1e-6)
    True
    """
    numbers = torch.arange(size, dtype=torch.float32)
    k, c = numbers[:, None], numbers
    waves = torch.cos(torch.pi * k * (c + 0.5) / size)
    return waves / waves.square().sum(dim=1, keepdim=True).sqrt()
