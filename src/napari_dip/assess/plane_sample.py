"""Choose parts of the planes of an image to assess: all of a small image, some of a large one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.image.axes import Index, Layout

__all__ = ["PartOfPlane", "PlaneSample", "middle_of", "sample_planes"]

MAX_SIDE = 1024
"""Pixels: side of the parts into which larger planes are divided."""

MAX_PARTS = 8
"""Parts of a channel that are assessed. The standard error of the correlation is below 1e-3 with
one of full size."""


@dataclass(frozen=True)
class PartOfPlane:
    """A part of a plane: its index in the image, and the position of its first pixel by axis."""

    index: Index
    start: Mapping[str, int]


@dataclass(frozen=True)
class PlaneSample:
    """The parts of one channel that are assessed, and the number of all parts."""

    channel: int
    parts: tuple[PartOfPlane, ...]
    of_parts: int
    of_planes: int

    def describe(self) -> str:
        """Tell which part of the image was assessed, as the end of a sentence; may be empty.

        Examples
        --------
        >>> from napari_dip.image.axes import Layout
        >>> sample_planes(Layout("TYX", (900, 64, 64)))[0].describe()
        ' in 8 of 900 planes'
        """
        if len(self.parts) == self.of_parts:
            return ""
        noun = "planes" if self.of_parts == self.of_planes else "parts"
        return f" in {len(self.parts)} of {self.of_parts} {noun}"


def sample_planes(layout: Layout) -> tuple[PlaneSample, ...]:
    """Choose the same parts of the planes of each channel, evenly spaced.

    The planes have the last two of the axes that are fitted together: Y and X, or Z and X.
    """
    axes = layout.axes
    plane = layout.spatial[-2:]
    pieces = {
        letter: _pieces(layout.shape[axes.index(letter)])
        if letter in plane
        else [slice(None)]
        if letter == "S"
        else list(range(layout.shape[axes.index(letter)]))
        for letter in axes
        if letter != "C"
    }
    counts = [len(each) for each in pieces.values()]
    total = int(np.prod(counts))
    in_plane = int(np.prod([len(pieces[letter]) for letter in plane]))
    chosen = np.unique(np.linspace(0, total - 1, min(total, MAX_PARTS)).round().astype(int))
    samples = []
    for channel in range(layout.channels):
        parts = []
        for number in chosen:
            places = np.unravel_index(number, counts)
            picked = {
                letter: each[place]
                for (letter, each), place in zip(pieces.items(), places, strict=True)
            } | {"C": channel}
            index = tuple(picked[letter] for letter in axes)
            start = {
                letter: part.start if isinstance(part, slice) else part
                for letter, part in zip(axes, index, strict=True)
                if letter != "S"
            }
            parts.append(PartOfPlane(index, start))
        samples.append(PlaneSample(channel, tuple(parts), total, total // in_plane))
    return tuple(samples)


def middle_of(size: int, most: int) -> slice:
    """Return the middle of an axis: at most so many pixels.

    Examples
    --------
    >>> middle_of(7, 4), middle_of(3, 4)
    (slice(1, 5, None), slice(0, 3, None))
    """
    kept = min(most, size)
    start = (size - kept) // 2
    return slice(start, start + kept)


def _pieces(size: int) -> list[slice]:
    """Divide an axis into pieces of nearly the same size."""
    number = -(-size // MAX_SIDE)
    ends = [size * piece // number for piece in range(number + 1)]
    return [slice(low, high) for low, high in itertools.pairwise(ends)]
