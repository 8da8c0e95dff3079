"""Parse numbers and units in metadata. Invalid values are ignored and listed in a note."""

from __future__ import annotations

import math

from napari_dip.image.metadata import canonical_unit
from napari_dip.plaintext import shortened

__all__ = ["TolerantParser"]


class TolerantParser:
    """Parse metadata values; ignore invalid ones and list them in a note.

    Examples
    --------
    >>> parser = TolerantParser()
    >>> parser.size("PhysicalSizeX", "0.25"), parser.size("PhysicalSizeY", "0,25")
    (0.25, None)
    >>> parser.notes()
    ("Ignored invalid metadata: PhysicalSizeY='0,25'.",)
    """

    def __init__(self) -> None:
        self._ignored: dict[str, str] = {}
        self._lost: dict[str, None] = {}

    def number(self, name: str, value: object) -> float | None:
        """Return a finite number; ``None`` if the value is absent or not a number."""
        if value is None:
            return None
        try:
            if isinstance(value, bool):
                raise TypeError
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        self.ignore(name, value)
        return None

    def size(self, name: str, value: object) -> float | None:
        """Return a number above 0; ``None`` for 0, which means an unknown size."""
        number = self.number(name, value)
        if number is not None and number < 0:
            self.ignore(name, value)
        return number if number is not None and number > 0 else None

    def unit(self, name: str, value: object) -> str | None:
        """Return a unit; ``None`` if the value is absent or not a unit of measurement."""
        if value is None or isinstance(value, str):
            return canonical_unit(value)
        self.ignore(name, value)
        return None

    def ignore(self, name: str, value: object) -> None:
        """Record that a value is ignored."""
        self._ignored[shortened(name, 60)] = shortened(repr(value), 60)

    def lose(self, sentence: str) -> None:
        """Record that valid metadata cannot be kept."""
        self._lost[sentence] = None

    def notes(self) -> tuple[str, ...]:
        """Return a sentence that lists the ignored values, and others; empty without any."""
        if not self._ignored:
            return tuple(self._lost)
        ignored = ", ".join(f"{name}={value}" for name, value in self._ignored.items())
        return (f"Ignored invalid metadata: {ignored}.", *self._lost)
