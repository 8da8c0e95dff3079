"""Compare a restoration with the image of a file, part by part, without storing it."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import Result
    from napari_dip.image.unit import RestoredUnit
    from napari_dip.image.unit_report import UnitReport

__all__ = ["Comparison"]


class Comparison:
    """A sink that compares each unit with a stored image.

    Parameters
    ----------
    problem
        What is restored.
    stored
        The image to compare with, with the axes of the result.
    uncertainty
        Whether the stored image is the uncertainty of the result.

    Attributes
    ----------
    different, pixels
        How many values differ, and how many there are.
    largest
        The largest difference, in units of the image; NaN if a value is known in one of both only.
    """

    def __init__(self, problem: Problem, stored: LazyArray, *, uncertainty: bool = False) -> None:
        self.image, self.uncertainty = stored, None
        self._problem, self._of_uncertainty = problem, uncertainty
        self._reports: dict[int, UnitReport] = {}
        self._lock = threading.Lock()
        self.different, self.pixels, self.largest = 0, math.prod(stored.shape), 0.0
        self._squares = 0.0

    @property
    def rms(self) -> float:
        """The root mean square of the differences of all values."""
        return math.sqrt(self._squares / self.pixels)

    def done(self) -> Mapping[int, UnitReport]:
        """Return the reports of the units that were compared."""
        return self._reports

    def holds(self, unit: Unit, /) -> bool:
        """Return whether a unit was compared."""
        return unit.number in self._reports

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Return a part of the stored image, if its unit was compared."""
        return np.asarray(self.image[index]) if self.holds(unit) else None

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        """Compare a unit."""
        values = done.image
        if self._of_uncertainty:
            unknown = np.full(done.image.shape, np.nan, np.float32)
            values = unknown if done.uncertainty is None else done.uncertainty
        with self._lock:
            self._compare(values, np.asarray(self.image[unit.index]))
            self._reports[unit.number] = done.report

    def collect(self, unit: Unit, /) -> None:
        """Do nothing: no other process compares."""

    def assemble(self) -> None:
        """Do nothing: nothing is stored."""

    def finish(self, result: Result, /) -> None:
        """Do nothing: nothing is stored."""

    def close(self) -> None:
        """Do nothing: nothing is stored."""

    def _compare(self, values: NDArray[Any], stored: NDArray[Any]) -> None:
        differs = values != stored
        if values.dtype.kind == "f":
            differs &= ~(np.isnan(values) & np.isnan(stored))
        if not differs.any():
            return
        gap = values[differs].astype(np.float64) - stored[differs].astype(np.float64)
        self.different += int(differs.sum())
        self.largest = float(np.maximum(self.largest, np.abs(gap).max()))  # NaN stays NaN
        self._squares += float(np.square(gap).sum())
