"""Patches of an image or a stack, and where to find those that are alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.linalg import toeplitz
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_dip.noise.model import Correlation

__all__ = ["Grid", "Patches", "cosine_transform", "patch_noise_covariance", "similar_patch_groups"]

_AT_ONCE = 1_000_000
"""Values worked on at a time: 4 MB, which stay near the processor."""

_AT_ONCE_A_PIXEL = 4
"""On a GPU, if that is more: few launches, and about 0.5 GB a megapixel."""

_LEAST_STRENGTH = 0.01
"""Of the noise in any direction along an axis, in parts of its variance."""

_REACH_BESIDE = 4
"""Pixels that are searched around a patch in other planes, where things have hardly moved."""


@dataclass(frozen=True)
class Patches:
    """Side of a patch, pixels from one reference to the next, reach of the search, group size.

    Of a stack, a patch holds so many ``planes``, references begin as many after one another, and
    those patches are searched, too, that begin up to ``apart`` planes before or after.
    """

    side: int
    step: int
    reach: int
    alike: int
    planes: int = 1
    apart: int = 0


@dataclass(frozen=True)
class Grid:
    """The places that a patch can take in a stack ``(planes, height, width)``.

    A place has a number: that of the patch's first pixel in the stack.
    """

    shape: tuple[int, int, int]
    kind: Patches

    @classmethod
    def over(cls, shape: Sequence[int], kind: Patches) -> Grid:
        """Take smaller patches if the image is narrow, and shorter ones if there are few planes."""
        planes, height, width = shape
        side = min(kind.side, height, width)
        return cls(
            (planes, height, width), replace(kind, side=side, planes=min(kind.planes, planes))
        )

    @property
    def places(self) -> tuple[int, int, int]:
        """Tell how many planes, rows and columns a patch can begin in."""
        planes, height, width = self.shape
        past = self.kind.side - 1
        return planes - self.kind.planes + 1, height - past, width - past

    def references(self, offset: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
        """Give, for every few planes, rows and columns of every few places: no pixel is left out.

        The first planes are those from ``offset`` on, and the first and the last of all.
        """
        planes, *others = self.places
        rows, columns = (
            torch.unique(torch.tensor([*range(0, size, self.kind.step), size - 1]))
            for size in others
        )
        around = torch.cartesian_prod(rows, columns).to(device)
        for plane in sorted({0, *range(offset, planes, self.kind.planes), planes - 1}):
            yield plane, around

    def searched(self, plane: int) -> Iterator[tuple[range, int]]:
        """Give the planes in which patches are searched, and how far around the reference."""
        apart, reach = self.kind.apart, self.kind.reach
        before = range(max(0, plane - apart), plane)
        after = range(plane + 1, min(self.places[0], plane + apart + 1))
        yield range(plane, plane + 1), reach
        for beside in filter(None, (before, after)):
            yield beside, min(reach, _REACH_BESIDE)

    def window(self, references: Tensor, reach: int) -> tuple[Tensor, tuple[int, int]]:
        """Give the first row and column of the window around each, in the image, and its size."""
        _, *places = self.places
        rows, columns = (min(2 * reach + 1, size) for size in places)
        first = references - reach
        corners = [
            first[:, axis].clamp(0, place - size)
            for axis, (place, size) in enumerate(zip(places, (rows, columns), strict=True))
        ]
        return torch.stack(corners, dim=1), (rows, columns)

    def number(self, plane: int | Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Count the given places."""
        _, height, width = self.shape
        return (plane * height + rows) * width + columns

    def pixels(self, numbers: Tensor) -> Tensor:
        """Count the pixels of patches at the numbered places: ``(planes, *numbers, side²)``."""
        _, height, width = self.shape
        side = torch.arange(self.kind.side, device=numbers.device)
        within = (side[:, None] * width + side).flatten()
        plane = torch.arange(self.kind.planes, device=numbers.device) * height * width
        plane = plane.reshape(-1, *[1] * (numbers.ndim + 1))
        return plane + numbers[..., None] + within


