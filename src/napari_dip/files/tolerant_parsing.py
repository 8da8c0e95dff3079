"""Numbers and units in metadata, read as far as they make sense: none of them refuses an image."""

from __future__ import annotations

import math

from napari_dip.image.metadata import canonical_unit
from napari_dip.plaintext import shortened

__all__ = ["TolerantParser"]


class TolerantParser:
    """Reads values of metadata; what makes no sense is ignored, and a note says so.

    Examples
    --------
    >>> parser = TolerantParser()
    >>> parser.size("PhysicalSizeX", "0.25"), parser.size("PhysicalSizeY", "0,25")
    (0.25, None)
    >>> parser.notes()
    ("Ignored, since it makes no sense: PhysicalSizeY='0,25'.",)
    """

    def __init__(self) -> None:
        self._ignored: dict[str, str] = {}

    def number(self, name: str, value: object) -> float | None:
        """Return a finite number; ``None`` for what is absent or no number."""
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
        """Return a number above 0; ``None`` for 0, which stands for a size that is not known."""
        number = self.number(name, value)
        if number is not None and number < 0:
            self.ignore(name, value)
        return number if number is not None and number > 0 else None

    def unit(self, name: str, value: object) -> str | None:
        """Return a unit; ``None`` for what is absent, no word, or not a unit of measurement."""
        if value is None or isinstance(value, str):
            return canonical_unit(value)
        self.ignore(name, value)
        return None

    def ignore(self, name: str, value: object) -> None:
        """Remember that a value was ignored."""
        said = shortened(repr(value), 60)
        self._ignored[shortened(name, 60)] = said

    def notes(self) -> tuple[str, ...]:
        """Say what was ignored, in a sentence; empty if nothing was."""
        if not self._ignored:
            return ()
        ignored = ", ".join(f"{name}={value}" for name, value in self._ignored.items())
        they = "they make" if len(self._ignored) > 1 else "it makes"
        return (f"Ignored, since {they} no sense: {ignored}.",)
