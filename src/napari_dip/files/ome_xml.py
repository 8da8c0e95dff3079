"""Read and write the OME-XML of TIFF files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_dip.files.ome_elements import described_file, read_elements
from napari_dip.files.ome_planes import (
    plane_attributes,
    plane_entries,
    read_plane_times,
    read_positions,
    times_of_frames,
)
from napari_dip.files.tiff_tags import NAME, Header
from napari_dip.image.metadata import MICROMETRES, SECONDS, Channel
from napari_dip.plaintext import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = [
    "attributes_of",
    "image_element",
    "ome_options",
    "ome_record",
    "ome_root",
    "read_ome",
    "sizes_from_attributes",
]

_RANGES = "display ranges"
"""Key of the annotation that holds the display ranges of the channels."""

_KEPT_CHANNEL_KEYS = (
    "AcquisitionMode",
    "ContrastMethod",
    "EmissionWavelength",
    "EmissionWavelengthUnit",
    "ExcitationWavelength",
    "ExcitationWavelengthUnit",
    "Fluor",
    "IlluminationType",
    "NDFilter",
    "PinholeSize",
    "PinholeSizeUnit",
    "PockelCellSetting",
)


_IMMERSIONS = {"Air": 1.0, "Water": 1.33, "WaterDipping": 1.33, "Glycerol": 1.47, "Oil": 1.518}
_MODALITIES = {
    "WideField": "widefield",
    "LaserScanningConfocalMicroscopy": "confocal",
    "SpinningDiskConfocal": "confocal",
    "MultiPhotonMicroscopy": "two-photon",
    "SPIM": "light-sheet",
}
"""By OME's terms; "SpinningDiskConfocal" has pinholes of about one Airy unit."""


def ome_root(text: str | None) -> ElementTree.Element | None:
    """Return the root element of OME-XML; ``None`` if there is none or it is damaged."""
    try:
        return None if not text else ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None


def image_element(
    root: ElementTree.Element | None, number: int, name: str, count: int
) -> ElementTree.Element | None:
    """Find the element of an image.

    Parameters
    ----------
    root
        From :func:`ome_root`.
    number, name
        Index and name of the image in the file.
    count
        Number of images in the file. The OME-XML may describe more.
    """
    found = [] if root is None else [e for e in root.findall("{*}Image") if _pixels(e) is not None]
    if len(found) != count:
        found = [element for element in found if element.get("Name") == name] or found
        number = min(number, len(found) - 1) if len(found) else 0
    return found[number] if number < len(found) else None


def read_ome(
    image: ElementTree.Element, parser: TolerantParser, root: ElementTree.Element | None = None
) -> Header:
    """Convert the element of an image to a header; ``root`` describes the objective."""
    pixels = _pixels(image)
    assert pixels is not None
    sizes, units = sizes_from_attributes(pixels.attrib, parser)
    kept, channels = [], []
    for element in pixels.findall("{*}Channel"):
        kept.append(
            {key: element.attrib[key] for key in _KEPT_CHANNEL_KEYS if key in element.attrib}
        )
        colour = _colour(parser.number("Color", element.get("Color")))
        channels.append(Channel(element.get("Name", ""), colour))
    extras: dict[str, Any] = {"Channel": kept} if any(kept) else {}
    if description := image.findtext("{*}Description"):
        extras["Description"] = description
    plane, times = pixels.find("{*}Plane"), read_plane_times(pixels, parser)
    elements = read_elements(image, root, parser)
    all_extras = {"ome": extras, "ome_planes": times, "ome_elements": elements}
    return Header(
        pixel_size=sizes,
        unit=units,
        extras={name: entries for name, entries in all_extras.items() if entries},
        notes=(),
        translate={} if plane is None else read_positions(plane.attrib, sizes, units, parser),
        channels=_with_ranges(channels, root, parser),
        optics=_optics(image, root, kept, parser),
        name=_name(image),
        acquired=(image.findtext("{*}AcquisitionDate") or "").strip(),
        times=times_of_frames(times.get("DeltaT", {})),
    )


def _with_ranges(
    channels: list[Channel], root: ElementTree.Element | None, parser: TolerantParser
) -> tuple[Channel, ...]:
    """Add the display ranges, which OME-XML can only hold in an annotation of this package."""
    note = None if root is None else root.find(f".//{{*}}M[@K='{_RANGES}']")
    try:
        ranges = json.loads("[]" if note is None else note.text or "[]")
        pairs = [(float(pair[0]), float(pair[1])) if pair else None for pair in ranges]
    except (ValueError, TypeError, LookupError):
        parser.ignore(_RANGES, note)
        pairs = []
    if len(pairs) == len(channels):
        channels = [one._replace(window=pair) for one, pair in zip(channels, pairs, strict=True)]
    return tuple(channels) if any(channels) else ()


def _name(image: ElementTree.Element) -> str:
    """Return the name of an image; empty for that of tifffile, which is its number."""
    name = image.get("Name", "")
    return "" if name == image.get("ID", "").replace(":", "") else name


