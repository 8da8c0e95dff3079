"""One block of an image, and the random numbers of its restoration."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Hole

__all__ = ["Block", "derived_seed"]


@dataclass(frozen=True)
class Block:
    """A part of an image that is restored at once, with intensities scaled to about [0, 1].

    Parameters
    ----------
    values, known
        float32 and bool, ``(channels, *spatial)``; ``known`` is false where a pixel is missing.
    noises
        One model a channel, for the scaled intensities.
    hole
        The kind of gaps.
    psf
        Point spread function in pixels of the result, or ``None``.
    shared
        The axis that the channels come from: ``"T"`` or ``"Z"`` for neighbouring planes, ``"C"``
        for channels of a microscope, empty for one plane and for colours.
    start, sides_of_unit
        Of a tile: the first pixel in its unit, and the sides of the unit; empty for a whole unit.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    noises: tuple[NoiseModel, ...]
    hole: Hole = "scratches"
    psf: NDArray[np.float32] | None = None
    shared: str = ""
    start: tuple[int, ...] = ()
    sides_of_unit: tuple[int, ...] = ()

    @property
    def filtered_pixels(self) -> int:
        """Number of pixels of a pass of the patch filter, which treats colours together."""
        channels, *spatial = self.values.shape
        images = channels if self.shares_planes else 1
        if self.shared == "C":
            images += channels  # each one alone, too
        return images * math.prod(spatial)

    @property
    def shares_planes(self) -> bool:
        """Whether the channels are neighbouring planes."""
        return self.shared not in ("", "C")


def derived_seed(seed: int, purpose: str) -> int:
    """Derive a seed for one purpose, so that a new random draw leaves the others unchanged.

    Examples
    --------
    >>> derived_seed(0, "weights") == derived_seed(0, "weights")
    True
    >>> derived_seed(0, "weights") == derived_seed(0, "code")
    False
    """
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
