"""The meaning of the axes of an array, and its division into planes, volumes or sections.

One letter names each axis: T time, C channel, Z, Y, X space, S the samples of an RGB(A) pixel, Q an
axis of unknown meaning. Axes that are neither spatial nor S are the leading axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["MIN_SIDE", "Index", "Layout", "guess_axes"]

MIN_SIDE = 8
"""Pixels along Y and X: the smallest tested size; patches of the filter are 7 pixels wide."""

Index = tuple[int | slice, ...]
"""An index of an array: numbers along leading axes, slices along the others."""


def guess_axes(shape: Sequence[int], rgb: bool | None = None) -> str:
    """Guess the letters of the axes from a shape: Y and X are the last axes longer than 1.

    Parameters
    ----------
    shape
        Shape of the image, of at least two axes.
    rgb
        Whether the last axis holds the samples of a colour. ``None`` guesses S if the last axis
        has 3 entries and the two axes before it have more than 4. A last axis of 2 or of 4 to 7
        entries is too small for X, and holds channels: alpha is never guessed.

    Raises
    ------
    BadImage
        If there are fewer than two axes.

    Examples
    --------
    >>> guess_axes((512, 512)), guess_axes((512, 512, 3)), guess_axes((7, 20, 207, 207))
    ('YX', 'YXS', 'QQYX')
    >>> guess_axes((512, 512, 4)), guess_axes((512, 512, 4), rgb=True)
    ('YXC', 'YXS')
    """
    if rgb is None:
        rgb = len(shape) >= 3 and shape[-1] == 3 and min(shape[-3:-1]) > 4
        if len(shape) >= 3 and not rgb and 1 < shape[-1] < MIN_SIDE <= min(shape[-3:-1]):
            return "Q" * (len(shape) - 3) + "YXC"
    others = len(shape) - rgb
    if others < 2:
        raise BadImage(f"shape {tuple(shape)}: an image has at least two axes, Y and X")
    wide = [axis for axis in range(others) if shape[axis] != 1]
    y, x = wide[-2:] if len(wide) > 1 else (others - 2, others - 1)
    letters = {y: "Y", x: "X", others: "S"}
    return "".join(letters.get(axis, "Q") for axis in range(len(shape)))


@dataclass(frozen=True)
class Layout:
    """The axes of an array, and its division along the leading axes.

    Parameters
    ----------
    axes
        One letter for each axis of the array.
    shape
        Shape of the array.
    spatial
        Letters of the axes that are fitted together: ``"YX"`` for planes, ``"ZYX"`` for volumes,
        ``"ZX"`` for sections.
    shared
        The leading axis along which planes may share a network; empty for none.
    """

    axes: str
    shape: tuple[int, ...]
    spatial: str = "YX"
    shared: str = ""

    def __post_init__(self) -> None:
        """Refuse axes that do not fit the shape."""
        if len(self.axes) != len(self.shape):
            raise BadImage(
                f"axes={self.axes!r} names {len(self.axes)} axes, but the shape {self.shape} has "
                f"{len(self.shape)}; give one letter for each"
            )
        if 0 in self.shape:
            empty = self.axes[self.shape.index(0)]
            raise BadImage(
                f"shape {self.shape}: the axis {empty} is empty; give at least one pixel"
            )
        if "Z" not in self.spatial:
            return
        if "Z" not in self.axes or self.shape[self.axes.index("Z")] < 2:
            wanted = "ndim=3 needs" if not self.is_section else "super-resolution along Z needs"
            instead = "ndim=2" if not self.is_section else "axis='YX'"
            raise BadImage(
                f"axes={self.axes!r}, shape {self.shape}: {wanted} an axis Z of at least two "
                f"planes; name it with axes='ZYX', or use {instead}"
            )

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.spatial)

    @property
    def is_section(self) -> bool:
        """Whether a unit is a section of Z and X, in place of a plane or volume."""
        return "Y" not in self.spatial

    @property
    def shares_planes(self) -> bool:
        """Whether neighbouring planes share a network; channels are no neighbours."""
        return self.shared not in ("", "C")

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Sizes along :attr:`spatial`."""
        return tuple(self.shape[self.axes.index(letter)] for letter in self.spatial)

    @property
    def leading(self) -> tuple[int, ...]:
        """Positions of the leading axes: neither spatial nor the samples of a colour."""
        return tuple(
            axis for axis, letter in enumerate(self.axes) if letter not in (*self.spatial, "S")
        )

    @property
    def units(self) -> int:
        """Number of planes (or volumes, or sections)."""
        return math.prod(self.shape[axis] for axis in self.leading)

    @property
    def channels(self) -> int:
        """Number of channels; each has its own intensity scale and noise."""
        return self.shape[self.axes.index("C")] if "C" in self.axes else 1

    def indices(self) -> Iterator[Index]:
        """Yield the index of each plane (or volume, or section)."""
        for numbers in np.ndindex(*(self.shape[axis] for axis in self.leading)):
            yield self.index(dict(zip(self.leading, numbers, strict=True)))

    def index(self, chosen: Mapping[int, int | slice]) -> Index:
        """Return an index from the numbers or slices along some axes, by their positions."""
        index = [chosen.get(axis, slice(None)) for axis in range(len(self.axes))]
        while index and index[-1] == slice(None):
            index.pop()
        return tuple(index)

    def numbers(self, index: Index) -> tuple[int, ...]:
        """Return the numbers along the leading axes from the index of a plane."""
        return tuple(part for part in index if not isinstance(part, slice))

    def along(self, letter: str, index: Index) -> int | slice:
        """Return what an index selects along an axis; 0 for an axis that the array lacks."""
        if letter not in self.axes:
            return 0
        axis = self.axes.index(letter)
        return index[axis] if axis < len(index) else slice(None)

    def channels_of(self, index: Index) -> range:
        """Return the numbers of the channels that an index selects; 0 without an axis C."""
        chosen, channels = self.along("C", index), range(self.channels)
        return channels[chosen] if isinstance(chosen, slice) else channels[chosen : chosen + 1]

    def to_block(self, part: NDArray[Any]) -> NDArray[Any]:
        """Order the axes of a plane, volume or window as ``(channels, *spatial)``.

        The planes of a window and the samples of a colour become channels.
        """
        letters = self._letters(part.ndim)
        ordered = [letter for letter in self._channels + self.spatial if letter in letters]
        block = part.transpose([letters.index(letter) for letter in ordered])
        return block.reshape(-1, *block.shape[-len(self.spatial) :])

    def colours(self, part: NDArray[Any]) -> NDArray[Any]:
        """Return a part as a block, without alpha."""
        block = self.to_block(part)
        return block[:3] if "S" in self.axes else block

    def from_block(self, block: NDArray[Any], *, window: bool = False) -> NDArray[Any]:
        """Invert :meth:`to_block`; ``window`` tells whether the block is a window of planes."""
        letters = self._letters(len(self._undivided) + window)
        ordered = [letter for letter in self._channels + self.spatial if letter in letters]
        samples = [self.shape[self.axes.index("S")]] if "S" in letters else []
        planes = [-1] if window else []
        part = block.reshape(*planes, *samples, *block.shape[1:])
        return part.transpose([ordered.index(letter) for letter in letters])

    @property
    def _channels(self) -> str:
        """Letters of the axes that become channels of a block, planes first."""
        return self.shared + "S"

    @property
    def _undivided(self) -> str:
        """Letters of the axes that are in every part: the spatial ones and S."""
        return "".join(letter for letter in self.axes if letter in (*self.spatial, "S"))

    def _letters(self, ndim: int) -> str:
        """Return the letters of the axes of a part with this number of axes."""
        if ndim == len(self._undivided):
            return self._undivided
        return "".join(letter for letter in self.axes if letter in self._undivided + self.shared)
