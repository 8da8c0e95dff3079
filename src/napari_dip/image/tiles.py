"""Cut an image that is too large for the memory into tiles that overlap, and blend them again."""

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
    """Cut the last two axes into tiles of one size, spread evenly.

    Parameters
    ----------
    shape
        Of the spatial axes.
    size
        Side of a tile in pixels, at most.
    overlap
        Pixels that neighbours share, at least; below half of `size`.

    Returns
    -------
    list
        One slice for each axis; a volume is whole along Z.

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
    """Puts tiles together, each fading out over what it shares with the next.

    Parameters
    ----------
    shape
        ``(channels, *spatial)`` of the whole.
    overlaps
        Pixels over which a tile fades out, along each spatial axis.
    """

    shape: tuple[int, ...]
    overlaps: tuple[int, ...]

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self._sum = np.zeros(self.shape, np.float32)
        self._weight = np.zeros(self.shape[1:], np.float32)

    def add(self, tile: Tile, values: NDArray[np.float32]) -> None:
        """Add a tile, ``(channels, *spatial)``."""
        weight = self._taper(tile)
        self._sum[(slice(None), *tile)] += weight * values
        self._weight[tile] += weight

    def image(self, beneath: float = 0.0) -> NDArray[np.float32]:
        """Give the whole: the weights of all tiles sum to one; what has none is `beneath`."""
        there = self._weight > 0
        weight = np.where(there, self._weight, 1).astype(np.float32, copy=False)
        whole: NDArray[np.float32] = self._sum / weight
        np.copyto(whole, beneath, where=~there)
        return whole

    def _taper(self, tile: Tile) -> NDArray[np.float32]:
        """Fall off towards the sides that are not those of the image."""
        ramps = []
        for part, length, overlap in zip(tile, self.shape[1:], self.overlaps, strict=True):
            place = np.arange(part.start, part.stop)
            before = place - part.start + 1 if part.start else np.full(place.shape, np.inf)
            after = part.stop - place if part.stop < length else np.full(place.shape, np.inf)
            ramps.append(np.minimum(np.minimum(before, after) / (overlap + 1), 1))
        return _outer(ramps)


def _outer(ramps: Iterable[NDArray[np.float64]]) -> NDArray[np.float32]:
    product = np.ones(())
    for ramp in ramps:
        product = product[..., None] * ramp
    return product.astype(np.float32)
