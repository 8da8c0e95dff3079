"""An image of a file: values, axes, pixel sizes and further metadata."""

from __future__ import annotations

import math
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
"""Micrometres in each unit of length."""
SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
"""Seconds in each unit of time."""

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
    r"""Return the canonical spelling of a unit; ``None`` for pixels and for no unit.

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
    """Name, display colour and display range of a channel.

    The colour is ``RRGGBB``; an unknown name or colour is empty. ``window`` are the values that a
    viewer shows darkest and brightest, ``None`` if unknown.
    """

    name: str = ""
    colour: str = ""
    window: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.name or self.colour or self.window)


@dataclass(frozen=True)
class StoredImage:
    """An image as it was read from a file, with its metadata.

    Attributes
    ----------
    image
        The values, in the dtype of the file and the byte order of the machine; S is the last axis.
        Arrays of OME-Zarr and of file series are lazy.
    axes
        One letter of ``TCZYXSQ`` for each axis of `image`.
    pixel_size
        Distance of two neighbouring pixels along an axis, in its `unit`; unknown axes are left out.
        For ``T``, the time between two frames.
    unit
        Unit of each axis, such as ``"µm"`` or ``"s"``; unknown axes are left out.
    extras
        Further metadata by file format, such as display ranges; a file of that format keeps them.
    notes
        Messages to the user about the file, in whole sentences.
    translate
        Position of the centre of the first pixel, in the unit of the axis; 0 where it is left out.
    files
        All files, or folders of files, that hold the values; empty if unknown.
    channels
        Names and colours of the channels, in their order; empty if unknown.
    optics
        Numbers of the microscope, by the names of the fields of
        :class:`~napari_dip.settings.Optics`; unknown ones are left out.
    series
        Number of the image in a file with several images.
    images
        Names and sizes of all images in such a file; empty for a file with one.
    smaller
        The same image with fewer pixels along Y and X, as pyramids have it; largest first.
    name
        Name of the image; empty if unknown.
    acquired
        Date and time of acquisition, as in ISO 8601; empty if unknown.
    times
        Time stamp of each frame in seconds, in their order; empty if unknown.
    affine
        Rotation, shear or mirroring of the image in the world: a row for each spatial axis, in
        their order, of factors for the positions along these axes and an offset, both in the unit
        of the axis; ``None`` without any. Positions include `pixel_size` and `translate`.
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
    optics: Mapping[str, Any] = field(default_factory=dict)
    series: int = 0
    images: tuple[str, ...] = ()
    smaller: tuple[LazyArray, ...] = ()
    name: str = ""
    acquired: str = ""
    times: tuple[float, ...] = ()
    affine: tuple[tuple[float, ...], ...] | None = None

    def with_image(
        self, image: LazyArray, axes: str, factors: Mapping[str, int] | None = None
    ) -> StoredImage:
        """Return a copy with another image, whose pixels are smaller by factors.

        Parameters
        ----------
        image, axes
            The new values and their axes.
        factors
            Number of new pixels for each old one, by the letters of the axes.

        Examples
        --------
        >>> old = StoredImage(np.zeros((8, 8)), "YX", {"Y": 0.5, "X": 0.5}, {"Y": "µm", "X": "µm"})
        >>> old.with_image(np.zeros((16, 8)), "YX", {"Y": 2}).pixel_size
        {'Y': 0.25, 'X': 0.5}
        """
        refined = self.refined(factors or {})
        return replace(refined, image=image, axes=axes, files=(), images=(), smaller=())

    def refined(self, factors: Mapping[str, int]) -> StoredImage:
        """Return a copy with smaller pixels that cover the same area.

        Parameters
        ----------
        factors
            Number of new pixels for each old one, by the letters of the axes.

        Returns
        -------
        StoredImage
            The same image with new pixel sizes, and with the position of the centre of the first
            smaller pixel, which starts at the same edge as the first larger one.

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
    def known_optics(self) -> dict[str, Any]:
        """The numbers of the microscope, with the pixel sizes in µm."""
        z, y, x = (self.size_in(axis, MICROMETRES, "µm") for axis in "ZYX")
        sizes = {"z_step": z}
        if x is not None and y is not None and math.isclose(x, y, rel_tol=0.01):
            sizes["pixel_size"] = x
        return dict(self.optics) | {name: size for name, size in sizes.items() if size is not None}

    @property
    def channel_count(self) -> int:
        """Number of channels; the samples of a colour are one channel."""
        return self.image.shape[self.axes.index("C")] if "C" in self.axes else 1

    @property
    def known_channels(self) -> tuple[Channel, ...]:
        """:attr:`channels`, if their number fits the image; empty otherwise."""
        return self.channels if len(self.channels) == self.channel_count else ()

    @property
    def known_times(self) -> tuple[float, ...]:
        """:attr:`times`, if their number fits the image; empty otherwise."""
        frames = self.image.shape[self.axes.index("T")] if "T" in self.axes else 0
        return self.times if len(self.times) == frames else ()

    @property
    def voxel(self) -> tuple[float, float, float] | None:
        """The pixel sizes along Z, Y and X in the unit of X; ``None`` if one is unknown."""
        z, y, x = (self.size_in(axis, MICROMETRES, self.unit.get("X")) for axis in "ZYX")
        return None if z is None or y is None or x is None else (z, y, x)

    def whole(self) -> NDArray[Any]:
        """Read all values into memory."""
        return np.asarray(self.image)

    def size_in(self, axis: str, table: Mapping[str, float], unit: str | None) -> float | None:
        """Convert the pixel size along `axis` to another unit; ``None`` if that is impossible."""
        size, own = self.pixel_size.get(axis), self.unit.get(axis)
        if size is None or own == unit:
            return size
        if own is None or unit is None or not {own, unit} <= table.keys():
            return None
        return size * table[own] / table[unit]
