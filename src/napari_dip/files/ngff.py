"""Write the OME-Zarr attributes of an image: axes, units, sizes and colours.

The rules are those of the OME-NGFF specification, versions 0.4 to 0.6. An image has at most one
time axis, one axis of channels or another meaning, and two or three spatial axes, in this order.
Colours are stored as channels whose names and colours tell that they are those of one image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.ngff_transform import written_transformation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_dip.image.metadata import StoredImage

__all__ = [
    "ACQUIRED",
    "TIMES",
    "UNNAMED",
    "Version",
    "are_colours",
    "attributes",
    "axes_in_zarr",
    "is_zarr",
    "level_name",
    "version_of",
]

Version = Literal["0.4", "0.5", "0.6"]

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
_PHYSICAL, _WORLD = "physical", "world"
"""Names of the coordinate systems of 0.6: before and after a rotation."""

UNNAMED = "image"
"""Name of an image without one."""

ACQUIRED, TIMES = "acquisition date", "time stamps (s)"
"""Keys of the metadata of an image; the specification has no place for them."""

UNKNOWN_COLOURS = ("00FFFF", "FF00FF", "FFFF00", "FF0000", "00FF00", "0000FF")
"""Colours of several channels whose colours are not known, in turn."""

_COLOURS = {"red": "FF0000", "green": "00FF00", "blue": "0000FF", "alpha": "FFFFFF"}


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a zarr group or array of format 2 or 3."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def version_of(stored: StoredImage) -> Version:
    """Choose the version to write: that of the input, 0.6 for a rotated image, or else 0.5.

    Most programs cannot read 0.6 yet.
    """
    given = str(stored.extras.get("ngff", {}).get("version", ""))
    if stored.affine is not None or given.startswith("0.6"):
        return "0.6"
    return "0.4" if given == "0.4" else "0.5"


def level_name(level: int) -> str:
    """Return the name of the array of a pyramid level; level 0 has full resolution."""
    return str(level)


def axes_in_zarr(axes: str) -> str:
    """Sort axes into the order of OME-Zarr.

    Raises
    ------
    FileProblem
        If there are more axes of one kind than OME-Zarr allows.

    Examples
    --------
    >>> axes_in_zarr("ZCYX"), axes_in_zarr("YXS")
    ('CZYX', 'SYX')
    """
    others = [letter for letter in axes if letter in "CSQ"]
    if len(others) > 1 or len(set(axes)) < len(axes):
        raise FileProblem(
            f"OME-Zarr allows one axis besides time and space, and the axes are {axes}: "
            "write .ome.tif instead, or set them with --axes, such as TZYX"
        )
    if not {"Y", "X"} <= set(axes):
        raise FileProblem(f"an image needs the axes Y and X, and the axes are {axes or 'none'}")
    return "".join(letter for letter in _ORDER if letter in axes)


def attributes(
    stored: StoredImage,
    axes: str,
    shapes: Sequence[tuple[int, ...]],
    dtype: np.dtype[Any],
    version: Version,
) -> dict[str, Any]:
    """Return the attributes of a group that holds an image pyramid.

    Parameters
    ----------
    stored
        Provides pixel sizes, units, positions and channels. At most one plane per channel is read.
    axes
        In the order of :func:`axes_in_zarr`.
    shapes, dtype
        Shapes of the arrays, each half as large along Y and X as the one before, and their dtype.
    version
        Version of the specification.
    """
    image: dict[str, Any] = {
        "name": stored.name or UNNAMED,
        "axes": [_axis(letter, stored.unit.get(letter)) for letter in axes],
        "datasets": [
            {
                "path": level_name(level),
                "coordinateTransformations": _transformations(stored, axes, 2**level),
            }
            for level in range(len(shapes))
        ],
        "type": "mean",
        "metadata": {
            "description": "Each level is the mean of 2 x 2 pixels of the one above.",
            **({ACQUIRED: stored.acquired} if stored.acquired else {}),
            **({TIMES: [*stored.known_times]} if stored.known_times else {}),
        },
    }
    size = dict(zip(axes, shapes[0], strict=True))
    if "S" in axes:
        omero = {"omero": _colours(size["S"], dtype)}
    else:
        omero = _kept_channels(stored, size.get("C", 1), dtype)
    if version == "0.6":
        _place_in_systems(image, stored, axes)
    if version == "0.4":
        return {"multiscales": [{"version": version} | image]} | omero
    return {"ome": {"version": version, "multiscales": [image]} | omero}


def _place_in_systems(image: dict[str, Any], stored: StoredImage, axes: str) -> None:
    """Turn the axes and transformations of an image into the coordinate systems of 0.6."""
    listed = image.pop("axes")
    image["coordinateSystems"] = [{"name": _PHYSICAL, "axes": listed}]
    for dataset in image["datasets"]:
        steps = dataset["coordinateTransformations"]
        one = steps[0] if len(steps) == 1 else {"type": "sequence", "transformations": steps}
        ends = {"input": {"path": dataset["path"]}, "output": {"name": _PHYSICAL}}
        dataset["coordinateTransformations"] = [one | ends]
    if stored.affine is not None:
        image["coordinateSystems"].append({"name": _WORLD, "axes": listed})
        ends = {"input": {"name": _PHYSICAL}, "output": {"name": _WORLD}}
        image["coordinateTransformations"] = [written_transformation(stored.affine, axes) | ends]


def _axis(letter: str, unit: str | None) -> dict[str, str]:
    axis = {"name": "c" if letter == "S" else letter.lower(), "type": _TYPES.get(letter, "space")}
    return axis | ({"unit": str(_UNITS.get(unit, unit))} if unit else {})


def _transformations(stored: StoredImage, axes: str, factor: int) -> list[dict[str, Any]]:
    """Return the scale, and a translation if the first pixel is not centred on 0."""
    scale, translation = [], []
    for letter in axes:
        size = stored.pixel_size.get(letter, 1.0)
        larger = size * (factor if letter in "YX" else 1)
        scale.append(larger)
        translation.append(stored.translate.get(letter, 0.0) + (larger - size) / 2)
    transformations: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    return (
        [*transformations, {"type": "translation", "translation": translation}]
        if any(translation)
        else transformations
    )


def _kept_channels(stored: StoredImage, channels: int, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the channel metadata of the input if the number of channels is unchanged."""
    omero = stored.extras.get("ngff", {}).get("omero", {})
    if len(omero.get("channels", ())) == channels:
        return {"omero": omero}
    if len(stored.channels) != channels:
        return {}
    listed = []
    for number, channel in enumerate(stored.channels):
        default = UNKNOWN_COLOURS[number % len(UNKNOWN_COLOURS)] if channels > 1 else "FFFFFF"
        colour, name = channel.colour or default, channel.name or f"channel {number}"
        window = _window(stored, number, dtype)
        listed.append({"label": name, "color": colour, "active": True, "window": window})
    return {"omero": {"channels": listed, "rdefs": {"model": "color"}}}