def similar_patch_groups(
    images: Tensor, grid: Grid, *, offset: int = 0, work: int = 1, holding: Tensor | None = None
) -> Iterator[Tensor]:
    """Give the pixels of groups of patches alike, ``(planes, groups, alike, side²)``.

    So many at a time as are worked on at once, where ``work`` values are held for each pixel.
    ``images`` are those that are compared, as below, ``offset`` is where references begin, and
    if ``holding`` is given, only references that hold one of those pixels count.
    """
    kind = grid.kind
    each = kind.planes * kind.alike * kind.side**2 * work
    for plane, places in grid.references(offset, images.device):
        if holding is not None:
            own = grid.pixels(grid.number(plane, *places.T))
            places = places[holding[own].any(dim=(0, 2))]
        for references in places.split(max(1, _at_once(images) // each)):
            yield grid.pixels(_most_similar(plane, references, images, grid))


def _at_once(images: Tensor) -> int:
    """Tell how many values are worked on at a time."""
    _, height, width = images.shape
    if images.device.type == "cpu":
        return _AT_ONCE
    return max(_AT_ONCE, _AT_ONCE_A_PIXEL * height * width)


def _most_similar(plane: int, references: Tensor, images: Tensor, grid: Grid) -> Tensor:
    """Give the numbers of the patches most like each reference, itself among them.

    ``images``, ``(planes, height, width)``, are compared: of a patch as many as it has planes, or
    one where there are only as many images as planes to begin in. The distance of two patches a
    and b is told as |b|² - 2 a·b, the same for all that are compared but for |a|²: both are
    convolutions of the window with what lies around the reference, after its mean has been taken
    from either.
    """
    side, depth = grid.kind.side, len(images) - grid.places[0] + 1
    own = _cut(images[plane : plane + depth], references, (side, side))
    distances, numbers = [], []
    for others, reach in grid.searched(plane):
        corners, (rows, columns) = grid.window(references, reach)
        stack = images[others.start : others.stop + depth - 1]
        around = _cut(stack, corners, (rows + side - 1, columns + side - 1))
        each = [_distances(patch, around[t : t + len(others)]) for t, patch in enumerate(own)]
        distances.append(torch.stack(each).sum(dim=0).transpose(0, 1).flatten(1))
        place, down, right = (
            torch.tensor(each, device=images.device)
            for each in (others, range(rows), range(columns))
        )
        down, right = corners[:, :1] + down, corners[:, 1:] + right
        here = grid.number(place[:, None, None], down[:, None, :, None], right[:, None, None])
        numbers.append(here.flatten(1))
    there = torch.cat(distances, dim=1)
    count = min(grid.kind.alike, there.shape[1])
    return torch.cat(numbers, dim=1).gather(1, there.topk(count, dim=1, largest=False).indices)


def _distances(patches: Tensor, around: Tensor) -> Tensor:
    """Compare each patch, ``(patches, side, side)``, with all places around it in some planes."""
    mean = patches.mean(dim=(1, 2), keepdim=True)
    kernels, around = (patches - mean)[:, None], around - mean
    power = functional.conv2d(around.square(), torch.ones_like(kernels), groups=len(kernels))
    likeness = functional.conv2d(around, kernels, groups=len(kernels))
    return power - 2 * likeness


def _cut(images: Tensor, corners: Tensor, shape: tuple[int, int]) -> Tensor:
    """Cut pieces of one shape, ``(images, pieces, *shape)``, from their first row and column on."""
    rows, columns = (
        corners[:, axis, None] + torch.arange(size, device=images.device)
        for axis, size in enumerate(shape)
    )
    return images[:, rows[:, :, None], columns[:, None, :]]


def patch_noise_covariance(correlation: Correlation, side: int) -> Tensor:
    """Give the covariance of noise of unit variance, ``(side², side²)``: for white noise, I."""
    whole = np.eye(1)
    for shared in correlation:
        along = toeplitz(np.pad([1.0, *shared], (0, side))[:side])
        strengths, directions = np.linalg.eigh(along)  # what was estimated may be impossible
        along = directions * strengths.clip(min=_LEAST_STRENGTH) @ directions.T
        whole = np.kron(whole, along)
    return torch.from_numpy(whole.astype(np.float32))


def cosine_transform(size: int) -> Tensor:
    """Give the orthonormal cosine transform, its lowest frequency first: noise stays white."""
    numbers = torch.arange(size, dtype=torch.float32)
    k, c = numbers[:, None], numbers
    waves = torch.cos(torch.pi * k * (c + 0.5) / size)
    return waves / waves.square().sum(dim=1, keepdim=True).sqrt()
