"""What the tags of a TIFF page say, whatever the dialect: resolution, colours, orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tifffile

from napari_dip.image.metadata import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.files.tolerant_parsing import TolerantParser

__all__ = [
    "NAME",
    "SCREENS",
    "Header",
    "Samples",
    "orientation",
    "pixels_per_unit",
    "resolution",
    "resolution_of",
    "samples_of",
]

NAME = "napari-dip"
"""Under this name a file's metadata say how the image came about."""

SCREENS = (72, 96)  # dots per inch that programs write that know nothing of the size of a pixel
_UNITS = {2: "in", 3: "cm"}
_PER_INCH = {"in": 1.0, "cm": 2.54}
_TRANSPARENT = {tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA}
_LOSSLESS = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)  # tifffile leaves YCbCr as it is
_INKS = ("Cyan", "Magenta", "Yellow", "Black")


class Header(NamedTuple):
    """What a file says of an image; the fields are those of ``StoredImage``."""

    pixel_size: dict[str, float]
    unit: dict[str, str]
    extras: dict[str, dict[str, Any]]
    notes: tuple[str, ...] = ()
    translate: Mapping[str, float] = {}
    channels: tuple[Channel, ...] = ()


class Samples(NamedTuple):
    """What the samples of a pixel are: colours, with or without more, or channels.

    ``extras`` are what is needed to write them as the same.
    """

    are_colours: bool
    note: str = ""
    channels: tuple[Channel, ...] = ()
    extras: Mapping[str, Any] = {}


def samples_of(page: Any) -> Samples:
    """Tell from the photometric interpretation what the samples of a page are.

    Their number says nothing: a microscope writes three or four channels as samples, too.
    """
    photometric, more = page.photometric, tuple(page.extrasamples)
    photometrics = tifffile.PHOTOMETRIC
    # Decoders of JPEG and the like make RGB of YCbCr.
    decoded = photometric == photometrics.YCBCR and page.compression not in _LOSSLESS
    if photometric == photometrics.RGB or decoded:
        if page.samplesperpixel < 3:
            return Samples(False, "It says that it is RGB, but has too few samples: channels.")
        if len(more) > 1:
            names = ("Red", "Green", "Blue", *(f"sample {4 + n}" for n in range(len(more))))
            note = f"It has {len(more)} samples beside its colours: all are taken as channels."
            return Samples(False, note, tuple(map(Channel, names)))
        note = ""
        if more == (tifffile.EXTRASAMPLE.UNSPECIFIED,):
            note = "Its fourth sample is neither a colour nor transparency: it stays as it is."
        return Samples(True, note, extras={"extrasamples": more} if more else {})
    if photometric == photometrics.SEPARATED and page.samplesperpixel == len(_INKS):
        inks = tuple(Channel(ink) for ink in _INKS)
        return Samples(False, "Its four samples are inks (CMYK): they are taken as channels.", inks)
    count, name = page.samplesperpixel, getattr(photometric, "name", str(photometric))
    said = "grey" if name in ("MINISBLACK", "MINISWHITE") else name
    last = ", the last of which is transparency," if set(more) & _TRANSPARENT else ""
    note = f"It says that it is {said}: its {count} samples{last} are taken as channels."
    return Samples(False, note)


def orientation(page: Any) -> int:
    """Return how a page should be turned to be looked at, 1 to 8; 1 is as it is."""
    tag = page.tags.get("Orientation")
    value = tag.value if tag else 1
    return int(value) if isinstance(value, int) and 2 <= value <= 8 else 1


def resolution(page: Any, parser: TolerantParser) -> tuple[dict[str, float], dict[str, str]]:
    """Read pixel sizes and units from the tags, where they say more than that of a screen."""
    tag = page.tags.get("ResolutionUnit")
    number = parser.number("ResolutionUnit", tag.value) if tag else None
    unit = None if number is None else _UNITS.get(int(number))
    if unit is None:
        return {}, {}
    pixels = pixels_per_unit(page, parser)
    sizes = resolution_of({axis: pixels[axis] for axis in pixels if _tag(page, axis)}, unit)
    return sizes, dict.fromkeys(sizes, unit)


def pixels_per_unit(page: Any, parser: TolerantParser) -> dict[str, float | None]:
    """Return the numbers along X and Y: 1 without a tag, ``None`` where it makes no sense."""
    pixels: dict[str, float | None] = {}
    for axis in "XY":
        tag, name = _tag(page, axis), f"{axis}Resolution"
        value = tag.value if tag else 1.0
        if isinstance(value, tuple) and len(value) == 2:
            above, below = (parser.size(name, part) for part in value)
            pixels[axis] = above / below if above and below else None
        else:
            pixels[axis] = parser.size(name, value)
    return pixels


def resolution_of(pixels: Mapping[str, float | None], unit: str | None) -> dict[str, float]:
    """Return pixel sizes; none where the resolution is that of a screen.

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
        if dots and dots <= set(SCREENS):
            return {}
    return {axis: 1 / number for axis, number in known.items()}


def _tag(page: Any, axis: str) -> Any:
    return page.tags.get(f"{axis}Resolution")
