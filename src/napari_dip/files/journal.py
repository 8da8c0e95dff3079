"""What is done of a long run: one small file for each unit, so that a kill loses none of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic_core import to_json

from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files.atomic_write import PARTIAL_SUFFIX, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Journal", "plain_json"]

_FORMAT = 1
"""Of the files here; a later version that this one cannot go on with has a higher number."""


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
        write_atomically(self._begun, plain_json({"format": _FORMAT} | dict(about)))

    def about(self) -> dict[str, Any]:
        """Return what :meth:`begin` wrote.

        Raises
        ------
        FileProblem
            If there is no such record, it is damaged, or a later version wrote it.
        """
        store = self._folder.parent
        try:
            content = self._begun.read_bytes()
        except OSError:
            raise FileProblem(
                f"{store} was not begun by napari-dip, so it cannot be gone on "
                "with; choose another name, or overwrite it"
            ) from None
        about = _object(content)
        if not isinstance(about.get("axes"), str) or not isinstance(about.get("record"), dict):
            raise FileProblem(
                f"the journal of {store} is damaged ({self._begun}), so it cannot be gone on "
                "with; choose another name, or overwrite it"
            )
        if about.get("format", _FORMAT) != _FORMAT:
            raise FileProblem(
                f"{store} was begun by another version of napari-dip, whose journal has the format "
                f"{about['format']} and not {_FORMAT}; go on with that version, choose another "
                "name, or overwrite it"
            )
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
        write_atomically(self._file(key), plain_json({"key": key} | dict(entry)))

    def has(self, key: str) -> bool:
        """Tell whether a unit is done."""
        return self._file(key).exists()

    def forget(self, key: str) -> None:
        """Take a unit for not done."""
        self._file(key).unlink(missing_ok=True)

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return the records of all units that are done, in the order of their names.

        A record that is empty, cut short or not of this form counts as none.
        """
        found = {}
        for file in sorted(self._units.glob("*.json")):
            entry = _read(file)
            if _is_record(entry) and self._file(entry["key"]) == file:
                found[entry["key"]] = entry
        return found

    def discard_damaged(self) -> int:
        """Remove the records that cannot be read, so that their units are done anew; count them.

        Nobody else may be writing.
        """
        kept = {self._file(key) for key in self.entries()}
        damaged = [file for file in self._units.glob("*.json") if file not in kept]
        for file in damaged:
            file.unlink(missing_ok=True)
        return len(damaged)

    def clean(self) -> None:
        """Remove what a killed process left half written, anywhere beside and below the journal.

        Nobody else may be writing.
        """
        self._units.mkdir(exist_ok=True)
        for left_over in self._folder.parent.rglob(f"*{PARTIAL_SUFFIX}"):
            left_over.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._units / f"{quote(key, safe=' ,=+')}.json"


def _read(file: Path) -> dict[str, Any]:
    try:
        return _object(file.read_bytes())
    except OSError:
        return {}


def _object(content: bytes) -> dict[str, Any]:
    """Read a JSON object; what is none counts as an empty one."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _is_record(entry: Mapping[str, Any]) -> bool:
    """Tell whether a unit's record says all that is needed; it may say more."""
    region = entry.get("region")
    return (
        isinstance(entry.get("key"), str)
        and isinstance(entry.get("checksum"), str)
        and "report" in entry
        and isinstance(region, list)
        and all(
            isinstance(ends, list) and len(ends) == 2 and all(type(end) is int for end in ends)
            for ends in region
        )
    )


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
