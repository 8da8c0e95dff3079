"""What OME-Zarr's attributes say of an image, as it is read; see :mod:`napari_dip.files.ngff`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.image.metadata import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_dip.files.tolerant_parsing import TolerantParser

__all__ = ["ImageDescription", "describe_image", "holds_several_images", "list_images"]

_COLOUR = re.compile("[0-9A-Fa-f]{6}")


class ImageDescription(NamedTuple):
    """What the attributes of a group say: where its image is, and what that means."""

    array: str
    axes: str
    pixel_size: dict[str, float]
    unit: dict[str, str]
    translate: dict[str, float]
    extras: dict[str, dict[str, Any]]
    channels: tuple[Channel, ...]


def holds_several_images(said: Mapping[str, Any]) -> bool:
    """Tell whether a group holds images that are groups of their own: 0, 1 and so on."""
    nested = said.get("ome", said)
    return isinstance(nested, dict) and "bioformats2raw.layout" in {*said, *nested}


def list_images(path: Path, said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names and the largest arrays of the images that attributes speak of.

    Raises
    ------
    FileProblem
        If they speak of none, or are damaged.
    """
    nested = said.get("ome", said)
    if not isinstance(nested, dict) or "multiscales" not in nested:
        raise FileProblem(f"{path} {_what_else(nested)}")
    try:
        images = list(nested["multiscales"])
        if not images:
            raise ValueError("it lists no image")
        return [(str(one.get("name") or ""), str(one["datasets"][0]["path"])) for one in images]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from None


def describe_image(
    path: Path, said: Mapping[str, Any], number: int, parser: TolerantParser
) -> ImageDescription:
    """Understand the attributes of the group at `path`.

    Parameters
    ----------
    path, said
        The group, and its attributes.
    number
        Of the image among :func:`list_images`.
    parser
        Reads the numbers.

    Raises
    ------
    FileProblem
        If the axes cannot be understood.
    """
    try:
        return _understood(said.get("ome", said), number, parser)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> FileProblem:
    return FileProblem(
        f"the metadata of {path} are damaged ({type(error).__name__}: {error}); "
        "copy it again from its source, or name the array in it"
    )


def _understood(said: Mapping[str, Any], number: int, parser: TolerantParser) -> ImageDescription:
    image = said["multiscales"][number]
    largest = image["datasets"][0]
    axes, unit = "", {}
    for axis in image.get("axes") or [*"tczyx"]:  # the axes of versions that did not say them
        named = {"name": axis} if isinstance(axis, str) else axis
        axes += _letter(named, axes)
        if known := parser.unit(f"unit of {named['name']}", named.get("unit")):
            unit[axes[-1]] = known
    if not {"Y", "X"} <= set(axes):
        raise ValueError(f"its axes are {axes or 'none'}")
    scales, places = np.ones(len(axes)), np.zeros(len(axes))
    for holder in (largest, image):
        for kind, by in _transformations(holder, axes, parser):
            if kind == "scale":
                scales, places = scales * by, places * by
            else:
                places = places + by
    omero = _omero(said.get("omero"), parser)
    version = said.get("version") or image.get("version")
    kept = {"version": version, "name": image.get("name"), "omero": omero}
    return ImageDescription(
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
        channels=_channels(omero, parser),
    )


def _transformations(
    holder: Mapping[str, Any], axes: str, parser: TolerantParser
) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Read scales and translations; what is neither, or not of these axes, is ignored."""
    found = []
    said = holder.get("coordinateTransformations")
    for one in said if isinstance(said, list) else [] if said is None else [said]:
        kind = one.get("type") if isinstance(one, dict) else None
        if kind == "identity":
            continue
        values = one.get(kind) if kind in ("scale", "translation") else None
        if not isinstance(values, list) or len(values) != len(axes):
            parser.ignore("coordinateTransformations", one)
            continue
        named = [(f"{kind} of {axis}", value) for axis, value in zip(axes, values, strict=True)]
        if kind == "scale":
            numbers = [parser.size(*one) or 1.0 for one in named]
        else:
            numbers = [parser.number(*one) or 0.0 for one in named]
        found.append((str(kind), np.array(numbers)))
    return found


def _omero(said: Any, parser: TolerantParser) -> dict[str, Any]:
    """Return what is said of the channels, if it has the form that it should have."""
    if said is None:
        return {}
    channels = said.get("channels") if isinstance(said, dict) else None
    if isinstance(channels, list) and all(isinstance(channel, dict) for channel in channels):
        return dict(said)
    parser.ignore("omero", said)
    return {}


def _channels(omero: Mapping[str, Any], parser: TolerantParser) -> tuple[Channel, ...]:
    channels = []
    for said in omero.get("channels", ()):
        name, colour = said.get("label"), said.get("color")
        if not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
            if colour is not None:
                parser.ignore("color", colour)
            colour = ""
        channels.append(Channel(name if isinstance(name, str) else "", colour.upper()))
    return tuple(channels) if any(channels) else ()


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
    labels = said.get("labels") if isinstance(said, dict) else None
    if isinstance(labels, list):
        return f"holds labels: {', '.join(map(str, labels))}; name one of them in it"
    if "series" in keys:
        return "only lists the images of the folder above; name that"
    return "is a zarr group that speaks of no image; name an array in it"
