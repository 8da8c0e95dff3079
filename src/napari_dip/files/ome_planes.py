"""Read and write what OME-XML says of single planes: stage positions and times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.metadata import MICROMETRES, SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree import ElementTree

    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = [
    "plane_attributes",
    "plane_entries",
    "read_plane_times",
    "read_positions",
    "times_of_frames",
]

_TIMES = ("DeltaT", "ExposureTime")


def read_positions(
    attributes: Mapping[str, str],
    sizes: Mapping[str, float],
    units: Mapping[str, str],
    parser: TolerantParser,
) -> dict[str, float]:
    """Read the stage position of a plane, where its unit is a length."""
    positions: dict[str, float] = {}
    for axis in "ZYX":
        name = f"Position{axis}"
        position = parser.number(name, attributes.get(name))
        unit, target = parser.unit(f"{name}Unit", attributes.get(f"{name}Unit")), units.get(axis)
        if position and axis in sizes and unit in MICROMETRES and target in MICROMETRES:
            positions[axis] = position * MICROMETRES[unit] / MICROMETRES[target]
    return positions


def read_plane_times(
    pixels: ElementTree.Element, parser: TolerantParser
) -> dict[str, dict[tuple[int, int, int], float]]:
    """Read the time stamps and exposure times of planes, in seconds.

    Parameters
    ----------
    pixels
        The element of the pixels of an image.
    parser
        Parses the numbers.

    Returns
    -------
    dict
        ``DeltaT`` and ``ExposureTime``, as far as known: a value for each plane, by its numbers
        along T, C and Z.
    """
    found: dict[str, dict[tuple[int, int, int], float]] = {}
    for plane in pixels.findall("{*}Plane"):
        numbers = [plane.get(f"The{axis}", "0") for axis in "TCZ"]
        if not all(number.isdecimal() for number in numbers):
            continue
        t, c, z = map(int, numbers)
        for name in _TIMES:
            value = parser.number(name, plane.get(name))
            unit = parser.unit(f"{name}Unit", plane.get(f"{name}Unit", "s"))
            if value is not None and unit in SECONDS:
                found.setdefault(name, {})[t, c, z] = value * SECONDS[unit]
    return found


def times_of_frames(stamps: Mapping[tuple[int, int, int], float]) -> tuple[float, ...]:
    """Return the first time stamp of each frame; empty if a frame has none, or for one frame.

    Examples
    --------
    >>> times_of_frames({(0, 0, 0): 0.0, (0, 1, 0): 0.2, (1, 0, 0): 5.1})
    (0.0, 5.1)
    """
    first: dict[int, float] = {}
    for (frame, _, _), seconds in sorted(stamps.items()):
        first.setdefault(frame, seconds)
    complete = len(first) > 1 and [*first] == [*range(len(first))]
    return tuple(first.values()) if complete else ()


def plane_entries(stored: StoredImage) -> dict[str, list[Any]]:
    """Return the positions and times of all planes in the order of writing, for tifffile.

    A value is ``None`` where that of a plane is unknown.
    """
    numbers, planes = _numbers(stored)
    return _positions(stored, numbers, planes) | _times(stored, _places(stored))


def plane_attributes(
    stored: StoredImage, entries: Mapping[str, list[Any]]
) -> list[dict[str, str | int | float]]:
    """Return the attributes of each plane of which something is known."""
    found: list[dict[str, str | int | float]] = []
    for plane, (t, c, z) in enumerate(_places(stored)):
        known = {name: values[plane] for name, values in entries.items()}
        known = {name: value for name, value in known.items() if value is not None}
        if known:
            found.append({"TheC": c, "TheZ": z, "TheT": t} | known)
    return found


def _numbers(stored: StoredImage) -> tuple[dict[str, Any], int]:
    """Return the number of each plane along the axes before those of pixels, and the planes."""
    axes = stored.axes
    leading = axes[: min(axes.index(letter) for letter in "YXS" if letter in axes)]
    grid = stored.image.shape[: len(leading)]
    planes = math.prod(grid)
    numbers = np.indices(grid).reshape(len(leading), planes)
    return dict(zip(leading, numbers, strict=True)), planes


def _places(stored: StoredImage) -> list[tuple[int, int, int]]:
    """Return the numbers of all planes along T, C and Z."""
    numbers, planes = _numbers(stored)
    t, c, z = (numbers.get(axis, np.zeros(planes, int)).tolist() for axis in "TCZ")
    return [*zip(t, c, z, strict=True)]


def _positions(
    stored: StoredImage, numbers: Mapping[str, Any], planes: int
) -> dict[str, list[Any]]:
    positions: dict[str, list[Any]] = {}
    for axis, position in stored.translate.items():
        if axis in "ZYX" and position and stored.unit.get(axis) in MICROMETRES:
            values = np.full(planes, position)
            if axis in numbers:
                with np.errstate(over="ignore", invalid="ignore"):
                    values += numbers[axis] * stored.pixel_size[axis]
            if not np.isfinite(values).all():
                continue
            positions[f"Position{axis}"] = values.tolist()
            positions[f"Position{axis}Unit"] = [stored.unit[axis]] * planes
    return positions


def _times(stored: StoredImage, places: Sequence[tuple[int, int, int]]) -> dict[str, list[Any]]:
    """Return the times of each plane; without them, the time stamp of its frame."""
    entries: dict[str, list[Any]] = {}
    for name, values in stored.extras.get("ome_planes", {}).items():
        if values.keys() <= set(places):
            entries[name] = [values.get(place) for place in places]
    if "DeltaT" not in entries and (times := stored.known_times):
        entries["DeltaT"] = [times[place[0]] for place in places]
    units = {
        f"{name}Unit": [None if value is None else "s" for value in values]
        for name, values in entries.items()
    }
    return entries | units
