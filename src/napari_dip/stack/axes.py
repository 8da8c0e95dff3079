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
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Index", "Layout", "guess_axes"]

Index = tuple[int | slice, ...]
"""Where a unit lies in the image: a number along leading axes, a slice along the others."""


def guess_axes(shape: Sequence[int], rgb: bool | None = None) -> str:
    """Guess the roles of the axes from the shape.

    Parameters
    ----------
    shape
        Of the image, at least two axes.
    rgb
        Whether the last axis holds the samples of a colour; ``None`` takes it for that when it
        has 3 or 4 entries and the two axes before it have more.

    Raises
    ------
    BadImage
        If there are fewer than two axes.

    Examples
    --------
    >>> guess_axes((512, 512)), guess_axes((512, 512, 3)), guess_axes((7, 20, 207, 207))
    ('YX', 'YXS', 'QQYX')
    """
    if rgb is None:
        rgb = len(shape) >= 3 and shape[-1] in (3, 4) and min(shape[-3:-1]) > 4
    spatial = "YXS" if rgb else "YX"
    leading = len(shape) - len(spatial)
    if leading < 0:
        raise BadImage(f"shape {tuple(shape)}: an image has at least two axes, Y and X")
    return "Q" * leading + spatial


@dataclass(frozen=True)
class Layout:
    """How an array is cut into units: one for each index along the leading axes.

    Parameters
    ----------
    axes
        One letter for each axis of the array.
    shape
        Of the array.
    ndim
        2 takes Y and X as spatial, 3 also Z.
    """

    axes: str
    shape: tuple[int, ...]
    ndim: int = 2

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
        if self.ndim == 3 and ("Z" not in self.axes or self.shape[self.axes.index("Z")] < 2):
            raise BadImage(
                f"axes={self.axes!r}, shape {self.shape}: ndim=3 needs an axis Z of two planes or "
                "more; name it with axes='ZYX', or use ndim=2"
            )

    @property
    def spatial(self) -> str:
        """Letters of the spatial axes, Z first."""
        return "ZYX" if self.ndim == 3 else "YX"

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

    def indices(self) -> Iterator[Index]:
        """Index of each unit: a number along leading axes, everything along the others."""
        for numbers in np.ndindex(*(self.shape[axis] for axis in self.leading)):
            index: list[int | slice] = [slice(None)] * len(self.axes)
            for axis, number in zip(self.leading, numbers, strict=True):
                index[axis] = number
            while index and index[-1] == slice(None):
                index.pop()
            yield tuple(index)

    def to_block(self, unit: NDArray[Any]) -> NDArray[Any]:
        """Order the axes of a unit as ``(channels, *spatial)``."""
        remaining = self._remaining
        order = [remaining.index(letter) for letter in ("S" + self.spatial) if letter in remaining]
        block = unit.transpose(order)
        return block if "S" in remaining else block[None]

    def from_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """Undo :meth:`to_block`."""
        present = ("S" + self.spatial) if "S" in self._remaining else self.spatial
        block = block if "S" in self._remaining else block[0]
        return block.transpose([present.index(letter) for letter in self._remaining])

    @property
    def _remaining(self) -> str:
        return "".join(letter for axis, letter in enumerate(self.axes) if axis not in self.leading)
