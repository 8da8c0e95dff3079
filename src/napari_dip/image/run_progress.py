"""Progress of a whole restoration, and its remaining time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_dip.image.coverage import place_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_dip.image.plan import Plan, Unit
    from napari_dip.progress import Snapshot

__all__ = ["Clock", "ImageProgress"]

STOP_WITHIN_S = 1.0  # seconds that a filter has to finish after a stop was requested


@dataclass
class Clock:
    """Seconds since the start without pauses, and when a stop was requested."""

    began: float = field(default_factory=time.monotonic)
    stopped_at: float | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self.stopped_at is not None

    def overdue(self) -> bool:
        """Whether a stop was requested so long ago that a filter must be interrupted."""
        return self.stopped_at is not None and time.monotonic() - self.stopped_at > STOP_WITHIN_S

    def patient(self, stop_requested: Callable[[], bool]) -> Callable[[], bool]:
        """Wrap a function that may block to pause the run; its time is not counted."""

        def stop_or_wait() -> bool:
            with self._asking:
                before = time.monotonic()
                if self.stopped_at is None and stop_requested():
                    self.stopped_at = time.monotonic()
                self.began += time.monotonic() - before
                return self.stopping

        return stop_or_wait


class ImageProgress:
    """Progress over all units.

    Parameters
    ----------
    plan
        The plan of the image.
    todo
        Units that are not done yet, in their order; a place is an index into them.
    clock
        A running clock.

    Attributes
    ----------
    ended
        Places of the units that are done.
    """

    def __init__(self, plan: Plan, todo: Sequence[Unit], clock: Clock) -> None:
        self._units, self._todo, self._clock = len(plan.units), todo, clock
        self._layout = plan.layout
        self._running: dict[int, int] = {}
        self._iterations = 0
        self.ended: set[int] = set()

    def noted(self, step: tuple[int, Snapshot]) -> tuple[int, Snapshot]:
        """Record the progress of a unit, and return it."""
        place, snapshot = step
        self._running[place] = snapshot.iteration
        return step

    def end(self, place: int, iterations: int) -> None:
        """Record that a unit is done."""
        self._running.pop(place, None)
        self._iterations += iterations
        self.ended.add(place)

    def completed(self, place: int, snapshot: Snapshot) -> Snapshot:
        """Add what is known of the whole image to the snapshot of a unit."""
        running = sum(self._running.values())
        left = (len(self._todo) - len(self.ended)) * snapshot.iterations - running
        elapsed = self._clock.elapsed_s
        index = self._todo[place].index
        return replace(
            snapshot,
            unit=self._units - len(self._todo) + place,
            units=self._units,
            index=index,
            elapsed_s=elapsed,
            remaining_s=elapsed / max(1, self._iterations + running) * left,
            part=place_in_words(self._layout, index),
        )

    def update(self, place: int, snapshot: Snapshot) -> Snapshot:
        """Record the progress of a unit, and complete its snapshot."""
        return self.completed(*self.noted((place, snapshot)))
