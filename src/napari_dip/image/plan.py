"""Divide an image into units: planes, volumes or windows of planes, in a fixed order."""

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

_PLANE_NOUNS = {"T": "frame", "C": "channel", "Z": "plane", "Y": "section", "Q": "image"}


@dataclass(frozen=True)
class Unit:
    """A part of the image that one network fits: a plane, a volume, or a window of planes.

    Parameters
    ----------
    number
        From 0; it and the root seed determine all random numbers of the unit.
    index
        The part that is restored.
    input_index
        The part that is fitted: ``index``, perhaps with further planes on either side.
    output_planes
        Position of the planes of ``index`` among those of ``input_index``.
    """

    number: int
    index: Index
    input_index: Index
    output_planes: slice = field(default_factory=lambda: slice(None))


@dataclass(frozen=True)
class Plan:
    """The division of an image into units; made once, and the same on every machine.

    Parameters
    ----------
    layout
        Layout of the image.
    window
        Maximum number of planes that share a network; 1 for separate planes.
    context
        Number of planes on either side of a window that are fitted but not restored.
    breaks
        Numbers along the leading axes of planes that differ from the plane before them; no
        window includes both.
    tile
        Side of the tiles of a unit, in pixels; ``None`` without tiles.
    at_once
        Number of concurrent units, or of concurrent fits of a single unit.
    kernel
        The sides of the point spread function; empty if there is none, or if it is unknown.
    """

    layout: Layout
    window: int = 1
    context: int = 0
    breaks: frozenset[tuple[int, ...]] = frozenset()
    tile: int | None = None
    at_once: int = 1
    kernel: tuple[int, ...] = ()

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units, in the order of their numbers."""
        if self.window == 1:
            return tuple(Unit(n, index, index) for n, index in enumerate(self.layout.indices()))
        return tuple(Unit(number, *window) for number, window in enumerate(self._windows()))

    @property
    def units_at_once(self) -> int:
        """Number of concurrent units."""
        return self.at_once if len(self.units) > 1 else 1

    @property
    def fits_at_once(self) -> int:
        """Number of concurrent fits of one unit."""
        return 1 if len(self.units) > 1 else self.at_once

    @property
    def channels(self) -> int:
        """Number of channels of the block of the largest unit."""
        layout = self.layout
        if self.window > 1:
            size = layout.shape[layout.axes.index(layout.shared)]
            return min(size, self.window + 2 * self.context)
        return 3 if "S" in layout.axes else 1

    def _windows(self) -> Iterator[tuple[Index, Index, slice]]:
        """Yield index, input index and output planes of each window."""
        layout = self.layout
        axis = layout.axes.index(layout.shared)
        place = layout.leading.index(axis)
        counts = [layout.shape[each] for each in layout.leading]
        for numbers in np.ndindex(*counts[:place], 1, *counts[place + 1 :]):
            others = dict(zip(layout.leading, numbers, strict=True))

            def is_break(number: int, numbers: tuple[int, ...] = numbers) -> bool:
                return (*numbers[:place], number, *numbers[place + 1 :]) in self.breaks

            limits = [0, *filter(is_break, range(1, counts[place])), counts[place]]
            for start, stop in itertools.pairwise(limits):
                for low, high in _split_evenly(start, stop, self.window):
                    first, last = max(start, low - self.context), min(stop, high + self.context)
                    yield (
                        layout.index(others | {axis: slice(low, high)}),
                        layout.index(others | {axis: slice(first, last)}),
                        slice(low - first, high - first),
                    )

    def __str__(self) -> str:
        layout = self.layout
        counts = [
            _counted(layout.shape[axis], _PLANE_NOUNS.get(layout.axes[axis], "plane"))
            for axis in layout.leading
        ]
        whole = {"ZYX": "volume", "ZX": "section along Z and X"}.get(layout.spatial, "plane")
        image = "each " + whole if counts else "one " + whole
        division = [" × ".join(counts)] if counts else []
        division.append(f"{image} in {layout.ndim}-D")
        if self.window > 1:
            window = f"{self._window_text()} fitted together"
            breaks = f" ({_counted(len(self.breaks), 'break')} between them)" if self.breaks else ""
            division.append(window + breaks)
        if self.tile:
            division.append(f"in tiles of {self.tile} × {self.tile} pixels")
        units = len(self.units)
        execution = [_counted(units, "part")] if counts else []
        if self.at_once > 1:
            execution.append(
                f"{self.at_once} concurrent" if units > 1 else f"{self.at_once} concurrent fits"
            )
        return ", ".join(division) + ("; " if execution else "") + ", ".join(execution)

    def in_short(self) -> str:
        """Name the parts in a few words.

        Examples
        --------
        >>> from napari_dip.image.axes import Layout
        >>> Plan(Layout("YX", (8, 8))).in_short()
        '1 image'
        """
        layout = self.layout
        nouns = [_PLANE_NOUNS.get(layout.axes[axis], "plane") for axis in layout.leading]
        sizes = [layout.shape[axis] for axis in layout.leading]
        counts = [_counted(size, noun) for size, noun in zip(sizes, nouns, strict=True)]
        volume = layout.ndim == 3
        parts = [" × ".join(counts) or ("1 volume" if volume else "1 image")]
        if counts and volume:
            parts.append("each a volume")
        if self.window > 1:
            axis = layout.axes.index(layout.shared)
            size = layout.shape[axis]
            which = f"{nouns[layout.leading.index(axis)]}s " if len(counts) > 1 else ""
            at_a_time = f", up to {self.window} at a time" if size > self.window else ""
            parts.append(f"{which}fitted together{at_a_time}")
        if self.tile:
            parts.append(f"in tiles of {self.tile} pixels")
        return ", ".join(parts)

    def _window_text(self) -> str:
        layout = self.layout
        size = layout.shape[layout.axes.index(layout.shared)]
        if layout.shared != "C":
            noun = _PLANE_NOUNS.get(layout.shared, "plane")
            return f"up to {self.window} {noun}s along {layout.shared}"
        whole = size <= self.window and not self.breaks
        return f"{size} channels" if whole else f"up to {min(size, self.window)} channels"


def shared_axis(axes: str, shape: tuple[int, ...], share: str, *, sections: bool = False) -> str:
    """Choose the axis along which planes may share a network; empty for none.

    Parameters
    ----------
    axes, shape
        Axes and shape of the image.
    share
        ``"auto"`` for Z or else T, and for Y of sections; the letter of an axis, or ``"none"``.
    sections
        Whether sections of Z and X are fitted.

    Examples
    --------
    >>> shared_axis("TZYX", (5, 1, 64, 64), "auto"), shared_axis("YXS", (64, 64, 3), "auto")
    ('T', '')
    """
    automatic = "Y" if sections else "ZT"
    candidates = {"auto": automatic, "none": ""}.get(share, share)
    long = (letter for letter in candidates if letter in axes and shape[axes.index(letter)] > 1)
    # The samples of a colour share a network already.
    return "" if "S" in axes else next(long, "")


def _split_evenly(start: int, stop: int, largest: int) -> Iterator[tuple[int, int]]:
    """Split a range into parts of nearly the same size."""
    parts = -(-(stop - start) // largest)
    ends = [start + (stop - start) * part // parts for part in range(parts + 1)]
    yield from itertools.pairwise(ends)


def make_plan(
    layout: Layout, window: int, context: int, breaks: Collection[tuple[int, ...]]
) -> Plan:
    """Return the plan for an image; if no window has two planes, all planes are separate."""
    if not layout.shared or window == 1:
        return Plan(layout)
    # Channels have no neighbours, so they have no context.
    plan = Plan(layout, window, context if layout.shares_planes else 0, frozenset(breaks))
    separate = all(_planes(unit, layout) == 1 for unit in plan.units)
    return Plan(layout) if separate else plan


def _planes(unit: Unit, layout: Layout) -> int:
    """Return the number of planes that a unit restores."""
    part = unit.index[layout.axes.index(layout.shared)]
    return part.stop - part.start if isinstance(part, slice) else 1


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
