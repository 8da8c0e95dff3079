"""How far a restoration is, and how long it takes yet."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_dip.image.coverage import place_in_words
from napari_dip.image.result import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_dip.image.plan import Plan, Unit
    from napari_dip.image.unit import UnitStep

__all__ = ["Clock", "Progress"]


@dataclass
class Clock:
    """Seconds since the start, without those of pauses; ``stopping`` once the user has said so."""

    began: float = field(default_factory=time.monotonic)
    stopping: bool = False
    _asking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def patient(self, stop_requested: Callable[[], bool]) -> Callable[[], bool]:
        """Leave out the time that the answer takes, once for all who wait; yes holds for all."""

        def asked() -> bool:
            with self._asking:
                before = time.monotonic()
                self.stopping = self.stopping or stop_requested()
                self.began += time.monotonic() - before
                return self.stopping

        return asked


class Progress:
    """Where the whole stands.

    Parameters
    ----------
    plan
        Of the whole.
    todo
        Units that are not done, in their order; they go by their places among these.
    clock
        That has begun.

    Attributes
    ----------
    ended
        Places of the units that are done.
    """

    def __init__(self, plan: Plan, todo: Sequence[Unit], clock: Clock) -> None:
        self._units, self._todo, self._clock = len(plan.units), todo, clock
        self._layout = plan.layout
        self._under_way: dict[int, int] = {}
        self._iterations = 0
        self.ended: set[int] = set()

    def noted(self, step: tuple[int, UnitStep]) -> tuple[int, UnitStep]:
        """Note how far a unit is, and give that back."""
        place, where = step
        self._under_way[place] = where.iteration
        return step

    def end(self, place: int, iterations: int) -> None:
        """Note that a unit is done."""
        self._under_way.pop(place, None)
        self._iterations += iterations
        self.ended.add(place)

    def snapshot(self, place: int, step: UnitStep) -> Snapshot:
        """Tell of a unit where the whole stands."""
        under_way = sum(self._under_way.values())
        left = (len(self._todo) - len(self.ended)) * step.iterations - under_way
        elapsed = self._clock.elapsed_s
        return Snapshot(
            unit=self._units - len(self._todo) + place,
            units=self._units,
            index=self._todo[place].index,
            iteration=step.iteration,
            iterations=step.iterations,
            loss=step.loss,
            metric=step.metric,
            elapsed_s=elapsed,
            remaining_s=elapsed / max(1, self._iterations + under_way) * left,
            image=step.image,
            best_iteration=step.best_iteration,
            part=place_in_words(self._layout, self._todo[place].index),
        )
