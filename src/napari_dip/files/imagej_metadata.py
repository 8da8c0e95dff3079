"""Read and write the metadata of ImageJ TIFF files."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.files.imagej_channels import channel_entries, read_channels
from napari_dip.files.imagej_info import info_lines, read_info
from napari_dip.files.tiff_tags import NAME, Header, pixels_per_unit, resolution_of
from napari_dip.image.metadata import MICROMETRES, SECONDS
from napari_dip.plaintext import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = ["IMAGEJ_ORDER", "imagej_options", "in_imagej_order", "read_imagej"]

_IMAGEJ_UNITS = {"µm": "micron", "in": "inch", "Å": "angstrom"}
_KEPT_KEYS = ("mode", "min", "max", "Ranges", "LUTs", "Labels", "Info", "Properties")
_PLANE_KEYS = ("ROI", "Overlays")
"""Regions in pixel coordinates, valid only for planes of the same size."""

IMAGEJ_ORDER = "TZCYXS"
"""Axes of a hyperstack in the order of its planes."""

_MODES = ("grayscale", "color", "composite")
MIN_PIXEL_SIZE = 1e-9
"""Smallest pixel size, and inverse of the largest, that a fraction of two 32-bit numbers holds."""

_LINEAR_CALIBRATION = 0
"""Number of ImageJ's linear calibration function: an offset and a slope."""


def read_imagej(
    entries: Mapping[str, Any], page: Any, shape: Mapping[str, int], parser: TolerantParser
) -> Header:
    """Convert ImageJ metadata to a header.

    Parameters
    ----------
    entries
        The metadata as tifffile returns them.
    page
        The first page, for its resolution and dtype.
    shape
        Size of each axis by its letter.
    parser
        Parses the numbers.
    """
    sizes, units = _sizes(entries, page, parser)
    notes = []
    info = read_info(str(entries.get("Info", "")), parser)
    entries = _as_lists(entries)
    kept = {k: entries[k] for k in _KEPT_KEYS if k in entries}
    if "Info" in kept:
        kept["Info"] = info.rest
    extras: dict[str, dict[str, Any]] = {"imagej": kept}
    if of_plane := {key: entries[key] for key in _PLANE_KEYS if key in entries}:
        extras["imagej_plane"] = {"shape": (shape.get("Y"), shape.get("X")), "entries": of_plane}
    if (parser.number("spacing", entries.get("spacing")) or 0) < 0:
        extras["imagej_spacing"] = {"negative": True}
        notes.append(f"The plane spacing is {entries['spacing']}: its absolute value is used.")
    if calibration := _calibration(entries):
        extras["imagej_calibration"] = {"dtype": page.dtype, "entries": calibration}
        notes.append(_describe_calibration(calibration, parser))
    places: dict[str, float] = {}
    for axis in sizes.keys() & set("ZYX"):
        origin = parser.number(f"{axis.lower()}origin", entries.get(f"{axis.lower()}origin"))
        if origin:
            places[axis] = -origin * sizes[axis]
    return Header(
        pixel_size=sizes,
        unit=units,
        extras=extras,
        notes=tuple(notes),
        translate=places,
        channels=read_channels(entries, shape, info, parser),
        name=info.name,
        acquired=info.acquired,
        times=info.times,
    )


def imagej_options(stored: StoredImage, provenance: str) -> dict[str, Any]:
    """Return the options with which tifffile writes an image for ImageJ.

    ImageJ stores one unit for X, which also applies to Y and Z unless they have their own.
    Convertible sizes are converted, and time is in seconds.
    """
    axes, shape = stored.axes, stored.image.shape
    metadata: dict[str, Any] = {"axes": axes}
    unit = next((stored.unit[axis] for axis in "XYZ" if axis in stored.unit), None)
    sizes: dict[str, float | None] = {}
    for axis in "XYZ":
        sizes[axis] = stored.size_in(axis, MICROMETRES, unit)
        if sizes[axis] is None and axis in stored.pixel_size:
            sizes[axis] = stored.pixel_size[axis]
            metadata[f"{axis.lower()}unit"] = _in_ascii(stored.unit.get(axis, "pixel"))
    if any(each and not MIN_PIXEL_SIZE < each < 1 / MIN_PIXEL_SIZE for each in sizes.values()):
        unit, sizes = None, dict.fromkeys("XYZ")  # the resolution tags cannot hold the size
        metadata = {"axes": axes}
    if unit:
        metadata["unit"] = _in_ascii(_IMAGEJ_UNITS.get(unit, unit))
    if sizes["Z"]:
        negative = "imagej_spacing" in stored.extras
        metadata["spacing"] = -sizes["Z"] if negative else sizes["Z"]
    if "T" in stored.pixel_size:
        seconds = stored.size_in("T", SECONDS, "s")
        metadata["finterval"] = stored.pixel_size["T"] if seconds is None else seconds
        if seconds is None:
            metadata["tunit"] = _in_ascii(stored.unit.get("T", "frame"))
    metadata |= _origin_entries(stored)
    kept = dict(stored.extras.get("imagej", {}))
    planes = math.prod(shape[: axes.index("Y")])
    if len(kept.get("Labels", ())) not in (0, planes):
        del kept["Labels"]
    if kept.get("mode") not in _MODES:
        kept.pop("mode", None)
    kept = channel_entries(stored) | kept
    of_plane = stored.extras.get("imagej_plane", {})
    if of_plane.get("shape") == (shape[axes.index("Y")], shape[axes.index("X")]):
        kept |= of_plane["entries"]
    calibration = stored.extras.get("imagej_calibration", {})
    if calibration.get("dtype") == stored.image.dtype:
        metadata |= calibration["entries"]
    record = f"{NAME}: {provenance}\n" if provenance else ""
    if info := f"{record}{info_lines(stored)}{kept.get('Info', '')}":
        kept["Info"] = info
    return {
        "imagej": True,
        "resolution": (1 / (sizes["X"] or 1), 1 / (sizes["Y"] or 1)),
        "resolutionunit": "NONE",
        "metadata": metadata | kept,
    }