def _optics(
    image: ElementTree.Element,
    root: ElementTree.Element | None,
    channels: list[dict[str, str]],
    parser: TolerantParser,
) -> dict[str, Any]:
    """Read the numbers of the microscope, with the wavelengths of each channel if they differ."""
    found: dict[str, Any] = {}
    used = image.find("{*}ObjectiveSettings")
    number = None if used is None else used.get("ID")
    objectives = [] if root is None else root.findall("{*}Instrument/{*}Objective")
    objective = next((each for each in objectives if each.get("ID") == number), None)
    if objective is not None:
        found["na"] = parser.size("LensNA", objective.get("LensNA"))
        found["ri"] = _IMMERSIONS.get(objective.get("Immersion", ""))
    if used is not None and (index := parser.size("RefractiveIndex", used.get("RefractiveIndex"))):
        found["ri"] = index
    for field, name in (
        ("wavelength", "EmissionWavelength"),
        ("excitation", "ExcitationWavelength"),
    ):
        values = [
            size * MICROMETRES[channel.get(f"{name}Unit", "nm")] * 1000
            for channel in channels
            if (size := parser.size(name, channel.get(name)))
            and channel.get(f"{name}Unit", "nm") in MICROMETRES
        ]
        if len(set(values)) == 1:
            found[field] = values[0]
        elif len(values) == len(channels) > 1:
            found[field] = tuple(values)
    modes = {channel.get("AcquisitionMode", "") for channel in channels}
    found["modality"] = _MODALITIES.get(modes.pop()) if len(modes) == 1 else None
    return {name: value for name, value in found.items() if value is not None}


def sizes_from_attributes(
    attributes: Mapping[str, Any], parser: TolerantParser
) -> tuple[dict[str, float], dict[str, str]]:
    """Read pixel sizes and units. The default unit of length is the micrometre (OME schema)."""
    sizes, units = {}, {}
    for axis, name, default in (
        ("T", "TimeIncrement", "s"),
        ("Z", "PhysicalSizeZ", "µm"),
        ("Y", "PhysicalSizeY", "µm"),
        ("X", "PhysicalSizeX", "µm"),
    ):
        if size := parser.size(name, attributes.get(name)):
            sizes[axis] = size
            if unit := parser.unit(f"{name}Unit", attributes.get(f"{name}Unit", default)):
                units[axis] = unit
    return sizes, units


def ome_options(stored: StoredImage, provenance: str) -> dict[str, Any]:
    """Return the options with which tifffile writes an OME-TIFF."""
    metadata = {"axes": stored.axes} | attributes_of(stored)
    kept = dict(stored.extras.get("ome", {}))
    described = kept.pop("Channel", [])
    if channels := _written_channels(stored, described):
        metadata["Channel"] = channels
    metadata |= kept
    if stored.name:
        metadata["Name"] = plain(stored.name)
    if stored.acquired:
        metadata["AcquisitionDate"] = stored.acquired
    ranges = [list(channel.window or ()) for channel in stored.known_channels]
    annotations = {NAME: provenance, _RANGES: json.dumps(ranges) if any(ranges) else ""}
    if known := {key: text for key, text in annotations.items() if text}:
        metadata["MapAnnotation"] = {"Namespace": NAME} | known
    planes = plane_entries(stored)
    partial = any(None in values for values in planes.values())
    if partial or stored.extras.get("ome_elements"):
        described = described_file(stored, metadata, plane_attributes(stored, planes))
        return {"ome": False, "metadata": None, "description": described}
    return {"ome": True, "metadata": metadata | ({"Plane": planes} if planes else {})}


def attributes_of(stored: StoredImage) -> dict[str, Any]:
    """Return pixel sizes and units as OME attributes."""
    names = {"T": "TimeIncrement"} | {axis: f"PhysicalSize{axis}" for axis in "ZYX"}
    attributes: dict[str, Any] = {}
    for axis, name in names.items():
        if axis in stored.pixel_size:
            unit = stored.unit.get(axis)
            attributes[name] = stored.pixel_size[axis]
            # The OME schema uses this term for an unknown unit.
            known = unit in (SECONDS if axis == "T" else MICROMETRES)
            attributes[f"{name}Unit"] = unit if known else "reference frame"
    return attributes


def ome_record(root: ElementTree.Element | None) -> str | None:
    """Return the record that :func:`ome_options` wrote; ``None`` without one."""
    note = None if root is None else root.find(f".//{{*}}M[@K='{NAME}']")
    return None if note is None else note.text


def _pixels(image: ElementTree.Element) -> ElementTree.Element | None:
    return image.find("{*}Pixels")


def _written_channels(stored: StoredImage, described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge the channel metadata; empty if there are none or their number differs."""
    count = stored.channel_count
    merged: list[dict[str, Any]] = [{} for _ in range(count)]
    if len(described) == count:
        merged = [dict(one) for one in described]
    for one, channel in zip(merged, stored.known_channels, strict=False):
        if channel.name:
            one["Name"] = channel.name
        if channel.colour:
            rgba = int(channel.colour + "FF", 16)
            one["Color"] = rgba - 2**32 if rgba >= 2**31 else rgba
    return merged if any(merged) else []


def _colour(rgba: float | None) -> str:
    """Convert OME's signed RGBA integer to ``RRGGBB``."""
    return "" if rgba is None else f"{(int(rgba) >> 8) & 0xFFFFFF:06X}"
