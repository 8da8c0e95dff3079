"""Read what bioio leaves in the XML of CZI and LIF files: colours, and the interval of frames.

bioio converts CZI to OME, but fails for the whole file if one value is not in the schema of OME; it
does not convert LIF.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["colours_in_xml", "interval_in_xml"]

_LIF_COLOURS = {
    "red": "FF0000",
    "green": "00FF00",
    "blue": "0000FF",
    "cyan": "00FFFF",
    "magenta": "FF00FF",
    "yellow": "FFFF00",
    "gray": "FFFFFF",
    "grey": "FFFFFF",
}
"""Colours of the look-up tables of LIF, by their names."""

_CZI_COLOUR = re.compile("#(?:[0-9A-Fa-f]{2})?([0-9A-Fa-f]{6})")

_LIF_TIME = "4"
"""``DimID`` of the time axis."""


def colours_in_xml(metadata: Any, scene: int, scenes: int) -> tuple[str, ...]:
    """Return the colour of each channel, as ``RRGGBB`` or "" if unknown; empty without channels.

    Parameters
    ----------
    metadata
        What bioio calls the metadata of an image: mostly the XML of the file.
    scene, scenes
        Index of the scene, and the number of scenes.

    Examples
    --------
    >>> from xml.etree.ElementTree import fromstring
    >>> channels = "<Channel><Color>#FF00FF00</Color></Channel>"
    >>> czi = f"<A><DisplaySetting><Channels>{channels}</Channels></DisplaySetting></A>"
    >>> colours_in_xml(fromstring(czi), 0, 1)
    ('00FF00',)
    """
    if not hasattr(metadata, "iter"):
        return ()
    if (image := _lif_image(metadata, scene, scenes)) is not None:
        listed = image.findall("ImageDescription/Channels/ChannelDescription")
        names = [str(one.get("LUTName", "")).lower() for one in listed]
        return tuple(_LIF_COLOURS.get(name, "") for name in names)
    channels = metadata.findall(".//DisplaySetting/Channels/Channel")
    found = [_CZI_COLOUR.fullmatch(one.findtext("Color") or "") for one in channels]
    return tuple(match[1].upper() if match else "" for match in found)


def interval_in_xml(metadata: Any, scene: int, scenes: int) -> float | None:
    """Return the mean time between the frames of a LIF in seconds; ``None`` if unknown."""
    if not hasattr(metadata, "iter"):
        return None
    image = _lif_image(metadata, scene, scenes)
    listed = [] if image is None else image.iterfind("ImageDescription/Dimensions/*")
    for one in listed:
        if one.get("DimID") == _LIF_TIME and one.get("Unit", "s") == "s":
            try:
                seconds = float(one.get("Length", "")) / (int(one.get("NumberOfElements", "")) - 1)
            except (ValueError, ZeroDivisionError):
                return None
            return seconds if math.isfinite(seconds) and seconds > 0 else None
    return None


def _lif_image(metadata: Element, scene: int, scenes: int) -> Element | None:
    images = [
        image
        for element in metadata.iter("Element")
        if (image := element.find("Data/Image")) is not None
    ]
    return images[scene] if len(images) == scenes else None
