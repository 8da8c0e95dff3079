"""Where restored units go: into memory, or wherever else keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_dip.stack.plan import Unit
    from napari_dip.stack.problem import Problem
    from napari_dip.stack.result import Result, UnitReport
    from napari_dip.stack.stored import Lazy
    from napari_dip.stack.unit import Done

__all__ = ["InMemory", "Output"]


class Output(Protocol):
    """Takes units as they are done, and knows which it holds."""

    @property
    def image(self) -> Lazy:
        """The result."""

    @property
    def spread(self) -> Lazy | None:
        """The standard deviation of the fits, where there were several."""

    def done(self) -> Mapping[int, UnitReport]:
        """Tell the units that need not be restored, by their numbers."""

    def put(self, unit: Unit, done: Done, /) -> None:
        """Keep a unit."""

    def finish(self, result: Result, /) -> None:
        """Hear that all units are there."""


class InMemory:
    """An array that begins as the image was, so that units which never begin stay like that."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._image: NDArray[Any] | None = None
        self.spread: NDArray[np.float32] | None = None

    @property
    def image(self) -> NDArray[Any]:
        """The result, allocated when it is first asked for."""
        if self._image is None:
            self._image = self._problem.unrestored()
        return self._image

    def done(self) -> Mapping[int, UnitReport]:
        """Nothing is, at the start."""
        return {}

    def put(self, unit: Unit, done: Done, /) -> None:
        """Write a unit in its place."""
        self.image[unit.index] = done.image
        if done.spread is not None:
            if self.spread is None:
                self.spread = np.zeros(self.image.shape, np.float32)
            self.spread[unit.index] = done.spread

    def finish(self, result: Result, /) -> None:
        """There is nothing to do."""