def in_imagej_order(stored: StoredImage) -> StoredImage:
    """Return an image with its axes in the order of ImageJ: T, Z, C, Y, X, colours.

    Examples
    --------
    >>> from napari_dip.image.metadata import StoredImage
    >>> in_imagej_order(StoredImage(np.zeros((2, 5, 8, 8)), "CZYX")).image.shape
    (5, 2, 8, 8)
    """
    axes = "".join(sorted(stored.axes, key=IMAGEJ_ORDER.find))
    if axes == stored.axes:
        return stored
    order = [stored.axes.index(letter) for letter in axes]
    extras = dict(stored.extras)
    planes = stored.axes.index("Y")
    labels = extras.get("imagej", {}).get("Labels", ())
    if len(labels) == math.prod(stored.image.shape[:planes]):
        grid = np.reshape(np.array(labels, object), stored.image.shape[:planes])
        moved = grid.transpose(order[:planes]).ravel().tolist()
        extras["imagej"] = {**extras["imagej"], "Labels": moved}
    return replace(stored, image=np.transpose(stored.whole(), order), axes=axes, extras=extras)


def _in_ascii(text: str) -> str:
    """Escape non-ASCII characters as ImageJ does."""
    letters = plain(text)
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in letters)


def _sizes(
    entries: Mapping[str, Any], page: Any, parser: TolerantParser
) -> tuple[dict[str, float], dict[str, str]]:
    """Read pixel sizes and units; Y, Z and T may have units of their own."""
    unit = parser.unit("unit", _word(entries, "unit"))
    sizes: dict[str, float] = {}
    units: dict[str, str] = {}
    pixels = pixels_per_unit(page, parser)
    if unit or any(number not in (None, 1.0) for number in pixels.values()):
        sizes |= resolution_of(pixels, unit)
    if spacing := parser.number("spacing", entries.get("spacing")):
        sizes["Z"] = abs(spacing)
    for axis in "XYZ":
        own = f"{axis.lower()}unit"
        known = parser.unit(own, _word(entries, own)) if own in entries else unit
        if axis in sizes and known:
            units[axis] = known
    if interval := parser.size("finterval", entries.get("finterval")):
        sizes["T"] = interval
        if known := parser.unit("tunit", _word(entries, "tunit") if "tunit" in entries else "s"):
            units["T"] = known
    return sizes, units


def _as_lists(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries with a list of labels and of look-up tables; tifffile unpacks a single one."""
    lists = {key: [entries[key]] for key in ("Labels", "LUTs") if key in entries}
    return {**entries, **{k: one for k, one in lists.items() if not isinstance(entries[k], list)}}


def _word(entries: Mapping[str, Any], name: str) -> object:
    """Return an entry as text, since tifffile may have parsed it as a number."""
    value = entries.get(name)
    return None if value is None else str(value)


def _calibration(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of the grey value calibration."""
    if "cf" not in entries:
        return {}
    coefficients = [f"c{number}" for number in range(10)]
    return {key: entries[key] for key in ("cf", *coefficients, "vunit") if key in entries}


def _describe_calibration(calibration: Mapping[str, Any], parser: TolerantParser) -> str:
    offset = parser.number("c0", calibration.get("c0"))
    slope = parser.number("c1", calibration.get("c1"))
    kept = "The uncalibrated values are restored; the calibration is kept with the data type."
    if calibration["cf"] != _LINEAR_CALIBRATION or offset is None or slope is None:
        return f"The grey values have an ImageJ calibration. {kept}"
    unit = str(calibration.get("vunit", "")).strip()
    suffix = f" {unit}" if unit and unit.lower() != "gray value" else ""
    return f"ImageJ's calibration of the grey values x is {offset:g} + {slope:g} x{suffix}. {kept}"


def _origin_entries(stored: StoredImage) -> dict[str, float]:
    """Return the pixel coordinates of the origin, as ImageJ stores them."""
    return {
        f"{axis.lower()}origin": -place / stored.pixel_size[axis]
        for axis, place in stored.translate.items()
        if axis in "ZYX" and axis in stored.pixel_size and place
    }
