"""An image as a file holds it: values, named axes, pixel sizes and what else was said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.image.lazy import LazyArray

__all__ = ["MICROMETRES", "SECONDS", "Channel", "StoredImage", "canonical_unit"]

MICROMETRES = {
    "pm": 1e-6,
    "Å": 1e-4,
    "nm": 1e-3,
    "µm": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "dm": 1e5,
    "m": 1e6,
    "in": 25_400.0,
}
SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}

_SPELLINGS = {
    "\\u00b5m": "µm",  # ImageJ escapes the letter
    "µ": "µm",
    "um": "µm",
    "micron": "µm",
    "microns": "µm",
    "micrometer": "µm",
    "micrometre": "µm",
    "nanometer": "nm",
    "inch": "in",
    "inches": "in",
    "us": "µs",
    "sec": "s",
    "secs": "s",
    "msec": "ms",
    "usec": "µs",
    "mins": "min",
    "minutes": "min",
    "hr": "h",
    "hrs": "h",
    "hours": "h",
    "days": "d",
    "milliseconds": "ms",
    "microseconds": "µs",
    "nanoseconds": "ns",
    "nanometers": "nm",
    "nanometre": "nm",
    "millimetre": "mm",
    "centimetre": "cm",
    "micrometers": "µm",
    "micrometres": "µm",
    "second": "s",
    "seconds": "s",
    "angstrom": "Å",
    "picometer": "pm",
    "millimeter": "mm",
    "centimeter": "cm",
    "decimeter": "dm",
    "meter": "m",
    "nanosecond": "ns",
    "microsecond": "µs",
    "millisecond": "ms",
    "minute": "min",
    "hour": "h",
    "day": "d",
}
_NO_UNIT = {"", "pixel", "pixels", "reference frame", "unknown", "none"}


def canonical_unit(name: str | None) -> str | None:
    r"""Return one spelling for each unit, ``None`` for pixels and for nothing.

    Examples
    --------
    >>> canonical_unit("micron"), canonical_unit("\\u00B5m"), canonical_unit("pixel")
    ('µm', 'µm', None)
    """
    name = (name or "").strip().strip("\0").replace("μ", "µ")  # Greek mu, micro sign
    if name.lower() in _NO_UNIT:
        return None
    return _SPELLINGS.get(name.lower(), name)


class Channel(NamedTuple):
    """What a file says of a channel.

    ``colour`` is that in which it is shown, as ``RRGGBB``. Either is empty if it is not known.
    """

    name: str = ""
    colour: str = ""

    def __bool__(self) -> bool:
        """Tell whether anything is known."""
        return bool(self.name or self.colour)


@dataclass(frozen=True)
class StoredImage:
    """What was read from a file.

    Attributes
    ----------
    image
        The values, in the file's dtype and the machine's byte order; colours come last. From
        OME-Zarr and from a series of files they are read when they are asked for.
    axes
        One letter of ``TCZYXSQ`` for each axis of `image`.
    pixel_size
        The distance between two neighbours along an axis, in its `unit`; axes of which the
        file says nothing are left out. ``T`` is the time between two frames.
    unit
        ``"µm"``, ``"s"`` and so on; axes without a known unit are left out.
    extras
        What else a file of the same kind can carry, by kind: display ranges, a description.
    notes
        What the user should know about the reading, in whole sentences.
    translate
        Where the centre of the first pixel lies, in the unit of the axis; 0 where it is left out.
    files
        All files, or folders of files, that the values come from; none where that is not known.
    channels
        Names and colours of the channels, in their order; empty where nothing is known of them.
    series
        The number of the image in a file that holds several.
    """

    image: LazyArray
    axes: str
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    unit: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    translate: Mapping[str, float] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    channels: tuple[Channel, ...] = ()
    series: int = 0

    def with_image(
        self, image: LazyArray, axes: str, factors: Mapping[str, int] | None = None
    ) -> StoredImage:
        """Put another image in the place of this one, its pixels smaller by some factors.

        Parameters
        ----------
        image, axes
            The new values and their axes.
        factors
            How many new pixels stand for an old one, by the letters of the axes.

        Examples
        --------
        >>> old = StoredImage(np.zeros((8, 8)), "YX", {"Y": 0.5, "X": 0.5}, {"Y": "µm", "X": "µm"})
        >>> old.with_image(np.zeros((16, 8)), "YX", {"Y": 2}).pixel_size
        {'Y': 0.25, 'X': 0.5}
        """
        return replace(self.refined(factors or {}), image=image, axes=axes, files=())

    def refined(self, factors: Mapping[str, int]) -> StoredImage:
        """Make the pixels smaller along some axes, so that they cover the same area.

        Parameters
        ----------
        factors
            How many new pixels stand for an old one, by the letters of the axes.

        Returns
        -------
        StoredImage
            With other pixel sizes and, since the first of the smaller pixels begins where the
            first of the larger ones began, another place of its centre; the image is the same.

        Examples
        --------
        >>> old = StoredImage(np.zeros((8, 8)), "YX", {"Y": 0.5, "X": 0.5}, translate={"X": 3.0})
        >>> old.refined({"Y": 2, "X": 2}).translate
        {'X': 2.875, 'Y': -0.125}
        """
        sizes, centres = dict(self.pixel_size), dict(self.translate)
        for axis, factor in factors.items():
            if axis in sizes and factor > 1:
                sizes[axis] /= factor
                centres[axis] = centres.get(axis, 0.0) + (sizes[axis] - self.pixel_size[axis]) / 2
        return replace(self, pixel_size=sizes, translate=centres)

    @property
    def channel_count(self) -> int:
        """How many channels there are; colours are one."""
        return self.image.shape[self.axes.index("C")] if "C" in self.axes else 1

    @property
    def known_channels(self) -> tuple[Channel, ...]:
        """The channels, if there are as many as :attr:`channels` speaks of; empty otherwise."""
        return self.channels if len(self.channels) == self.channel_count else ()

    @property
    def voxel(self) -> tuple[float, float, float] | None:
        """The pixel sizes along Z, Y and X in the unit of X, ``None`` where one is not known."""
        z, y, x = (self.size_in(axis, MICROMETRES, self.unit.get("X")) for axis in "ZYX")
        return None if z is None or y is None or x is None else (z, y, x)

    def whole(self) -> NDArray[Any]:
        """Read all values into memory."""
        return np.asarray(self.image)

    def size_in(self, axis: str, table: Mapping[str, float], unit: str | None) -> float | None:
        """Return the pixel size along `axis` in another unit, ``None`` where it cannot be said."""
        size, own = self.pixel_size.get(axis), self.unit.get(axis)
        if size is None or own == unit:
            return size
        if own is None or unit is None or not {own, unit} <= table.keys():
            return None
        return size * table[own] / table[unit]
