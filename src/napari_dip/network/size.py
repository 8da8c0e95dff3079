"""Hold the sizes of the code and the image, and find the strides of the levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_dip.network.layers import Strides

__all__ = ["NetworkSize"]

MAX_SPACING_RATIO = 2**0.5
"""Ratio of pixel sizes: an axis with wider pixels is not halved yet, because halving changes the
ratio by 2. Not measured."""


@dataclass(frozen=True)
class NetworkSize:
    """Sizes of the code and the image of a network.

    Parameters
    ----------
    inputs, outputs
        Channels of the code and of the image.
    shape
        Spatial shape of both.
    spacing
        Distance of two pixels along each spatial axis, in any unit.
    """

    inputs: int
    outputs: int
    shape: tuple[int, ...]
    spacing: tuple[float, ...]

    def strides(self, levels: int, kernel: int = 3) -> Strides:
        """Halve each axis once a level, while the padding of the next level fits.

        An axis with wider pixels is halved only when the others are as coarse. Otherwise the
        network would see much farther along Z than along Y and X.

        Examples
        --------
        >>> NetworkSize(8, 1, (4, 32, 32), (2.0, 1.0, 1.0)).strides(2)
        ((1, 2, 2), (2, 2, 2))
        """
        shape, spacing, strides = [*self.shape], [*self.spacing], []
        for _ in range(levels):
            halves = [-(-size // 2) for size in shape]
            fits = [half > kernel // 2 for half in halves]
            finest = min((s for s, fit in zip(spacing, fits, strict=True) if fit), default=0)
            stride = tuple(
                2 if fit and step <= MAX_SPACING_RATIO * finest else 1
                for fit, step in zip(fits, spacing, strict=True)
            )
            shape = [
                half if s == 2 else size
                for half, size, s in zip(halves, shape, stride, strict=True)
            ]
            spacing = [step * s for step, s in zip(spacing, stride, strict=True)]
            strides.append(stride)
        return tuple(strides)
