"""Add up the progress of units that several workers restore."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_dip.image.coverage import place_in_words
from napari_dip.progress import Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.plan import Plan, Unit
    from napari_dip.image.unit_report import UnitReport

__all__ = ["TotalProgress"]


class TotalProgress:
    """Add up the work on all units, as a number that never decreases.

    A worker that dies loses the progress of its unit; the total then waits until the unit has
    caught up. A run in one process restores its units in order and counts them
    instead (:class:`~napari_dip.image.run_progress.ImageProgress`).

    Parameters
    ----------
    plan
        The plan of the image.
    done_before
        Number of units that a resumed run does not restore again.
    """

    def __init__(self, plan: Plan, done_before: int) -> None:
        self._units, self._layout = len(plan.units), plan.layout
        self._done_before = done_before
        self._done = done_before
        self._running: dict[int, Snapshot] = {}
        self._total = 0.0
        self._iterations = 1
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def update(self, unit: Unit, step: Snapshot) -> Snapshot:
        """Record the progress of a unit."""
        self._running[unit.number] = step
        return self._snapshot(unit, step)

    def end(self, unit: Unit, report: UnitReport, image: NDArray[Any] | None = None) -> Snapshot:
        """Record that a unit is done."""
        last = self._running.pop(unit.number, Snapshot(iteration=1, iterations=1))
        self._done += 1
        return self._snapshot(unit, replace(last, loss=report.loss, image=image))

    def _snapshot(self, unit: Unit, step: Snapshot) -> Snapshot:
        running = sum(each.iteration / each.iterations for each in self._running.values())
        self._total = max(self._total, self._done + running)
        self._iterations = max(self._iterations, step.iterations)
        number = max(0, math.ceil(self._total) - 1)
        iteration = round((self._total - number) * self._iterations)
        elapsed = self.elapsed_s
        left = self._units - self._total
        least = 1 / self._iterations  # before the first iteration
        return replace(
            step,
            unit=number,
            units=self._units,
            index=unit.index,
            iteration=max(1, iteration),
            iterations=self._iterations,
            elapsed_s=elapsed,
            remaining_s=elapsed / max(least, self._total - self._done_before) * left,
            part=place_in_words(self._layout, unit.index),
        )
