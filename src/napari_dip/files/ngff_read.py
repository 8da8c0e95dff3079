"""Read the OME-Zarr attributes of an image; see :mod:`napari_dip.files.ngff`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.ngff import ACQUIRED, TIMES, UNNAMED
from napari_dip.files.ngff_transform import flattened, matrix_of, spatial_rows
from napari_dip.image.metadata import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_dip.files.tolerant_parsing import TolerantParser

__all__ = ["ImageDescription", "describe_image", "holds_several_images", "list_images"]

_COLOUR = re.compile("[0-9A-Fa-f]{6}")


class ImageDescription(NamedTuple):
    """The content of the attributes of a group: the paths of its arrays and their metadata.

    ``smaller`` are the paths of the other arrays of a pyramid, largest first.
    """

    array: str
    axes: str
    pixel_size: dict[str, float]
    unit: dict[str, str]
    translate: dict[str, float]
    extras: dict[str, dict[str, Any]]
    channels: tuple[Channel, ...]
    smaller: tuple[str, ...]
    name: str = ""
    acquired: str = ""
    times: tuple[float, ...] = ()
    affine: tuple[tuple[float, ...], ...] | None = None


def holds_several_images(attributes: Mapping[str, Any]) -> bool:
    """Return whether a group holds images in groups of their own: 0, 1 and so on."""
    nested = attributes.get("ome", attributes)
    return isinstance(nested, dict) and "bioformats2raw.layout" in {*attributes, *nested}


def list_images(path: Path, attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the name and the full-resolution array of each image in the attributes.

    Raises
    ------
    FileProblem
        If there is no image, or the attributes are damaged.
    """
    nested = attributes.get("ome", attributes)
    if not isinstance(nested, dict) or "multiscales" not in nested:
        raise FileProblem(f"{path} {_describe_other(nested)}")
    try:
        images = list(nested["multiscales"])
        if not images:
            raise ValueError("no image is listed")
        return [(str(one.get("name") or ""), str(one["datasets"][0]["path"])) for one in images]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from None


def describe_image(
    path: Path, attributes: Mapping[str, Any], number: int, parser: TolerantParser
) -> ImageDescription:
    """Parse the attributes of the group at `path`.

    Parameters
    ----------
    path, attributes
        The group, and its attributes.
    number
        Index of the image in :func:`list_images`.
    parser
        Parses the numbers.

    Raises
    ------
    FileProblem
        If the axes are invalid.
    """
    try:
        return _parse(attributes.get("ome", attributes), number, parser)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> FileProblem:
    return FileProblem(
        f"the metadata of {path} are damaged ({type(error).__name__}: {error}); "
        "copy it again from its source, or give the path of the array in it"
    )


def _parse(attributes: Mapping[str, Any], number: int, parser: TolerantParser) -> ImageDescription:
    image = attributes["multiscales"][number]
    largest = image["datasets"][0]
    axes, unit = "", {}
    listed = image.get("axes") or _axes_of_system(image) or [*"tczyx"]  # those of early versions
    for axis in listed:
        named = {"name": axis} if isinstance(axis, str) else axis
        axes += _letter(named, axes)
        if known := parser.unit(f"unit of {named['name']}", named.get("unit")):
            unit[axes[-1]] = known
    if not {"Y", "X"} <= set(axes):
        raise ValueError(f"its axes are {axes or 'none'}")
    scales, translations = np.ones(len(axes)), np.zeros(len(axes))
    sized = np.zeros(len(axes), bool)
    in_systems = "coordinateSystems" in image
    for holder in (largest,) if in_systems else (largest, image):
        for kind, values in _transformations(holder, axes, parser):
            if kind == "scale":
                sized |= np.isfinite(values)
                values = np.nan_to_num(values, nan=1.0)
                scales, translations = scales * values, translations * values
            else:
                translations = translations + values
    affine = _affine(image, axes, parser) if in_systems else None
    omero = _omero(attributes.get("omero"), parser)
    version = attributes.get("version") or image.get("version")
    kept = {"version": version, "omero": omero}
    said = image.get("metadata")
    said = said if isinstance(said, dict) else {}
    name, date = image.get("name"), said.get(ACQUIRED)
    return ImageDescription(
        array=str(largest["path"]),
        axes=axes,
        # A scale of 1 without a unit means an unknown size, and so does an invalid one.
        pixel_size={
            letter: float(size)
            for letter, size, known in zip(axes, scales, sized, strict=True)
            if known and (size != 1 or letter in unit)
        },
        unit={
            letter: unit[letter]
            for letter, known in zip(axes, sized, strict=True)
            if letter in unit and known
        },
        translate={
            letter: float(translation)
            for letter, translation in zip(axes, translations, strict=True)
            if translation
        },
        extras={"ngff": {key: value for key, value in kept.items() if value}},
        channels=_channels(omero, parser),
        smaller=tuple(
            str(one["path"])
            for one in image["datasets"][1:]
            if isinstance(one, dict) and "path" in one
        ),
        name=name if isinstance(name, str) and name != UNNAMED else "",
        acquired=date if isinstance(date, str) else "",
        times=_times(said.get(TIMES), parser),
        affine=affine,
    )


