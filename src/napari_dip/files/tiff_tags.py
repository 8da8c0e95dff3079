"""What a TIFF file says of its image, in any of three dialects: ImageJ's, OME's, tifffile's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

import tifffile

from napari_dip.stack.stored import MICROMETRES, canonical_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Header", "ome_xml", "read_header"]

_RESOLUTION_UNITS = {2: "in", 3: "cm"}
_IMAGEJ_KEPT = ("mode", "min", "max", "Ranges", "LUTs", "Labels", "Info")
_CHANNEL_KEPT = ("Name", "Color", "EmissionWavelength", "EmissionWavelengthUnit", "Fluor")

Sizes = dict[str, float]
Units = dict[str, str]


class Header(NamedTuple):
    """Pixel sizes, their units, what else is kept, and what the user should know."""

    pixel_size: Sizes
    unit: Units
    extras: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    translate: Sizes


def read_header(tif: tifffile.TiffFile) -> Header:
    """Read what an open file says of its first series."""
    sizes, units = _pixel_sizes(tif)
    places = _places(tif, sizes, units)
    return Header(sizes, units, _extras(tif), tuple(_notes(tif)), places)


def ome_xml(tif: tifffile.TiffFile) -> ElementTree.Element:
    """Return the root of the OME-XML of a file that has it."""
    return ElementTree.fromstring(tif.ome_metadata or "")


def _notes(tif: tifffile.TiffFile) -> list[str]:
    notes = []
    if len(tif.series) > 1:
        notes.append(f"It holds {len(tif.series)} images; the first is taken.")
    if tif.pages.first.photometric == tifffile.PHOTOMETRIC.PALETTE:
        notes.append("Its colour table is left out; the values are kept.")
    return notes


def _pixel_sizes(tif: tifffile.TiffFile) -> tuple[Sizes, Units]:
    """Ask the dialects in the order of how much they can say."""
    if tif.ome_metadata:
        return _from_attributes(_ome_pixels(tif).attrib)
    if tif.imagej_metadata is not None:
        return _from_imagej(tif.imagej_metadata, tif.pages.first)
    if tif.shaped_metadata and "PhysicalSizeX" in tif.shaped_metadata[0]:
        return _from_attributes(tif.shaped_metadata[0])
    return _from_resolution(tif.pages.first)


def _from_attributes(said: Mapping[str, Any]) -> tuple[Sizes, Units]:
    """Read OME's attributes; a length without a unit is in micrometres, says its schema."""
    sizes, units = {}, {}
    for axis, name, default in (
        ("T", "TimeIncrement", "s"),
        ("Z", "PhysicalSizeZ", "µm"),
        ("Y", "PhysicalSizeY", "µm"),
        ("X", "PhysicalSizeX", "µm"),
    ):
        if float(said.get(name, 0)) > 0:
            sizes[axis] = float(said[name])
            if unit := canonical_unit(said.get(f"{name}Unit", default)):
                units[axis] = unit
    return sizes, units


def _from_imagej(said: Mapping[str, Any], page: Any) -> tuple[Sizes, Units]:
    unit = canonical_unit(str(said.get("unit", "")))
    sizes: Sizes = {}
    x, y = _resolution(page)
    if unit or (x, y) != (1, 1):
        sizes |= {"Y": 1 / y, "X": 1 / x}
    if float(said.get("spacing", 0)) > 0:
        sizes["Z"] = float(said["spacing"])
    units = dict.fromkeys(sizes, unit) if unit else {}
    if float(said.get("finterval", 0)) > 0:
        sizes["T"], units["T"] = float(said["finterval"]), "s"
    return sizes, units


def _from_resolution(page: Any) -> tuple[Sizes, Units]:
    x, y = _resolution(page)
    tag = page.tags.get("ResolutionUnit")
    unit = _RESOLUTION_UNITS.get(int(tag.value)) if tag else None
    # 72 dots per inch is what programs write that know nothing.
    if unit is None or (unit == "in" and round(x) == 72):
        return {}, {}
    return {"Y": 1 / y, "X": 1 / x}, {"Y": unit, "X": unit}


def _places(tif: tifffile.TiffFile, sizes: Sizes, units: Units) -> Sizes:
    """Read where the centre of the first pixel lies, along the axes whose sizes are known."""
    known = sizes.keys() & set("ZYX")
    if tif.ome_metadata:
        plane = _ome_pixels(tif).find("{*}Plane")
        return {} if plane is None else _positions(plane.attrib, known, units)
    origins = tif.imagej_metadata or {}
    places = {a: -float(origins.get(f"{a.lower()}origin", 0)) * sizes[a] for a in known}
    return {axis: place for axis, place in places.items() if place}


def _positions(said: Mapping[str, str], known: set[str], units: Units) -> Sizes:
    """Read the stage's position in OME's attributes of a plane, where its unit is a length."""
    places: Sizes = {}
    for axis in known:
        place = float(said.get(f"Position{axis}", 0))
        own, wanted = canonical_unit(said.get(f"Position{axis}Unit")), units.get(axis)
        if place and own in MICROMETRES and wanted in MICROMETRES:
            places[axis] = place * MICROMETRES[own] / MICROMETRES[wanted]
    return places


def _resolution(page: Any) -> tuple[float, float]:
    """Return pixels per unit along X and Y, 1 where the tags are absent or say nonsense."""
    pixels = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        above, below = tag.value if tag else (1, 1)
        pixels.append(above / below if above and below else 1.0)
    return pixels[0], pixels[1]


def _extras(tif: tifffile.TiffFile) -> dict[str, dict[str, Any]]:
    extras: dict[str, dict[str, Any]] = {}
    if tif.imagej_metadata:
        extras["imagej"] = {k: v for k, v in tif.imagej_metadata.items() if k in _IMAGEJ_KEPT}
    if tif.ome_metadata:
        pixels = _ome_pixels(tif)
        channels = [
            {k: v for k, v in channel.attrib.items() if k in _CHANNEL_KEPT}
            for channel in pixels.findall("{*}Channel")
        ]
        description = ome_xml(tif).findtext("{*}Image/{*}Description")
        extras["ome"] = {"Channel": channels} if any(channels) else {}
        extras["ome"] |= {"Description": description} if description else {}
    if tif.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        extras["tiff"] = {"photometric": "miniswhite"}
    return extras


def _ome_pixels(tif: tifffile.TiffFile) -> ElementTree.Element:
    pixels = ome_xml(tif).find("{*}Image/{*}Pixels")
    return ElementTree.Element("Pixels") if pixels is None else pixels
