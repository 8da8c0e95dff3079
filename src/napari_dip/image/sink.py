"""Sinks of restored units: an array in memory, and the protocol of all others."""

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
    from napari_dip.image.unit import RestoredUnit

__all__ = ["InMemory", "Sink"]


class Sink(Protocol):
    """A sink of restored units."""

    @property
    def image(self) -> LazyArray:
        """The result so far."""

    @property
    def spread(self) -> LazyArray | None:
        """The standard deviation of the ensemble members; ``None`` for single fits."""

    def done(self) -> Mapping[int, UnitReport]:
        """Return the reports of the units that are complete, by their numbers."""

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Return a part of a unit; ``None`` if the unit is not complete. Threads may call it."""

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        """Store a restored unit."""

    def finish(self, result: Result, /) -> None:
        """Complete the output at the end of a run, also of one that the user stopped."""

    def close(self) -> None:
        """Release files and locks; nothing is stored after that."""


class InMemory:
    """A sink in memory; planes that were not restored are empty: NaN, or 0 for integers."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._image: NDArray[Any] | None = None
        self._missing = {unit.number: unit for unit in problem.plan.units}
        self.spread: NDArray[np.float32] | None = None
        self._constant: list[Index] = []

    @property
    def image(self) -> NDArray[Any]:
        """The result so far; planes that are not restored are empty."""
        return self._allocated()

    def done(self) -> Mapping[int, UnitReport]:
        """Return no report: a new array has no complete unit."""
        return {}

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Return a part of a unit; ``None`` if the unit is not complete."""
        return None if unit.number in self._missing else self._allocated()[index]

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        """Store a restored unit."""
        self._allocated()[unit.index] = done.image
        if done.spread is not None:
            if self.spread is None:
                # A constant unit has a spread of 0; that of a unit that is not restored is unknown.
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
        """Do nothing: the array is complete."""

    def close(self) -> None:
        """Do nothing: there is no file."""

    def _allocated(self) -> NDArray[Any]:
        if self._image is None:
            self._image = self._problem.empty(())
        return self._image
