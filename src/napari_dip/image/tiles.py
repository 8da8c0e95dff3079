"""Split an image that is too large for the memory into overlapping tiles, and blend the results."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Blend", "split_into_tiles"]

Tile = tuple[slice, ...]


def split_into_tiles(shape: tuple[int, ...], size: int, overlap: int) -> list[Tile]:
    """Split the last two axes into tiles of one size, evenly spaced.

    Parameters
    ----------
    shape
        Sizes of the spatial axes.
    size
        Maximum side of a tile, in pixels.
    overlap
        Minimum overlap of neighbouring tiles, in pixels; below half of `size`.

    Returns
    -------
    list
        For each tile, one slice for each axis; tiles of a volume include all of Z.

    Examples
    --------
    >>> split_into_tiles((64, 100), 64, 16)
    [(slice(0, 64, None), slice(0, 64, None)), (slice(0, 64, None), slice(36, 100, None))]
    """
    axes = [[slice(0, length)] for length in shape[:-2]]
    for length in shape[-2:]:
        number = max(1, math.ceil((length - overlap) / (size - overlap)))
        side = min(size, length)
        starts = np.linspace(0, length - side, number).round().astype(int).tolist()
        axes.append([slice(start, start + side) for start in starts])
    return list(itertools.product(*axes))


@dataclass
class Blend:
    """Blend overlapping tiles, with weights that decrease linearly over the overlap.

    Parameters
    ----------
    shape
        Shape of the image, ``(channels, *spatial)``.
    overlaps
        Overlap of the tiles along each spatial axis, in pixels.
    """

    shape: tuple[int, ...]
    overlaps: tuple[int, ...]

    def __post_init__(self) -> None:
        """Start with weights of zero."""
        self._sum = np.zeros(self.shape, np.float32)
        self._weight = np.zeros(self.shape[1:], np.float32)

    def add(self, tile: Tile, values: NDArray[np.float32]) -> None:
        """Add a tile, ``(channels, *spatial)``."""
        weight = self._weights(tile)
        self._sum[(slice(None), *tile)] += weight * values
        self._weight[tile] += weight

    def image(self, background: float = 0.0) -> NDArray[np.float32]:
        """Return the weighted mean of the tiles, and `background` where there is no tile."""
        covered = self._weight > 0
        weight = np.where(covered, self._weight, 1).astype(np.float32, copy=False)
        image: NDArray[np.float32] = self._sum / weight
        np.copyto(image, background, where=~covered)
        return image

    def _weights(self, tile: Tile) -> NDArray[np.float32]:
        """Return weights that decrease towards the sides of a tile inside the image."""
        ramps = []
        for part, length, overlap in zip(tile, self.shape[1:], self.overlaps, strict=True):
            place = np.arange(part.start, part.stop)
            before = place - part.start + 1 if part.start else np.full(place.shape, np.inf)
            after = part.stop - place if part.stop < length else np.full(place.shape, np.inf)
            ramps.append(np.minimum(np.minimum(before, after) / (overlap + 1), 1))
        return _outer_product(ramps)


def _outer_product(ramps: Iterable[NDArray[np.float64]]) -> NDArray[np.float32]:
    product = np.ones(())
    for ramp in ramps:
        product = product[..., None] * ramp
    return product.astype(np.float32)
