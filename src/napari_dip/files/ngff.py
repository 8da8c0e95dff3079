"""What OME-Zarr's attributes say of an image, read and written: axes, units, pixel sizes, colours.

The rules are those of the OME-NGFF specification, versions 0.4 and 0.5. An image has a time axis,
one axis of channels or of another meaning, and two or three of space, each at most once and in
this order. Colours are channels there: what went in as RGB comes back with an axis C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.stack.stored import canonical_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_dip.stack.stored import StoredImage

__all__ = [
    "Described",
    "Version",
    "attributes",
    "axes_in_zarr",
    "describe",
    "is_zarr",
    "level_name",
    "version_of",
]

Version = Literal["0.4", "0.5"]

_ORDER = "TCSQZYX"
_TYPES = {"T": "time", "C": "channel", "S": "channel", "Q": "custom"}
_UNITS = {
    "pm": "picometer",
    "Å": "angstrom",
    "nm": "nanometer",
    "µm": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "dm": "decimeter",
    "m": "meter",
    "in": "inch",
    "ns": "nanosecond",
    "µs": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
}
_COLOURS = {"red": "FF0000", "green": "00FF00", "blue": "0000FF", "alpha": "FFFFFF"}


class Described(NamedTuple):
    """What the attributes of a group say: where its image is, and what that means."""

    array: str
    axes: str
    pixel_size: dict[str, float]
    unit: dict[str, str]
    translate: dict[str, float]
    extras: dict[str, dict[str, Any]]
    notes: tuple[str, ...]


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr group or array of either version."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def version_of(stored: StoredImage) -> Version:
    """Choose the version to write: that of the input, if it has one."""
    return "0.4" if stored.extras.get("ngff", {}).get("version") == "0.4" else "0.5"


def level_name(level: int) -> str:
    """Return the name of the array that holds a level of the pyramid, 0 the full resolution."""
    return str(level)


def axes_in_zarr(axes: str) -> str:
    """Put axes into the order that OME-Zarr asks for.

    Raises
    ------
    FileProblem
        If there are more axes of one kind than it has room for.

    Examples
    --------
    >>> axes_in_zarr("ZCYX"), axes_in_zarr("YXS")
    ('CZYX', 'SYX')
    """
    beside = [letter for letter in axes if letter in "CSQ"]
    if len(beside) > 1 or len(set(axes)) < len(axes):
        raise FileProblem(
            f"OME-Zarr has room for one axis beside time and space, and the axes are {axes}: "
            "write .ome.tif instead, or name them with --axes, such as TZYX"
        )
    if not {"Y", "X"} <= set(axes):
        raise FileProblem(f"an image has the axes Y and X, and these are {axes or 'none'}")
    return "".join(letter for letter in _ORDER if letter in axes)


def attributes(
    stored: StoredImage,
    axes: str,
    shapes: Sequence[tuple[int, ...]],
    dtype: np.dtype[Any],
    version: Version,
) -> dict[str, Any]:
    """Return the attributes of a group that holds a pyramid.

    Parameters
    ----------
    stored
        Whose pixel sizes, units, places and channels are said; its image is not looked at.
    axes
        In the order of :func:`axes_in_zarr`.
    shapes, dtype
        Of the arrays, each half as large along Y and X as the one before.
    version
        Of the specification.
    """
    image: dict[str, Any] = {
        "name": stored.extras.get("ngff", {}).get("name", "image"),
        "axes": [_axis(letter, stored.unit.get(letter)) for letter in axes],
        "datasets": [
            {
                "path": level_name(level),
                "coordinateTransformations": _transformations(stored, axes, 2**level),
            }
            for level in range(len(shapes))
        ],
        "type": "mean",
        "metadata": {"description": "Each level is the mean of 2 x 2 pixels of the one above."},
    }
    size = dict(zip(axes, shapes[0], strict=True))
    if "S" in axes:
        omero = {"omero": _colours(size["S"], dtype)}
    else:
        omero = _kept_channels(stored, size.get("C", 1))
    if version == "0.4":
        return {"multiscales": [{"version": version} | image]} | omero
    return {"ome": {"version": version, "multiscales": [image]} | omero}


def describe(path: Path, said: Mapping[str, Any]) -> Described:
    """Understand the attributes of the group at `path`.

    Raises
    ------
    FileProblem
        If they speak of no image, of several, or are damaged.
    """
    nested = said.get("ome", said)
    if not isinstance(nested, dict) or "multiscales" not in nested:
        raise FileProblem(f"{path} {_what_else(nested)}")
    try:
        return _understood(nested)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise FileProblem(
            f"the metadata of {path} are damaged ({type(error).__name__}: {error}); "
            "copy it again from its source, or name the array in it"
        ) from None


def _understood(said: Mapping[str, Any]) -> Described:
    image, *others = said["multiscales"]
    largest = image["datasets"][0]
    axes, unit = "", {}
    for axis in image.get("axes", [*"tczyx"]):  # the axes of versions that did not say them
        named = {"name": axis} if isinstance(axis, str) else axis
        axes += _letter(named, axes)
        if known := canonical_unit(named.get("unit")):
            unit[axes[-1]] = known
    if not {"Y", "X"} <= set(axes):
        raise ValueError(f"its axes are {axes or 'none'}")
    scales, places = np.ones(len(axes)), np.zeros(len(axes))
    for holder in (largest, image):
        for one in holder.get("coordinateTransformations", ()):
            by = np.array(one.get(one["type"], 1 if one["type"] == "scale" else 0), dtype=float)
            scales, places = (
                (scales * by, places * by) if one["type"] == "scale" else (scales, places + by)
            )
    version = said.get("version") or image.get("version")
    kept = {"version": version, "name": image.get("name"), "omero": said.get("omero")}
    return Described(
        array=str(largest["path"]),
        axes=axes,
        # A scale of 1 without a unit is what is written where nothing is known.
        pixel_size={
            letter: float(size)
            for letter, size in zip(axes, scales, strict=True)
            if size > 0 and (size != 1 or letter in unit)
        },
        unit=unit,
        translate={
            letter: float(place) for letter, place in zip(axes, places, strict=True) if place
        },
        extras={"ngff": {key: value for key, value in kept.items() if value}},
        notes=(f"It holds {1 + len(others)} images; the first is taken.",) if others else (),
    )


def _letter(axis: Mapping[str, Any], before: str) -> str:
    """Tell the role of an axis from its name, and else from its type."""
    name = axis["name"].upper()
    by_type = {"time": "T", "channel": "C"}.get(str(axis.get("type")), "Q")
    letter = name if name in [*"TCZYX"] else by_type
    return "Q" if letter in before else letter


def _what_else(said: object) -> str:
    """Say what a group without an image is."""
    keys = said.keys() if isinstance(said, dict) else ()
    if "plate" in keys or "well" in keys:
        return "is a plate of many images; name one of them, such as A/1/0 in it"
    if "bioformats2raw.layout" in keys or "series" in keys:
        return "holds several images; name one of them, such as 0 in it"
    return "is a zarr group that speaks of no image; name an array in it"


def _axis(letter: str, unit: str | None) -> dict[str, str]:
    said = {"name": "c" if letter == "S" else letter.lower(), "type": _TYPES.get(letter, "space")}
    return said | ({"unit": str(_UNITS.get(unit, unit))} if unit else {})


def _transformations(stored: StoredImage, axes: str, factor: int) -> list[dict[str, Any]]:
    """Give the scale, and the translation where the first pixel is not centred on 0."""
    scale, place = [], []
    for letter in axes:
        size = stored.pixel_size.get(letter, 1.0)
        larger = size * (factor if letter in "YX" else 1)
        scale.append(larger)
        place.append(stored.translate.get(letter, 0.0) + (larger - size) / 2)
    said: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    return [*said, {"type": "translation", "translation": place}] if any(place) else said


def _kept_channels(stored: StoredImage, channels: int) -> dict[str, Any]:
    """Return what the input said of its channels, if it is still true."""
    omero = stored.extras.get("ngff", {}).get("omero", {})
    return {"omero": omero} if len(omero.get("channels", ())) == channels else {}


def _colours(samples: int, dtype: np.dtype[Any]) -> dict[str, Any]:
    top = 1.0 if dtype.kind in "fb" else float(np.iinfo(dtype).max)
    window = {"start": 0.0, "min": 0.0, "end": top, "max": top}
    return {
        "channels": [
            {"label": name, "color": colour, "active": name != "alpha", "window": window}
            for name, colour in list(_COLOURS.items())[:samples]
        ],
        "rdefs": {"model": "color"},
    }
