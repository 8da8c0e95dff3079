"""The plan: which planes are restored together, in which order, told before it runs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from napari_dip.image.axes import Index, Layout

__all__ = ["Plan", "Unit", "make_plan", "shared_axis"]

_NAMES = {"T": "time point", "C": "channel", "Z": "plane", "Y": "section", "Q": "image"}


@dataclass(frozen=True)
class Unit:
    """What is fitted by one network: a plane, a volume, or a window of planes.

    Parameters
    ----------
    number
        From 0; with the root seed it settles all random numbers of the unit.
    index
        What is restored.
    input_index
        What is looked at: the same, or some planes more on either side.
    output_planes
        Where the planes of ``index`` are among those of ``input_index``.
    """

    number: int
    index: Index
    input_index: Index
    output_planes: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True)
class Plan:
    """How an image is cut into units; made once, and the same wherever they are restored.

    Parameters
    ----------
    layout
        Of the image.
    window
        Planes that are restored together, at most; 1 for planes one by one.
    context
        Planes on either side that are looked at as well.
    breaks
        Numbers along the leading axes of the planes that are not like the one before them: no
        window goes across.
    tile
        Side in pixels of the tiles that a unit is restored in; ``None`` restores it as a whole.
    at_once
        Units, or if there is but one the fits of that, that are computed at the same time.
    """

    layout: Layout
    window: int = 1
    context: int = 0
    breaks: frozenset[tuple[int, ...]] = frozenset()
    tile: int | None = None
    at_once: int = 1

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units, in their order."""
        if self.window == 1:
            return tuple(Unit(n, index, index) for n, index in enumerate(self.layout.indices()))
        return tuple(Unit(number, *window) for number, window in enumerate(self._windows()))

    @property
    def units_at_once(self) -> int:
        """How many units are restored at the same time."""
        return self.at_once if len(self.units) > 1 else 1

    @property
    def fits_at_once(self) -> int:
        """How many fits of one unit are computed at the same time."""
        return 1 if len(self.units) > 1 else self.at_once

    @property
    def channels(self) -> int:
        """How many channels the largest unit has."""
        layout = self.layout
        if self.window > 1:
            size = layout.shape[layout.axes.index(layout.shared)]
            return min(size, self.window + 2 * self.context)
        return 3 if "S" in layout.axes else 1

    def _windows(self) -> Iterator[tuple[Index, Index, slice]]:
        layout = self.layout
        axis = layout.axes.index(layout.shared)
        place = layout.leading.index(axis)
        counts = [layout.shape[each] for each in layout.leading]
        for numbers in np.ndindex(*counts[:place], 1, *counts[place + 1 :]):
            others = dict(zip(layout.leading, numbers, strict=True))

            def is_break(number: int, numbers: tuple[int, ...] = numbers) -> bool:
                return (*numbers[:place], number, *numbers[place + 1 :]) in self.breaks

            cuts = [0, *filter(is_break, range(1, counts[place])), counts[place]]
            for start, stop in itertools.pairwise(cuts):
                for low, high in _evenly(start, stop, self.window):
                    first, last = max(start, low - self.context), min(stop, high + self.context)
                    yield (
                        layout.index(others | {axis: slice(low, high)}),
                        layout.index(others | {axis: slice(first, last)}),
                        slice(low - first, high - first),
                    )

    def __str__(self) -> str:
        layout = self.layout
        counts = [
            _counted(layout.shape[axis], _NAMES.get(layout.axes[axis], "plane"))
            for axis in layout.leading
        ]
        whole = {"ZYX": "volume", "ZX": "section along Z and X"}.get(layout.spatial, "plane")
        image = "each " + whole if counts else "one " + whole
        said = [" × ".join(counts)] if counts else []
        said.append(f"{image} in {layout.ndim}-D")
        if self.window > 1:
            together = f"{self._together()} sharing one network"
            cuts = f" ({_counted(len(self.breaks), 'break')} between them)" if self.breaks else ""
            said.append(together + cuts)
        if self.tile:
            said.append(f"in tiles of {self.tile} × {self.tile} pixels")
        units = len(self.units)
        told = [_counted(units, "part")] if counts else []
        if self.at_once > 1:
            told.append(f"{self.at_once} at once" if units > 1 else f"{self.at_once} fits at once")
        return ", ".join(said) + ("; " if told else "") + ", ".join(told)

    def _together(self) -> str:
        layout = self.layout
        size = layout.shape[layout.axes.index(layout.shared)]
        if layout.shared != "C":
            return f"up to {self.window} neighbours along {layout.shared}"
        whole = size <= self.window and not self.breaks
        return f"{size} channels" if whole else f"up to {min(size, self.window)} channels"


def shared_axis(axes: str, shape: tuple[int, ...], asked: str, spatial: str = "YX") -> str:
    """Choose the axis along which planes may share a network, "" for none.

    Parameters
    ----------
    axes, shape
        Of the image.
    asked
        ``"auto"`` for Z or else T, and for Y of sections; the letter of an axis, or ``"none"``.
    spatial
        Letters of the axes that a network sees at once.
    """
    automatic = "ZT" if "Y" in spatial else "Y"
    candidates = {"auto": automatic, "none": ""}.get(asked, asked)
    many = (letter for letter in candidates if letter in axes and shape[axes.index(letter)] > 1)
    # The samples of a colour share a network already.
    return "" if "S" in axes else next(many, "")


def _evenly(start: int, stop: int, largest: int) -> Iterator[tuple[int, int]]:
    """Cut a range into parts of nearly the same size."""
    parts = -(-(stop - start) // largest)
    ends = [start + (stop - start) * part // parts for part in range(parts + 1)]
    yield from itertools.pairwise(ends)


def make_plan(
    layout: Layout, window: int, context: int, breaks: Collection[tuple[int, ...]]
) -> Plan:
    """Settle the plan for an image; where no two neighbours are alike, its planes are alone."""
    if not layout.shared or window == 1:
        return Plan(layout)
    # Channels have no neighbours to look at: those that share are restored, all of them.
    seen_more = 0 if layout.shared == "C" else context
    plan = Plan(layout, window, seen_more, frozenset(breaks))
    alone = all(_planes(unit, layout) == 1 for unit in plan.units)
    return Plan(layout) if alone else plan


def _planes(unit: Unit, layout: Layout) -> int:
    part = unit.index[layout.axes.index(layout.shared)]
    return part.stop - part.start if isinstance(part, slice) else 1


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
