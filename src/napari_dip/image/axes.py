"""Which axes mean what: spatial, samples of a colour, or leading.

Roles are letters: T time, C channel, Z, Y, X space, S the samples of an RGB(A) pixel, Q an axis
of unknown meaning.
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

__all__ = ["SMALLEST_SIDE", "Index", "Layout", "guess_axes"]

SMALLEST_SIDE = 8
"""Pixels along Y and X that an image has at least."""

Index = tuple[int | slice, ...]
"""Where a unit lies in the image: a number along leading axes, a slice along the others."""


def guess_axes(shape: Sequence[int], rgb: bool | None = None) -> str:
    """Guess the roles of the axes from the shape: Y and X are the last that are not singletons.

    Parameters
    ----------
    shape
        Of the image, at least two axes.
    rgb
        Whether the last axis holds the samples of a colour; ``None`` takes it for that when it
        has 3 entries and the two axes before it have more. If it has 2 or 4 to 7, too few for
        an image, it holds channels: alpha is never guessed.

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
        if len(shape) >= 3 and not rgb and 1 < shape[-1] < SMALLEST_SIDE <= min(shape[-3:-1]):
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
    """How an array is cut into units: one for each index along the leading axes.

    Parameters
    ----------
    axes
        One letter for each axis of the array.
    shape
        Of the array.
    spatial
        Letters of the axes that a network sees at once: ``"YX"`` for planes, ``"ZYX"`` for volumes,
        ``"ZX"`` for sections.
    shared
        The leading axis along which planes may be restored together, if there is one.
    """

    axes: str
    shape: tuple[int, ...]
    spatial: str = "YX"
    shared: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be cut."""
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
                f"axes={self.axes!r}, shape {self.shape}: {wanted} an axis Z of two planes or "
                f"more; name it with axes='ZYX', or use {instead}"
            )

    @property
    def ndim(self) -> int:
        """How many spatial axes there are."""
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
        """Positions of the axes along which units are taken one after another."""
        return tuple(
            axis for axis, letter in enumerate(self.axes) if letter not in (*self.spatial, "S")
        )

    @property
    def units(self) -> int:
        """How many units there are."""
        return math.prod(self.shape[axis] for axis in self.leading)

    @property
    def channels(self) -> int:
        """How many channels there are, each with a scale and a noise of its own."""
        return self.shape[self.axes.index("C")] if "C" in self.axes else 1

    def indices(self) -> Iterator[Index]:
        """Index of each plane (or volume): a number along leading axes, everything else whole."""
        for numbers in np.ndindex(*(self.shape[axis] for axis in self.leading)):
            yield self.index(dict(zip(self.leading, numbers, strict=True)))

    def index(self, chosen: Mapping[int, int | slice]) -> Index:
        """Index of what is chosen along some axes, by their positions."""
        index = [chosen.get(axis, slice(None)) for axis in range(len(self.axes))]
        while index and index[-1] == slice(None):
            index.pop()
        return tuple(index)

    def numbers(self, index: Index) -> tuple[int, ...]:
        """Numbers along the leading axes of the index of a plane."""
        return tuple(part for part in index if not isinstance(part, slice))

    def at(self, letter: str, index: Index) -> int | slice:
        """Say what an index chooses along an axis; 0 along one that is not there."""
        if letter not in self.axes:
            return 0
        axis = self.axes.index(letter)
        return index[axis] if axis < len(index) else slice(None)

    def channels_of(self, index: Index) -> range:
        """Tell the numbers of the channels that an index lies in; 0 where there are none."""
        chosen, every = self.at("C", index), range(self.channels)
        return every[chosen] if isinstance(chosen, slice) else every[chosen : chosen + 1]

    def to_block(self, part: NDArray[Any]) -> NDArray[Any]:
        """Order the axes of a plane, volume or window as ``(channels, *spatial)``.

        The planes of a window and the samples of a colour are channels.
        """
        letters = self._letters(part.ndim)
        ordered = [letter for letter in self._channels + self.spatial if letter in letters]
        block = part.transpose([letters.index(letter) for letter in ordered])
        return block.reshape(-1, *block.shape[-len(self.spatial) :])

    def colours(self, part: NDArray[Any]) -> NDArray[Any]:
        """Take a part as a block, without alpha."""
        block = self.to_block(part)
        return block[:3] if "S" in self.axes else block

    def from_block(self, block: NDArray[Any], *, window: bool = False) -> NDArray[Any]:
        """Undo :meth:`to_block`; say whether the block was a window."""
        letters = self._letters(len(self._whole) + window)
        ordered = [letter for letter in self._channels + self.spatial if letter in letters]
        samples = [self.shape[self.axes.index("S")]] if "S" in letters else []
        planes = [-1] if window else []
        part = block.reshape(*planes, *samples, *block.shape[1:])
        return part.transpose([ordered.index(letter) for letter in letters])

    @property
    def _channels(self) -> str:
        """The axes that become channels of a block: planes first."""
        return self.shared + "S"

    @property
    def _whole(self) -> str:
        """The axes that are never cut."""
        return "".join(letter for letter in self.axes if letter in (*self.spatial, "S"))

    def _letters(self, ndim: int) -> str:
        """Tell the axes that a part of the array has left."""
        if ndim == len(self._whole):
            return self._whole
        return "".join(letter for letter in self.axes if letter in self._whole + self.shared)
