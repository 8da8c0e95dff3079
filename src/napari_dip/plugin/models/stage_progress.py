"""Track the stage of a run, how far it is, and the time that is left."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.progress import Snapshot

__all__ = ["Progress", "RemainingTime", "StageProgress"]

STAGES = {
    "": "Starting",
    "reading": "Reading",
    "noise": "Measuring the noise",
    "filter": "Filtering",
    "fit": "Fitting",
    "several": "Restoring",  # several units at once, each in a stage of its own
    "saving": "Saving",
}

# Where a stage ends within a unit, as a fraction of it; it begins where the last one has ended, so
# a stage that a run skips takes no place. As in `fast` at 512².
STAGE_ENDS = {
    "": 0.0,
    "reading": 0.02,
    "noise": 0.1,
    "filter": 0.6,
    "fit": 0.92,
    "several": 0.98,
    "saving": 1.0,
}

# Stages that are done when the next one begins. A fit may go on after a filter.
MEASURED_BY_END = {"reading", "noise", "filter"}

FIRST_ITERATIONS = 10  # iterations: the first are slower, as memory is allocated and code loaded

SMOOTHING = 0.15  # weight of a new estimate: a single slow iteration changes the time by a seventh

RISE = 1.2  # times: a smaller rise of the time that is left is not told, because it comes and goes


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    stage
        The stage, a key of ``STAGES``.
    part
        The unit in progress, such as ``"plane 5 of 7"``; empty if there is one only.
    fraction
        The fraction of the whole run that is done, from 0 to 1; it never decreases.
    elapsed_s, remaining_s
        Seconds since the start, and until the end; ``None`` while that is not known.
    """

    stage: str = ""
    part: str = ""
    fraction: float = 0.0
    elapsed_s: float = 0.0
    remaining_s: float | None = None

    def in_words(self) -> str:
        """Name the stage and the unit.

        Examples
        --------
        >>> Progress("filter", "plane 5 of 7").in_words()
        'Filtering · plane 5 of 7'
        """
        return " · ".join(text for text in (STAGES.get(self.stage, self.stage), self.part) if text)


class RemainingTime:
    """Estimate the time that is left from the measured iterations and units.

    The estimate counts down, and follows new measurements slowly.
    """

    def __init__(self) -> None:
        self._first: Snapshot | None = None
        self._unit_first: Snapshot | None = None
        self._unit_began_s = self._latest_s = 0.0
        self._ends_s: float | None = None
        self._told_s: float | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Add the latest snapshot; those of previews before the fit have iteration 0."""
        if self._first is None:
            self._first = snapshot
        if self._unit_first is None or snapshot.unit != self._unit_first.unit:
            self._unit_began_s, self._unit_first = self._latest_s, snapshot
        elif self._unit_first.iteration == 0 and snapshot.iteration:
            self._unit_first = snapshot
        self._latest_s = snapshot.elapsed_s
        ends_s = self._measured(snapshot)
        if ends_s is None:
            return
        if self._ends_s is None:
            self._ends_s = ends_s
        self._ends_s += SMOOTHING * (ends_s - self._ends_s)

    def after(self, elapsed_s: float) -> float | None:
        """Return the seconds that are left after so many; ``None`` while that is not known."""
        if self._ends_s is None:
            return None
        left = max(0.0, self._ends_s - elapsed_s)
        if self._told_s is None or not self._told_s < left < RISE * self._told_s:
            self._told_s = left
        return self._told_s

    def _measured(self, now: Snapshot) -> float | None:
        """Return when the run ends, in seconds from its start, if it goes on as measured."""
        first, unit_first = self._first, self._unit_first
        assert first is not None and unit_first is not None
        done = now.iteration - unit_first.iteration
        if now.unit == first.unit:
            if done < FIRST_ITERATIONS:
                return None
            fit_s = (now.elapsed_s - unit_first.elapsed_s) / done * (now.iterations - now.iteration)
            unit_s = now.elapsed_s - self._unit_began_s + fit_s
            return now.elapsed_s + fit_s + (now.units - now.unit - 1) * unit_s
        # Whole units have been measured, with their filters and early stops.
        unit_s = self._unit_began_s / (now.unit - first.unit)
        return self._unit_began_s + max(
            unit_s * (now.units - now.unit), now.elapsed_s - self._unit_began_s
        )


class StageProgress:
    """The progress of a run, which its thread reports and another thread reads.

    Parameters
    ----------
    clock
        Returns a time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self._lock = threading.Lock()
        self._remaining = RemainingTime()
        self._stage, self._part = "", ""
        self._unit, self._units, self._several = 0, 1, False
        self._begins: dict[str, float] = {}  # where each stage began within the unit
        self._within, self._fraction = 0.0, 0.0
        self._offset_s: float | None = None

    def begin(self, part: str, units: int, at_once: int) -> None:
        """Set the first unit, the number of all units, and how many are restored at once."""
        with self._lock:
            self._part, self._units, self._several = part, units, at_once > 1

    def report(self, stage: str, done: float = math.nan) -> None:
        """Set the stage, and which fraction of it is done; NaN if that is not known."""
        with self._lock:
            self._report(stage, done)

    def add(self, snapshot: Snapshot) -> None:
        """Take the unit and the iteration of a snapshot."""
        with self._lock:
            if snapshot.unit != self._unit:
                self._stage, self._begins, self._within = "", {}, 0.0
            self._unit, self._units = snapshot.unit, snapshot.units
            if snapshot.iteration:
                self._report("fit", snapshot.iteration / max(1, snapshot.iterations))
            else:  # a preview of the filter before the fit
                self._report("filter", math.nan)
            self._part = snapshot.part
            if self._offset_s is None:
                self._offset_s = self._clock() - self._began - snapshot.elapsed_s
            self._remaining.add(snapshot)

    def now(self) -> Progress:
        """Return the current progress."""
        with self._lock:
            elapsed_s = self._clock() - self._began
            remaining_s = None
            if self._offset_s is not None and self._stage in ("fit", "several"):
                remaining_s = self._remaining.after(elapsed_s - self._offset_s)
            return Progress(self._stage, self._part, self._fraction, elapsed_s, remaining_s)

    def _report(self, stage: str, done: float) -> None:
        if self._several and stage in ("filter", "fit"):
            stage, done = "several", done if stage == "fit" else math.nan
        if stage != self._stage:
            if self._stage in MEASURED_BY_END:
                self._within = max(self._within, STAGE_ENDS[self._stage])
            self._stage = stage
            self._begins.setdefault(stage, self._within)
        begin, end = self._begins.get(stage, self._within), STAGE_ENDS.get(stage, 0.0)
        if not math.isnan(done) and end > begin:
            within = begin + min(1.0, max(0.0, done)) * (end - begin)
            self._within = max(self._within, within)
        self._fraction = max(self._fraction, (self._unit + self._within) / self._units)
