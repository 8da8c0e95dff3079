"""What OME-Zarr's attributes say of an image, as it is written: axes, units, sizes, colours.

The rules are those of the OME-NGFF specification, versions 0.4 and 0.5. An image has a time axis,
one axis of channels or of another meaning, and two or three of space, each at most once and in
this order. Colours are channels there: what went in as RGB comes back with an axis C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_dip.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_dip.image.metadata import StoredImage

__all__ = [
    "Version",
    "attributes",
    "axes_in_zarr",
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
        Whose pixel sizes, units, places and channels are said; of its image no more is read than a
        plane of each channel.
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
        omero = _kept_channels(stored, size.get("C", 1), dtype)
    if version == "0.4":
        return {"multiscales": [{"version": version} | image]} | omero
    return {"ome": {"version": version, "multiscales": [image]} | omero}


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


def _kept_channels(stored: StoredImage, channels: int, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return what the input said of its channels, if it is still true."""
    omero = stored.extras.get("ngff", {}).get("omero", {})
    if len(omero.get("channels", ())) == channels:
        return {"omero": omero}
    if len(stored.channels) != channels:
        return {}
    said = []
    for number, channel in enumerate(stored.channels):
        colour, name = channel.colour or "FFFFFF", channel.name or f"channel {number}"
        window = _window(stored, number, dtype)
        said.append({"label": name, "color": colour, "active": True, "window": window})
    return {"omero": {"channels": said, "rdefs": {"model": "color"}}}


def _window(stored: StoredImage, channel: int, dtype: np.dtype[Any]) -> dict[str, float]:
    """Say in what range a channel is shown: that of its middle plane, which every reader needs."""
    index = tuple(
        channel if letter == "C" else size // 2 if letter not in "YX" else slice(None)
        for letter, size in zip(stored.axes, stored.image.shape, strict=True)
    )
    plane = np.asarray(stored.image[index])
    values = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    bottom, top = low, high
    if dtype.kind in "ui":
        bottom, top = 0.0, float(np.iinfo(dtype).max)
    return {"start": low, "min": min(bottom, low), "end": high, "max": max(top, high)}


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
