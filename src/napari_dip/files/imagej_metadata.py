"""What ImageJ's dialect of TIFF says of an image, read and written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.files.tiff_tags import NAME, Header, pixels_per_unit, resolution_of
from napari_dip.image.metadata import MICROMETRES, SECONDS, Channel
from napari_dip.plaintext import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = ["imagej_options", "read_imagej"]

_SPELLINGS = {"µm": "micron", "in": "inch", "Å": "angstrom"}
_KEPT = ("mode", "min", "max", "Ranges", "LUTs", "Labels", "Info", "Properties")
_ON_THE_PLANE = ("ROI", "Overlays")
"""Regions in pixels, which are right for planes of the same size alone."""

_MODES = ("grayscale", "color", "composite")
_SMALLEST = 1e-9
"""Pixel size, and its inverse the largest, that a fraction of two 32-bit numbers holds well."""

_STRAIGHT_LINE = 0
"""The number of ImageJ's calibration function whose coefficients are an offset and a slope."""


def read_imagej(
    said: Mapping[str, Any], page: Any, shape: Mapping[str, int], parser: TolerantParser
) -> Header:
    """Understand the metadata that tifffile has found.

    Parameters
    ----------
    said
        The description's entries, and those of ImageJ's own tag.
    page
        The first page, for its resolution and dtype.
    shape
        Sizes of the image by the letters of its axes.
    parser
        Reads the numbers.
    """
    sizes, units = _sizes(said, page, parser)
    notes = []
    extras: dict[str, dict[str, Any]] = {"imagej": {k: said[k] for k in _KEPT if k in said}}
    if on_plane := {key: said[key] for key in _ON_THE_PLANE if key in said}:
        extras["imagej_plane"] = {"shape": (shape.get("Y"), shape.get("X")), "said": on_plane}
    if (parser.number("spacing", said.get("spacing")) or 0) < 0:
        extras["imagej_spacing"] = {"negative": True}
        notes.append(f"Its planes are spaced by {said['spacing']}: the distance is taken.")
    if calibration := _calibration(said):
        extras["imagej_calibration"] = {"dtype": page.dtype, "said": calibration}
        notes.append(_calibration_in_words(calibration, parser))
    places: dict[str, float] = {}
    for axis in sizes.keys() & set("ZYX"):
        origin = parser.number(f"{axis.lower()}origin", said.get(f"{axis.lower()}origin"))
        if origin:
            places[axis] = -origin * sizes[axis]
    return Header(
        pixel_size=sizes,
        unit=units,
        extras=extras,
        notes=tuple(notes),
        translate=places,
        channels=_channels(said, shape),
    )


def imagej_options(stored: StoredImage, provenance: str) -> dict[str, Any]:
    """Return the options with which tifffile writes an image for ImageJ.

    ImageJ has a unit for X, which holds for Y and Z too unless they have their own. What can be
    converted is, and time is in seconds.
    """
    axes, shape = stored.axes, stored.image.shape
    said: dict[str, Any] = {"axes": axes}
    unit = next((stored.unit[axis] for axis in "XYZ" if axis in stored.unit), None)
    sizes: dict[str, float | None] = {}
    for axis in "XYZ":
        sizes[axis] = stored.size_in(axis, MICROMETRES, unit)
        if sizes[axis] is None and axis in stored.pixel_size:
            sizes[axis] = stored.pixel_size[axis]
            said[f"{axis.lower()}unit"] = _in_ascii(stored.unit.get(axis, "pixel"))
    if any(each and not _SMALLEST < each < 1 / _SMALLEST for each in sizes.values()):
        unit, sizes = None, dict.fromkeys("XYZ")  # the tags have no room for it
        said = {"axes": axes}
    if unit:
        said["unit"] = _in_ascii(_SPELLINGS.get(unit, unit))
    if sizes["Z"]:
        negative = "imagej_spacing" in stored.extras
        said["spacing"] = -sizes["Z"] if negative else sizes["Z"]
    if "T" in stored.pixel_size:
        seconds = stored.size_in("T", SECONDS, "s")
        said["finterval"] = stored.pixel_size["T"] if seconds is None else seconds
        if seconds is None:
            said["tunit"] = _in_ascii(stored.unit.get("T", "frame"))
    said |= _origins(stored)
    kept = dict(stored.extras.get("imagej", {}))
    planes = math.prod(shape[: axes.index("Y")])
    if len(kept.get("Labels", ())) not in (0, planes):
        del kept["Labels"]
    if kept.get("mode") not in _MODES:
        kept.pop("mode", None)
    kept = _shown(stored) | kept
    on_plane = stored.extras.get("imagej_plane", {})
    if on_plane.get("shape") == (shape[axes.index("Y")], shape[axes.index("X")]):
        kept |= on_plane["said"]
    calibration = stored.extras.get("imagej_calibration", {})
    if calibration.get("dtype") == stored.image.dtype:
        said |= calibration["said"]
    if provenance:
        kept["Info"] = f"{NAME}: {provenance}\n{kept.get('Info', '')}"
    return {
        "imagej": True,
        "resolution": (1 / (sizes["X"] or 1), 1 / (sizes["Y"] or 1)),
        "resolutionunit": "NONE",
        "metadata": said | kept,
    }


