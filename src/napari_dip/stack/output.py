"""Where restored units go: into memory, or wherever else keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_dip.stack.axes import Index
    from napari_dip.stack.lazy import Lazy
    from napari_dip.stack.plan import Unit
    from napari_dip.stack.problem import Problem
    from napari_dip.stack.result import Result, UnitReport
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

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Give a part of a unit, while others may be put; ``None`` if it is not there yet."""

    def put(self, unit: Unit, done: Done, /) -> None:
        """Keep a unit."""

    def finish(self, result: Result, /) -> None:
        """Hear that all units are there."""

    def close(self) -> None:
        """Hear that nothing more will be put."""


class InMemory:
    """An array; units that were never restored are as they were in the image."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._image: NDArray[Any] | None = None
        self._missing = {unit.number: unit for unit in problem.plan.units}
        self.spread: NDArray[np.float32] | None = None

    @property
    def image(self) -> NDArray[Any]:
        """The result, with the image where there is none yet; it is read unit by unit."""
        array = self._allocated()
        for unit in self._missing.values():
            array[unit.index] = self._problem.unrestored(unit.index)
        return array

    def done(self) -> Mapping[int, UnitReport]:
        """Nothing is, at the start."""
        return {}

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Give a part of a unit; ``None`` if it is not there yet."""
        return None if unit.number in self._missing else self._allocated()[index]

    def put(self, unit: Unit, done: Done, /) -> None:
        """Write a unit in its place."""
        self._allocated()[unit.index] = done.image
        if done.spread is not None:
            if self.spread is None:
                self.spread = np.zeros(self._problem.shape, np.float32)
            self.spread[unit.index] = done.spread
        self._missing.pop(unit.number, None)

    def finish(self, result: Result, /) -> None:
        """There is nothing to do."""

    def close(self) -> None:
        """There is nothing to do."""

    def _allocated(self) -> NDArray[Any]:
        if self._image is None:
            self._image = np.empty(self._problem.shape, self._problem.dtype)
        return self._image
