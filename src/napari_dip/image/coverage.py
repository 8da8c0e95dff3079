"""List which planes of a result are restored, partly restored, empty or unchanged."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index, Layout

__all__ = ["Coverage", "Part", "State", "empty_part", "place_in_words"]

State = Literal["restored", "partial", "empty", "unchanged"]
Numbers = tuple[int, ...]
Box = tuple[tuple[int, int], ...]
"""First and last number along each leading axis."""

_NOUNS = {"T": "frame", "C": "channel", "Z": "plane", "Y": "row", "Q": "image"}

MAX_LISTED_SPANS = 6
"""Spans of planes that a sentence lists, for readability; more are only counted."""


@dataclass(frozen=True)
class Part:
    """The state of a part of the result: a plane, several planes or a volume.

    ``numbers`` are the planes along the leading axes. A part that was stopped early has
    ``iterations`` of ``max_iterations``, in ``tiles`` of ``of_tiles``; the other tiles are empty.
    """

    numbers: tuple[range, ...]
    state: State
    iterations: int = 0
    max_iterations: int = 0
    tiles: int = 1
    of_tiles: int = 1

    @property
    def planes(self) -> itertools.product[Numbers]:
        """The numbers of each plane along the leading axes."""
        return itertools.product(*self.numbers)


@dataclass(frozen=True)
class Coverage:
    """The state of each plane (or volume) of a result.

    Numbers of planes count from 0, as array indices do; sentences count from 1.

    Parameters
    ----------
    letters, sizes
        Letters and sizes of the leading axes.
    parts
        All parts of the image.
    verb
        Past participle of the task, such as ``"denoised"``.

    Examples
    --------
    >>> parts = Part((range(4),), "restored"), Part((range(4, 5),), "partial", 4, 15)
    >>> coverage = Coverage("Z", (7,), (*parts, Part((range(5, 7),), "empty")), "denoised")
    >>> coverage.empty
    ({'Z': 5}, {'Z': 6})
    >>> coverage.in_words()
    'planes 1–4 of 7 denoised; plane 5 stopped after 4 of 15 iterations; planes 6–7 are empty'
    """

    letters: str
    sizes: tuple[int, ...]
    parts: tuple[Part, ...]
    verb: str = "restored"

    @property
    def restored(self) -> tuple[dict[str, int], ...]:
        """The restored planes, each as numbers by axis letter."""
        return self._places("restored")

    @property
    def partial(self) -> tuple[dict[str, int], ...]:
        """The planes that were stopped early; they hold the best estimate so far."""
        return self._places("partial")

    @property
    def empty(self) -> tuple[dict[str, int], ...]:
        """The planes that were not started: NaN, or 0 for integer types."""
        return self._places("empty")

    @property
    def unchanged(self) -> tuple[dict[str, int], ...]:
        """The planes without any known pixel: copies of the input."""
        return self._places("unchanged")

    @property
    def complete(self) -> bool:
        """Whether all planes are restored."""
        return all(part.state == "restored" for part in self.parts)

    def indices(self, state: State, axes: str) -> Iterator[Index]:
        """Yield the index of each plane in a state, for an array with these axes."""
        leading = [axis for axis, letter in enumerate(axes) if letter in self.letters]
        for numbers in self._numbers(state):
            chosen = dict(zip(leading, numbers, strict=True))
            yield tuple(chosen.get(axis, slice(None)) for axis in range(len(axes)))

    def record(self) -> dict[str, Any]:
        """Give all of it as values that JSON can hold."""
        partial = [
            {
                **self._place(numbers),
                "iterations": part.iterations,
                "most_iterations": part.max_iterations,
            }
            for part in self.parts
            if part.state == "partial"
            for numbers in part.planes
        ]
        return {
            "numbered_from": 0,
            "restored": list(self.restored),
            "partial": partial,
            "empty": list(self.empty),
            "unchanged": list(self.unchanged),
            "in_words": self.in_words(),
        }

    def in_words(self) -> str:
        """Describe in a sentence which planes are restored; planes count from 1."""
        if math.prod(self.sizes) == 1:
            return self._single()
        restored = self._numbers("restored")
        clauses = [
            f"{self._spans(restored, total=True)} {self.verb}"
            if restored
            else f"none of {self._counted(math.prod(self.sizes))} {self.verb}"
        ]
        stopped = [part for part in self.parts if part.state == "partial"]
        if len(stopped) > 3:
            clauses.append(f"{self._spans(self._numbers('partial'))} stopped early")
        else:
            clauses += [f"{self._spans([*part.planes])} {_stopped(part)}" for part in stopped]
        if empty := self._numbers("empty"):
            clauses.append(f"{self._spans(empty)} {'is' if len(empty) == 1 else 'are'} empty")
        if left := self._numbers("unchanged"):
            says = "has no known pixel and is" if len(left) == 1 else "have no known pixel and are"
            clauses.append(f"{self._spans(left)} {says} unchanged")
        return "; ".join(clauses)

    def _single(self) -> str:
        (part,) = self.parts
        match part.state:
            case "partial":
                return _stopped(part)
            case "empty":
                return f"nothing {self.verb}; the result is empty"
            case "unchanged":
                return "no pixel is known; the image is unchanged"
        return self.verb

    def _places(self, state: State) -> tuple[dict[str, int], ...]:
        return tuple(map(self._place, self._numbers(state)))

    def _place(self, numbers: Numbers) -> dict[str, int]:
        # Repeated letters (Q) are numbered by their position.
        names = [
            letter if self.letters.count(letter) == 1 else f"{letter}{number}"
            for number, letter in enumerate(self.letters)
        ]
        return dict(zip(names, numbers, strict=True))

    def _numbers(self, state: State) -> list[Numbers]:
        return sorted(
            numbers for part in self.parts if part.state == state for numbers in part.planes
        )

    def _spans(self, planes: Sequence[Numbers], *, total: bool = False) -> str:
        """Describe planes, as ``frame 1, planes 2–5``."""
        boxes = _boxes(sorted(planes))
        wide = [axis for axis, size in enumerate(self.sizes) if size > 1]
        if len(boxes) > MAX_LISTED_SPANS:
            return f"{len(planes)} of {self._counted(math.prod(self.sizes))}"
        if len(wide) == 1:
            (axis,) = wide
            spans = [_span(*box[axis]) for box in boxes]
            noun = _NOUNS.get(self.letters[axis], "plane") + "s" * (len(planes) > 1)
            return f"{noun} {_listed(spans)}{f' of {self.sizes[axis]}' if total else ''}"
        named = [
            ", ".join(
                f"{_NOUNS.get(self.letters[axis], 'plane')}{'s' * (low < high)} {_span(low, high)}"
                for axis, (low, high) in enumerate(box)
                if axis in wide
            )
            for box in boxes
        ]
        of = f" ({len(planes)} of {math.prod(self.sizes)})" if total else ""
        return _listed(named) + of

    def _counted(self, number: int) -> str:
        wide = [letter for letter, size in zip(self.letters, self.sizes, strict=True) if size > 1]
        return f"{number} {_NOUNS.get(wide[-1], 'plane')}s"


def place_in_words(layout: Layout, index: Index) -> str:
    """Describe the place of a part, as ``plane 5 of 7``; empty for the whole image.

    Examples
    --------
    >>> from napari_dip.image.axes import Layout
    >>> place_in_words(Layout("TZYX", (3, 7, 9, 9)), (1, slice(3, 6)))
    'frame 2 of 3, planes 4–6 of 7'
    """
    named = []
    for axis in layout.leading:
        size = layout.shape[axis]
        chosen = range(size)[index[axis]] if axis < len(index) else range(size)
        numbers = range(chosen, chosen + 1) if isinstance(chosen, int) else chosen
        if size > 1:
            noun = _NOUNS.get(layout.axes[axis], "plane") + "s" * (len(numbers) > 1)
            named.append(f"{noun} {_span(numbers[0], numbers[-1])} of {size}")
    return ", ".join(named)


def empty_part(shape: Iterable[int], dtype: np.dtype[Any], samples: int | None) -> NDArray[Any]:
    """Return an array for pixels that are not restored: NaN, or 0 for integer types.

    Parameters
    ----------
    shape, dtype
        Shape and type of the array.
    samples
        Position of the axis S, ``None`` without it. Alpha, the fourth sample, is 0.
    """
    part = np.full(tuple(shape), np.nan if dtype.kind == "f" else 0, dtype)
    if samples is not None:
        np.moveaxis(part, samples, 0)[3:] = 0
    return part


def _stopped(part: Part) -> str:
    text = f"stopped after {part.iterations} of {part.max_iterations} iterations"
    if part.tiles < part.of_tiles:
        left = part.of_tiles - part.tiles
        others = "the other tile is" if left == 1 else f"the other {left} tiles are"
        text += f", in tile {part.tiles} of {part.of_tiles} ({others} empty)"
    return text


def _boxes(planes: Sequence[Numbers]) -> list[Box]:
    """Merge consecutive numbers to boxes."""
    if not planes or not planes[0]:
        return [()] if planes else []
    inner = {
        first: tuple(_boxes([numbers[1:] for numbers in group]))
        for first, group in itertools.groupby(planes, lambda numbers: numbers[0])
    }
    runs: list[tuple[int, int, tuple[Box, ...]]] = []
    for number, boxes in inner.items():
        if runs and runs[-1][1] == number - 1 and runs[-1][2] == boxes:
            runs[-1] = runs[-1][0], number, boxes
        else:
            runs.append((number, number, boxes))
    return [((low, high), *box) for low, high, boxes in runs for box in boxes]


def _span(low: int, high: int) -> str:
    return f"{low + 1}" if low == high else f"{low + 1}–{high + 1}"


def _listed(spans: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(spans[:-1]), spans[-1]]))
