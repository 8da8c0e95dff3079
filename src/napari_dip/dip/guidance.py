"""Keep missing pixels near an interpolation in the first iterations.

Without it, large gaps stay grey, as the first output of a network is grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Guidance"]


@dataclass(frozen=True)
class Guidance:
    """Interpolated values of missing pixels, and the distance of an estimate to them.

    Parameters
    ----------
    values
        Interpolated values, ``(1, channels, *spatial)``.
    missing
        1 where a pixel is missing and 0 elsewhere, of the shape of ``values``.
    """

    values: Tensor
    missing: Tensor

    def distance(self, x: Tensor) -> Tensor:
        """Sum the squared differences over the missing pixels; divide by the number of known ones.

        The division gives the sum the scale of the data term.
        """
        return ((x - self.values).square() * self.missing).sum() / self._known_count

    @cached_property
    def _known_count(self) -> Tensor:
        return (1 - self.missing).sum().clamp(min=1)