def _axes_of_system(image: Mapping[str, Any]) -> list[Any]:
    """Return the axes of the coordinate system that the pixels are placed in (0.6)."""
    systems, name = image.get("coordinateSystems") or [], _intrinsic(image)
    chosen = [one for one in systems if one.get("name") == name] or systems[:1]
    return list(chosen[0]["axes"]) if chosen else []


def _intrinsic(image: Mapping[str, Any]) -> str:
    """Return the name of the coordinate system that the pixels are placed in (0.6)."""
    (first, *_) = image["datasets"][0].get("coordinateTransformations") or [{}]
    return _system(first, "output")


def _system(transformation: Any, end: str) -> str:
    """Return the name of the input or output of a transformation; drafts have the name alone."""
    found = transformation.get(end) if isinstance(transformation, dict) else None
    return str(found.get("name") if isinstance(found, dict) else found)


def _affine(
    image: Mapping[str, Any], axes: str, parser: TolerantParser
) -> tuple[tuple[float, ...], ...] | None:
    """Read the first transformation into another coordinate system (0.6).

    One from there to the pixels' system is inverted.
    """
    listed = image.get("coordinateTransformations")
    listed = listed if isinstance(listed, list) else []
    here = _intrinsic(image)
    ends = [(_system(one, "input"), _system(one, "output")) for one in listed]
    places = [place for place, pair in enumerate(ends) if here in pair] or [0]
    for place, more in enumerate(listed):
        if place != places[0]:
            kind = more.get("type") if isinstance(more, dict) else more
            parser.ignore(f"coordinateTransformations to {ends[place][1]}", kind)
    matrix = matrix_of(listed[places[0] : places[0] + 1], axes, parser)
    if listed and ends[places[0]][1] == here and np.linalg.det(matrix):
        matrix = np.asarray(np.linalg.inv(matrix), np.float64)
    rows = spatial_rows(matrix, axes)
    if rows is None:
        parser.ignore("coordinateTransformations", listed[places[0]])
    return None if np.array_equal(matrix, np.eye(len(axes) + 1)) else rows


def _times(stamps: Any, parser: TolerantParser) -> tuple[float, ...]:
    """Read time stamps in seconds; empty if one is not a number."""
    numbers = [parser.number(TIMES, stamp) for stamp in stamps] if isinstance(stamps, list) else []
    return tuple(number for number in numbers if number is not None and None not in numbers)


def _transformations(
    holder: Mapping[str, Any], axes: str, parser: TolerantParser
) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Read scales and translations; others, and those of other axes, are ignored."""
    found = []
    for one in flattened(holder.get("coordinateTransformations")):
        kind = one.get("type") if isinstance(one, dict) else None
        if kind == "identity":
            continue
        values = one.get(kind) if kind in ("scale", "translation") else None
        if not isinstance(values, list) or len(values) != len(axes):
            parser.ignore("coordinateTransformations", one)
            continue
        named = [(f"{kind} of {axis}", value) for axis, value in zip(axes, values, strict=True)]
        if kind == "scale":
            numbers = [parser.size(*one) or np.nan for one in named]
        else:
            numbers = [parser.number(*one) or 0.0 for one in named]
        found.append((str(kind), np.array(numbers)))
    return found


def _omero(omero: Any, parser: TolerantParser) -> dict[str, Any]:
    """Return the channel metadata if they have the expected form."""
    if omero is None:
        return {}
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if isinstance(channels, list) and all(isinstance(channel, dict) for channel in channels):
        return dict(omero)
    parser.ignore("omero", omero)
    return {}


def _channels(omero: Mapping[str, Any], parser: TolerantParser) -> tuple[Channel, ...]:
    channels = []
    for channel in omero.get("channels", ()):
        name, colour = channel.get("label"), channel.get("color")
        if not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
            if colour is not None:
                parser.ignore("color", colour)
            colour = ""
        window = _window(channel.get("window"), parser)
        channels.append(Channel(name if isinstance(name, str) else "", colour.upper(), window))
    return tuple(channels) if any(channels) else ()


def _window(window: Any, parser: TolerantParser) -> tuple[float, float] | None:
    """Read a display range; ``None`` if there is no valid one."""
    if not isinstance(window, dict):
        return None
    low, high = (parser.number(f"window {end}", window.get(end)) for end in ("start", "end"))
    return None if low is None or high is None or low >= high else (low, high)


def _letter(axis: Mapping[str, Any], used: str) -> str:
    """Return the letter of an axis from its name, or from its type."""
    name = axis["name"].upper()
    by_type = {"time": "T", "channel": "C"}.get(str(axis.get("type")), "Q")
    letter = name if name in [*"TCZYX"] else by_type
    return "Q" if letter in used else letter


def _describe_other(attributes: object) -> str:
    """Describe a group without an image."""
    keys = attributes.keys() if isinstance(attributes, dict) else ()
    if "plate" in keys or "well" in keys:
        return (
            "is a plate of many images; give one of them, such as A/1/0 in it, or restore the "
            "plate as a folder: napari-dip denoise PLATE OUT.ome.zarr, or restore_folder in Python"
        )
    labels = attributes.get("labels") if isinstance(attributes, dict) else None
    if isinstance(labels, list):
        return f"holds labels: {', '.join(map(str, labels))}; give the path of one of them"
    if "series" in keys:
        return "only lists the images of the parent folder; give that folder"
    return "is a zarr group without an image; give the path of an array in it"
