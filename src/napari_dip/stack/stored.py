"""An image as a file holds it: values, named axes, pixel sizes and what else was said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["MICROMETRES", "SECONDS", "StoredImage", "canonical_unit"]

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
    "second": "s",
    "seconds": "s",
    "angstrom": "Å",
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


@dataclass(frozen=True)
class StoredImage:
    """What was read from a file.

    Attributes
    ----------
    image
        The values, in the file's dtype and the machine's byte order; colours come last.
    axes
        One letter of ``TCZYXSQ`` for each axis of `image`.
    pixel_size
        The distance between two neighbours along an axis, in its `unit`; axes of which the
        file says nothing are left out. ``T`` is the time between two frames.
    unit
        ``"µm"``, ``"s"`` and so on; axes without a known unit are left out.
    extras
        What else a file of the same kind can carry, by kind: channel names, display ranges.
    notes
        What the user should know about the reading, in whole sentences.
    """

    image: NDArray[Any]
    axes: str
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    unit: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_image(
        self, image: NDArray[Any], axes: str, factor: int = 1, scaled_axes: str = ""
    ) -> StoredImage:
        """Put another image in the place of this one, its pixels `factor` times smaller.

        Parameters
        ----------
        image, axes
            The new values and their axes.
        factor
            How many new pixels stand for an old one along each of `scaled_axes`.
        scaled_axes
            The letters of those axes.

        Examples
        --------
        >>> old = StoredImage(np.zeros((8, 8)), "YX", {"Y": 0.5, "X": 0.5}, {"Y": "µm", "X": "µm"})
        >>> old.with_image(np.zeros((16, 16)), "YX", 2, "YX").pixel_size
        {'Y': 0.25, 'X': 0.25}
        """
        sizes = {
            axis: size / factor if axis in scaled_axes else size
            for axis, size in self.pixel_size.items()
        }
        return replace(self, image=np.asarray(image), axes=axes, pixel_size=sizes)

    def size_in(self, axis: str, table: Mapping[str, float], unit: str | None) -> float | None:
        """Return the pixel size along `axis` in another unit, ``None`` where it cannot be said."""
        size, own = self.pixel_size.get(axis), self.unit.get(axis)
        if size is None or own == unit:
            return size
        if own is None or unit is None or not {own, unit} <= table.keys():
            return None
        return size * table[own] / table[unit]