def _in_ascii(text: str) -> str:
    """Escape letters outside ASCII as ImageJ does."""
    letters = plain(text)
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in letters)


def _sizes(
    said: Mapping[str, Any], page: Any, parser: TolerantParser
) -> tuple[dict[str, float], dict[str, str]]:
    """Read pixel sizes; Y, Z and T may each have a unit of their own."""
    unit = parser.unit("unit", _word(said, "unit"))
    sizes: dict[str, float] = {}
    units: dict[str, str] = {}
    pixels = pixels_per_unit(page, parser)
    if unit or any(number not in (None, 1.0) for number in pixels.values()):
        sizes |= resolution_of(pixels, unit)
    if spacing := parser.number("spacing", said.get("spacing")):
        sizes["Z"] = abs(spacing)
    for axis in "XYZ":
        own = f"{axis.lower()}unit"
        known = parser.unit(own, _word(said, own)) if own in said else unit
        if axis in sizes and known:
            units[axis] = known
    if interval := parser.size("finterval", said.get("finterval")):
        sizes["T"] = interval
        if known := parser.unit("tunit", _word(said, "tunit") if "tunit" in said else "s"):
            units["T"] = known
    return sizes, units


def _word(said: Mapping[str, Any], name: str) -> object:
    """Return an entry that tifffile may have taken for a number."""
    value = said.get(name)
    return None if value is None else str(value)


def _calibration(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that say what the grey values stand for."""
    if "cf" not in said:
        return {}
    coefficients = [f"c{number}" for number in range(10)]
    return {key: said[key] for key in ("cf", *coefficients, "vunit") if key in said}


def _calibration_in_words(calibration: Mapping[str, Any], parser: TolerantParser) -> str:
    offset = parser.number("c0", calibration.get("c0"))
    slope = parser.number("c1", calibration.get("c1"))
    kept = "The values without it are restored, and it is kept where the data type is."
    if calibration["cf"] != _STRAIGHT_LINE or offset is None or slope is None:
        return f"Its grey values have a calibration of ImageJ. {kept}"
    unit = str(calibration.get("vunit", "")).strip()
    what = f" {unit}" if unit and unit.lower() != "gray value" else ""
    return f"ImageJ's calibration of its grey values x is {offset:g} + {slope:g} x{what}. {kept}"


def _channels(said: Mapping[str, Any], shape: Mapping[str, int]) -> tuple[Channel, ...]:
    """Read names from the labels of planes, if all planes of a channel have one, and colours."""
    count = shape.get("C", 1)
    if count == 1:
        return ()
    labels, tables = said.get("Labels", ()), said.get("LUTs", ())
    names, colours = [""] * count, [""] * count
    if isinstance(labels, list) and len(labels) % count == 0:
        of_channels = [set(labels[number::count]) for number in range(count)]
        if all(len(found) == 1 for found in of_channels):
            names = [found.pop() for found in of_channels]
    if isinstance(tables, list) and len(tables) == count:
        colours = [_colour(np.asarray(table)) for table in tables]
    if not any(names) and not any(colours):
        return ()
    return tuple(Channel(name, colour) for name, colour in zip(names, colours, strict=True))


def _shown(stored: StoredImage) -> dict[str, Any]:
    """Say names of channels as labels of planes, and colours as tables."""
    channels = stored.known_channels
    if len(channels) < 2:
        return {}
    shown: dict[str, Any] = {}
    leading = stored.axes[: stored.axes.index("Y")]
    if any(channel.name for channel in channels):
        numbers = np.indices(stored.image.shape[: len(leading)])[leading.index("C")].ravel()
        shown["Labels"] = [channels[number].name for number in numbers]
    if all(channel.colour for channel in channels):
        shown |= {"LUTs": [_table(channel.colour) for channel in channels], "mode": "composite"}
    return shown


def _colour(table: np.ndarray[Any, Any]) -> str:
    """Return the colour at the upper end of a table that goes there from black; "" for others."""
    if table.shape != (3, 256):
        return ""
    colour = "".join(f"{part:02X}" for part in table[:, -1])
    off = np.abs(table.astype(int) - _table(colour))
    return colour if off.max() <= 2 else ""


def _table(colour: str) -> np.ndarray[Any, Any]:
    ends: Sequence[int] = bytes.fromhex(colour)
    return np.array([np.linspace(0, end, 256).round() for end in ends], np.uint8)


def _origins(stored: StoredImage) -> dict[str, float]:
    """Say, as ImageJ does, which pixel lies at 0."""
    return {
        f"{axis.lower()}origin": -place / stored.pixel_size[axis]
        for axis, place in stored.translate.items()
        if axis in "ZYX" and axis in stored.pixel_size and place
    }
