"""Read the tags of a TIFF page that all dialects share: resolution, colours, orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tifffile

from napari_dip.image.metadata import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.files.tolerant_parsing import TolerantParser

__all__ = [
    "NAME",
    "SCREEN_DPI",
    "Header",
    "Samples",
    "orientation",
    "pixels_per_unit",
    "resolution",
    "resolution_of",
    "samples_of",
]

NAME = "napari-dip"
"""Key of the provenance in the metadata of a file."""

SCREEN_DPI = (72, 96)  # dots per inch: defaults of programs that do not know the pixel size
_UNITS = {2: "in", 3: "cm"}
_PER_INCH = {"in": 1.0, "cm": 2.54}
_TRANSPARENT = {tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA}
_KEEPS_YCBCR = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
"""TIFF compressions with which tifffile does not convert YCbCr to RGB."""

_INKS = ("Cyan", "Magenta", "Yellow", "Black")


class Header(NamedTuple):
    """Metadata of an image; the fields are those of ``StoredImage``."""

    pixel_size: dict[str, float]
    unit: dict[str, str]
    extras: dict[str, dict[str, Any]]
    notes: tuple[str, ...] = ()
    translate: Mapping[str, float] = {}
    channels: tuple[Channel, ...] = ()
    images: tuple[str, ...] = ()
    optics: Mapping[str, Any] = {}
    name: str = ""
    acquired: str = ""
    times: tuple[float, ...] = ()


class Samples(NamedTuple):
    """What the samples of a pixel are: colours or channels.

    ``extras`` are needed to write them unchanged.
    """

    are_colours: bool
    note: str = ""
    channels: tuple[Channel, ...] = ()
    extras: Mapping[str, Any] = {}


def samples_of(page: Any) -> Samples:
    """Classify the samples of a page by its photometric interpretation.

    Their number does not matter: microscopes also write three or four channels as samples.
    """
    photometric, extra = page.photometric, tuple(page.extrasamples)
    photometrics = tifffile.PHOTOMETRIC
    # Decoders of JPEG and similar formats convert YCbCr to RGB.
    decoded = photometric == photometrics.YCBCR and page.compression not in _KEEPS_YCBCR
    if photometric == photometrics.RGB or decoded:
        if page.samplesperpixel < 3:
            return Samples(
                False,
                "The image is declared as RGB, but its samples are too few: channels.",
            )
        if len(extra) > 1:
            names = ("Red", "Green", "Blue", *(f"sample {4 + n}" for n in range(len(extra))))
            note = f"The image has {len(extra)} samples besides its colours: all become channels."
            return Samples(False, note, tuple(map(Channel, names)))
        note = ""
        if extra == (tifffile.EXTRASAMPLE.UNSPECIFIED,):
            note = "The fourth sample is neither a colour nor transparency: it is left unchanged."
        return Samples(True, note, extras={"extrasamples": extra} if extra else {})
    if photometric == photometrics.SEPARATED and page.samplesperpixel == len(_INKS):
        inks = tuple(Channel(ink) for ink in _INKS)
        return Samples(False, "The four samples are inks (CMYK): they are read as channels.", inks)
    count, name = page.samplesperpixel, getattr(photometric, "name", str(photometric))
    kind = "grey" if name in ("MINISBLACK", "MINISWHITE") else name
    last = ", the last of which is transparency," if set(extra) & _TRANSPARENT else ""
    note = f"The image is declared as {kind}: its {count} samples{last} are read as channels."
    return Samples(False, note)


def orientation(page: Any) -> int:
    """Return the orientation tag of a page, 1 to 8; 1 is upright."""
    tag = page.tags.get("Orientation")
    value = tag.value if tag else 1
    return int(value) if isinstance(value, int) and 2 <= value <= 8 else 1


def resolution(page: Any, parser: TolerantParser) -> tuple[dict[str, float], dict[str, str]]:
    """Read pixel sizes and units from the tags; screen resolutions are ignored."""
    tag = page.tags.get("ResolutionUnit")
    number = parser.number("ResolutionUnit", tag.value) if tag else None
    unit = None if number is None else _UNITS.get(int(number))
    if unit is None:
        return {}, {}
    pixels = pixels_per_unit(page, parser)
    sizes = resolution_of({axis: pixels[axis] for axis in pixels if _tag(page, axis)}, unit)
    return sizes, dict.fromkeys(sizes, unit)


def pixels_per_unit(page: Any, parser: TolerantParser) -> dict[str, float | None]:
    """Return the resolution along X and Y: 1 without a tag, ``None`` if it is invalid."""
    pixels: dict[str, float | None] = {}
    for axis in "XY":
        tag, name = _tag(page, axis), f"{axis}Resolution"
        value = tag.value if tag else 1.0
        if isinstance(value, tuple) and len(value) == 2:
            numerator, denominator = (parser.size(name, part) for part in value)
            pixels[axis] = numerator / denominator if numerator and denominator else None
        else:
            pixels[axis] = parser.size(name, value)
    return pixels


def resolution_of(pixels: Mapping[str, float | None], unit: str | None) -> dict[str, float]:
    """Convert resolutions to pixel sizes; empty for a screen resolution.

    Examples
    --------
    >>> resolution_of({"X": 4.0, "Y": 2.0}, "µm")
    {'X': 0.25, 'Y': 0.5}
    >>> resolution_of({"X": 96.0, "Y": 96.0}, "in")
    {}
    """
    known = {axis: number for axis, number in pixels.items() if number}
    if unit in _PER_INCH:
        dots = {round(number * _PER_INCH[unit]) for number in known.values()}
        if dots and dots <= set(SCREEN_DPI):
            return {}
    return {axis: 1 / number for axis, number in known.items()}


def _tag(page: Any, axis: str) -> Any:
    return page.tags.get(f"{axis}Resolution")
