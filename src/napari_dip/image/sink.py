"""Where restored units go: into memory, or wherever else keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import Result, UnitReport
    from napari_dip.image.unit import Done

__all__ = ["InMemory", "Output"]


class Output(Protocol):
    """Takes units as they are done, and knows which it holds."""

    @property
    def image(self) -> LazyArray:
        """The result."""

    @property
    def spread(self) -> LazyArray | None:
        """The standard deviation of the fits, where there were several."""

    def done(self) -> Mapping[int, UnitReport]:
        """Tell the units that need not be restored, by their numbers."""

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Give a part of a unit, while others may be put; ``None`` if it is not there yet."""

    def put(self, unit: Unit, done: Done, /) -> None:
        """Keep a unit."""

    def finish(self, result: Result, /) -> None:
        """Hear how the run ended: all units are there, or the user has stopped it."""

    def close(self) -> None:
        """Hear that nothing more will be put."""


class InMemory:
    """An array; planes that were not restored are empty: NaN, or 0 for whole numbers."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._image: NDArray[Any] | None = None
        self._missing = {unit.number: unit for unit in problem.plan.units}
        self.spread: NDArray[np.float32] | None = None
        self._constant: list[Index] = []

    @property
    def image(self) -> NDArray[Any]:
        """The result; what is not restored is empty."""
        return self._allocated()

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
                # Of what has one value there is no spread; of what is not restored, none is known.
                self.spread = np.full(self._problem.shape, np.nan, np.float32)
                for whole in self._constant:
                    self.spread[whole] = 0
            self.spread[unit.index] = done.spread
        elif done.report.iterations == 0 and not done.report.unchanged:
            if self.spread is None:
                self._constant.append(unit.index)
            else:
                self.spread[unit.index] = 0
        self._missing.pop(unit.number, None)

    def finish(self, result: Result, /) -> None:
        """Nothing is left to do."""

    def close(self) -> None:
        """There is nothing to do."""

    def _allocated(self) -> NDArray[Any]:
        if self._image is None:
            self._image = self._problem.empty(())
        return self._image
