"""What is done of a long run: one small file for each unit, so that a kill loses none of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic_core import to_json

from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files.durable import UNFINISHED, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Journal", "plain_json"]


class Journal:
    """The records of a run in a folder.

    Parameters
    ----------
    folder
        Where they are; :meth:`begin` makes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._units = folder / "units"
        self._begun = folder / "run.json"

    def begin(self, about: Mapping[str, Any]) -> None:
        """Make the folder, and write down what the run is about."""
        self._units.mkdir(parents=True)
        write_whole(self._begun, plain_json(about))

    def about(self) -> dict[str, Any]:
        """Return what :meth:`begin` wrote.

        Raises
        ------
        FileProblem
            If there is no such record.
        """
        try:
            about: dict[str, Any] = json.loads(self._begun.read_bytes())
        except (OSError, ValueError):
            raise FileProblem(
                f"{self._folder.parent} was not begun by napari-dip, so it cannot be gone on "
                "with; choose another name, or overwrite it"
            ) from None
        return about

    def check(self, record: Mapping[str, Any]) -> None:
        """Make sure that a run that goes on is the one that was begun.

        Raises
        ------
        BadSettings
            If the record under ``"record"`` differs; the message names the entries.
        """
        differing = [*_differences(self.about().get("record"), json.loads(plain_json(record)))]
        if differing:
            more = f"; and {len(differing) - 5} more" if len(differing) > 5 else ""
            raise BadSettings(
                f"{self._folder.parent} was begun otherwise ({'; '.join(differing[:5])}{more}); "
                "run it with the same, choose another name, or overwrite it"
            )

    def write(self, key: str, entry: Mapping[str, Any]) -> None:
        """Record that a unit is done."""
        write_whole(self._file(key), plain_json({"key": key} | dict(entry)))

    def has(self, key: str) -> bool:
        """Tell whether a unit is done."""
        return self._file(key).exists()

    def forget(self, key: str) -> None:
        """Take a unit for not done."""
        self._file(key).unlink(missing_ok=True)

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return the records of all units that are done, in the order of their names."""
        found = [json.loads(file.read_bytes()) for file in sorted(self._units.glob("*.json"))]
        return {entry["key"]: entry for entry in found}

    def clean(self) -> None:
        """Remove what a killed process left half written, anywhere beside and below the journal.

        Nobody else may be writing.
        """
        for left_over in self._folder.parent.rglob(f"*{UNFINISHED}"):
            left_over.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._units / f"{quote(key, safe=' ,=+')}.json"


def plain_json(value: Any) -> bytes:
    """Write JSON; NaN and infinity, which it does not know, become ``null``."""
    return to_json(value, inf_nan_mode="null", indent=2)


def _differences(there: Any, here: Any, name: str = "") -> Iterator[str]:
    """Name each entry that differs, as ``settings.seed: 0 there, 1 here``."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*there, *here]):
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(there.get(key, "nothing"), here.get(key, "nothing"), inner)
    elif there != here:
        yield f"{name}: {_brief(there)} there, {_brief(here)} here"


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
