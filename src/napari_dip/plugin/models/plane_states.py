"""The state of each plane of a stack during a run and at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from napari_dip.image.coverage import place_in_words
from napari_dip.plugin.models.canvas import planes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.image.axes import Layout
    from napari_dip.image.coverage import Coverage
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.sink import Sink

__all__ = ["IN_WORDS", "PlaneState", "PlaneStates", "plane_states", "waiting_planes"]

PlaneState = Literal["failed", "running", "partial", "waiting", "untouched", "done"]

IN_WORDS: dict[PlaneState, str] = {
    "failed": "failed",
    "running": "running",
    "partial": "stopped early",
    "waiting": "waiting",
    "untouched": "unchanged, as no pixel is known",
    "done": "done",
}
"""The states in words; of a cell for many planes, the first that occurs is shown."""

OF_COVERAGE: dict[str, PlaneState] = {
    "restored": "done",
    "partial": "partial",
    "empty": "waiting",
    "unchanged": "untouched",
}


@dataclass(frozen=True)
class PlaneStates:
    """The state of each plane, in the order of the stack.

    Parameters
    ----------
    layout
        The layout of the image.
    states
        One for each plane.

    Examples
    --------
    >>> from napari_dip.image.axes import Layout
    >>> states = PlaneStates(Layout("ZYX", (4, 9, 9)), ("done", "done", "running", "waiting"))
    >>> states.cells(2)
    ['done', 'running']
    >>> states.describe(2, 4)
    'plane 3 of 4 to plane 4 of 4: 1 waiting, 1 running'
    >>> states.noun
    'plane'
    """

    layout: Layout
    states: tuple[PlaneState, ...] = field(repr=False)

    @property
    def left(self) -> int:
        """Number of planes that a run would still restore."""
        return sum(state in ("waiting", "partial", "failed") for state in self.states)

    @property
    def noun(self) -> str:
        """What one of them is: a plane, a frame, a channel or an image."""
        return self._place(0).rpartition(", ")[2].partition(" ")[0] or "plane"

    def bounds(self, count: int) -> list[tuple[int, int]]:
        """Return the first plane, and the one after the last, of each of some cells."""
        planes = len(self.states)
        count = max(1, min(count, planes))
        return [(cell * planes // count, (cell + 1) * planes // count) for cell in range(count)]

    def cells(self, count: int) -> list[PlaneState]:
        """Return the states of at most so many cells, of one or several planes."""
        order = list(IN_WORDS)
        return [min(self.states[first:end], key=order.index) for first, end in self.bounds(count)]

    def describe(self, first: int, end: int) -> str:
        """Say in words what became of some planes; ``end`` is the one after the last."""
        places = [self._place(number) for number in dict.fromkeys((first, end - 1))]
        part = replace(self, states=self.states[first:end])
        if end - first == 1:
            return f"{places[0]}: {IN_WORDS[self.states[first]]}"
        return f"{' to '.join(places)}: {part.in_words()}"

    def in_words(self) -> str:
        """Count the planes of each state, such as ``2 done, 1 running, 4 waiting``."""
        counts = Counter(self.states)
        order = reversed(IN_WORDS)
        return ", ".join(f"{counts[one]} {IN_WORDS[one]}" for one in order if counts[one])

    def failed(self) -> PlaneStates:
        """Return the states after a failure: what was running has failed."""
        states = ("failed" if one == "running" else one for one in self.states)
        return replace(self, states=tuple(states))

    def at_end(self, coverage: Coverage) -> PlaneStates:
        """Return the states at the end of a run."""
        found = {
            numbers: OF_COVERAGE[part.state] for part in coverage.parts for numbers in part.planes
        }
        return replace(self, states=tuple(found[numbers] for numbers in sorted(found)))

    def _place(self, number: int) -> str:
        chosen = {}
        for axis in reversed(self.layout.leading):
            number, chosen[axis] = divmod(number, self.layout.shape[axis])
        return place_in_words(self.layout, self.layout.index(chosen))


def waiting_planes(layout: Layout) -> PlaneStates:
    """Return the states of the planes before a run."""
    states: list[PlaneState] = ["waiting"] * layout.units
    return PlaneStates(layout, tuple(states))


def plane_states(problem: Problem, output: Sink) -> PlaneStates:
    """Return the states of the planes of a run in progress.

    Units begin in their order, so those in progress are the first that are not stored.
    """
    units = problem.plan.units
    left = [unit for unit in units if not output.holds(unit)]
    running = {unit.number for unit in left[: problem.plan.units_at_once]}
    waiting = {unit.number for unit in left} - running
    return PlaneStates(problem.layout, _by_plane(problem.layout, units, running, waiting))


def _by_plane(
    layout: Layout, units: Sequence[Unit], running: set[int], waiting: set[int]
) -> tuple[PlaneState, ...]:
    """Return the state of each plane from the numbers of the units."""

    def state(unit: Unit) -> PlaneState:
        if unit.number in running:
            return "running"
        return "waiting" if unit.number in waiting else "done"

    found = {numbers: state(unit) for unit in units for numbers in planes_of(layout, unit)}
    return tuple(found[numbers] for numbers in sorted(found))