def _window(stored: StoredImage, channel: int, dtype: np.dtype[Any]) -> dict[str, float]:
    """Return the display range of a channel, if unknown from its middle plane; it is required."""
    bottom, top = (0.0, float(np.iinfo(dtype).max)) if dtype.kind in "ui" else (np.inf, -np.inf)
    if known := stored.channels[channel].window:
        low, high = known
        return {"start": low, "min": min(bottom, low), "end": high, "max": max(top, high)}
    index = tuple(
        channel if letter == "C" else size // 2 if letter not in "YX" else slice(None)
        for letter, size in zip(stored.axes, stored.image.shape, strict=True)
    )
    plane = np.asarray(stored.image[index])
    values = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return {"start": low, "min": min(bottom, low), "end": high, "max": max(top, high)}


def are_colours(omero: Mapping[str, Any], dtype: np.dtype[Any]) -> bool:
    """Return whether the channels of an image are the colours of an RGB or RGBA image.

    Parameters
    ----------
    omero
        The entry of that name in the attributes.
    dtype
        Of the array.

    Returns
    -------
    bool
        True for channels named red, green, blue and, if there are four, alpha, in these colours,
        whose display ranges are that of the dtype.
    """
    listed = omero.get("channels", ())
    if len(listed) not in (3, 4):
        return False
    return all(
        str(one.get("label")).lower() == expected["label"]
        and str(one.get("color")).upper() == expected["color"]
        and isinstance(window := one.get("window"), dict)
        and (window.get("start"), window.get("end")) == (0, expected["window"]["end"])
        for one, expected in zip(listed, _colours(len(listed), dtype)["channels"], strict=True)
    )


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
