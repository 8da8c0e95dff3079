"""Sinks of restored units: an array in memory, and the protocol of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.layout_plan import Tiling
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import Result
    from napari_dip.image.unit import RestoredUnit
    from napari_dip.image.unit_report import UnitReport

__all__ = ["InMemory", "Sink"]


class Sink(Protocol):
    """A sink of restored units."""

    @property
    def image(self) -> LazyArray:
        """The result so far."""

    @property
    def uncertainty(self) -> LazyArray | None:
        """The uncertainty so far, as in :attr:`Result.uncertainty`; ``None`` for none."""

    def done(self) -> Mapping[int, UnitReport]:
        """Return the reports of the units that are complete, by their numbers."""

    def holds(self, unit: Unit, /) -> bool:
        """Return whether a unit was stored. It must be fast: the viewer asks for every unit."""

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Return a part of a unit; ``None`` if the unit is not complete. Threads may call it."""

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        """Store a restored unit."""

    def collect(self, unit: Unit, /) -> None:
        """Take note of a unit that another process has stored."""

    def assemble(self) -> None:
        """Make :attr:`image` readable after the last unit; it may be incomplete before."""

    def finish(self, result: Result, /) -> None:
        """Complete the output at the end of a run, also of one that the user stopped."""

    def close(self) -> None:
        """Release files and locks; nothing is stored after that."""


class InMemory:
    """A sink in memory; planes that were not restored are empty: NaN, or 0 for integers.

    Parameters
    ----------
    problem
        What is restored.
    earlier
        The sink of a stopped run of an equal problem. Its complete units are copied, and those
        that were stopped early are empty again.

    Attributes
    ----------
    tiling
        How the image is divided, for a run that resumes this one.
    """

    def __init__(self, problem: Problem, earlier: InMemory | None = None) -> None:
        self._problem = problem
        self._image: NDArray[Any] | None = None
        self._reports: dict[int, UnitReport] = {}
        self.uncertainty: NDArray[np.float32] | None = None
        if problem.settings.gives_uncertainty:
            self.uncertainty = np.full(problem.shape, np.nan, np.float32)
        plan = problem.plan
        self.tiling: Tiling = plan.window, plan.tile, plan.at_once
        if earlier is not None:
            self._copy(earlier)

    @property
    def image(self) -> NDArray[Any]:
        """The result so far; planes that are not restored are empty."""
        return self._allocated()

    def done(self) -> Mapping[int, UnitReport]:
        """Return the reports of the units that are complete."""
        reports = self._reports.items()
        return {number: report for number, report in reports if not report.stopped_by_user}

    def holds(self, unit: Unit, /) -> bool:
        """Return whether a unit was stored."""
        return unit.number in self._reports

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Return a part of a unit; ``None`` if the unit is not complete."""
        return self._allocated()[index] if self.holds(unit) else None

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        """Store a restored unit."""
        self._allocated()[unit.index] = done.image
        if self.uncertainty is not None and done.uncertainty is not None:
            self.uncertainty[unit.index] = done.uncertainty
        self._reports[unit.number] = done.report

    def collect(self, unit: Unit, /) -> None:
        """Do nothing: no other process stores a unit here."""

    def assemble(self) -> None:
        """Do nothing: the array is complete."""

    def finish(self, result: Result, /) -> None:
        """Do nothing: the array is complete."""

    def close(self) -> None:
        """Do nothing: there is no file."""

    def _copy(self, earlier: InMemory) -> None:
        self._reports = dict(earlier.done())
        self._image = earlier.image.copy()
        self.uncertainty = None if earlier.uncertainty is None else earlier.uncertainty.copy()
        for unit in self._problem.plan.units:
            if earlier.holds(unit) and not self.holds(unit):
                self._image[unit.index] = self._problem.empty(unit.index)
                if self.uncertainty is not None:
                    self.uncertainty[unit.index] = np.nan

    def _allocated(self) -> NDArray[Any]:
        if self._image is None:
            self._image = self._problem.empty(())
        return self._image
