"""Record the completed units of a run, one small file each, so that a kill loses none.

At the end of a run many records are moved to one file, so that a result of many units is few files.
A later run records further units in files of their own, which precede that file.
"""

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

__all__ = ["JOURNAL", "Journal", "plain_json"]

JOURNAL = ".napari-dip"
"""Name of the folder within the image that records its completed units."""

FORMAT_VERSION = 1
"""Version of the files here. A later version that cannot be resumed has a higher number."""

MAX_SINGLE_RECORDS = 64
"""Records: more of them become one file at the end of a run. Fewer are few files anyway."""


class Journal:
    """The records of a run in a folder.

    Parameters
    ----------
    folder
        The folder of the records; :meth:`begin` creates it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._units = folder / "units"
        self._together = folder / "units.jsonl"
        self._begun = folder / "run.json"
        self._read_together: tuple[tuple[int, int], dict[str, dict[str, Any]]] = ((0, 0), {})

    def begin(self, about: Mapping[str, Any]) -> None:
        """Create the folder, and record what the run is about."""
        self._units.mkdir(parents=True)
        write_atomically(self._begun, plain_json({"format": FORMAT_VERSION} | dict(about)))

    def about(self) -> dict[str, Any]:
        """Return what :meth:`begin` recorded.

        Raises
        ------
        FileProblem
            If the record is missing or damaged, or if a later version wrote it.
        """
        store = self._folder.parent
        try:
            content = self._begun.read_bytes()
        except OSError:
            raise FileProblem(
                f"{store} was not written by napari-dip, so it cannot be resumed; choose "
                "another name, or overwrite it"
            ) from None
        about = _object(content)
        if not isinstance(about.get("axes"), str) or not isinstance(about.get("record"), dict):
            raise FileProblem(
                f"the journal of {store} is damaged ({self._begun}), so it cannot be resumed; "
                "choose another name, or overwrite it"
            )
        if about.get("format", FORMAT_VERSION) != FORMAT_VERSION:
            raise FileProblem(
                f"{store} was written by another version of napari-dip: its journal has format "
                f"{about['format']} instead of {FORMAT_VERSION}; resume with that version, choose "
                "another name, or overwrite it"
            )
        return about

    def check(self, record: Mapping[str, Any]) -> None:
        """Check that a resumed run has the recorded settings and image.

        Raises
        ------
        BadSettings
            If the record under ``"record"`` differs; the message lists the differing entries.
        """
        differing = [*_differences(self.about().get("record"), json.loads(plain_json(record)))]
        if differing:
            more = f"; and {len(differing) - 5} more" if len(differing) > 5 else ""
            raise BadSettings(
                f"{self._folder.parent} belongs to another run ({'; '.join(differing[:5])}{more}); "
                "use the same settings and image, choose another name, or overwrite it"
            )

    def write(self, key: str, entry: Mapping[str, Any]) -> None:
        """Record that a unit is complete."""
        write_atomically(self._file(key), plain_json({"key": key} | dict(entry)))

    def has(self, key: str) -> bool:
        """Return whether a unit is complete."""
        there = self._file(key).exists()
        if key not in self._entries_together():
            return there
        return not there or not _read(self._file(key)).get("forgotten")

    def forget(self, key: str) -> None:
        """Remove the record of a unit."""
        if key in self._entries_together():
            write_atomically(self._file(key), plain_json({"key": key, "forgotten": True}))
        else:
            self._file(key).unlink(missing_ok=True)

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return the records of all complete units, sorted by name.

        An empty, incomplete or invalid record is skipped.
        """
        found = dict(self._entries_together())
        for file in sorted(self._units.glob("*.json")):
            entry = _read(file)
            if self._is_mine(entry, file):
                found[entry["key"]] = entry
                if entry.get("forgotten"):
                    del found[entry["key"]]
        return {key: found[key] for key in sorted(found, key=_quoted)}

    def gather(self) -> None:
        """Move the records to one file, if they are many. No other process may write meanwhile."""
        files = [*self._units.glob("*.json")]
        if len(files) <= MAX_SINGLE_RECORDS and not self._lines():
            return
        self._write_together(self.entries())
        for file in files:
            file.unlink(missing_ok=True)

    def _write_together(self, entries: Mapping[str, Any]) -> None:
        lines = [to_json(entry, inf_nan_mode="null") for entry in entries.values()]
        write_atomically(self._together, b"\n".join(lines))

    def discard_damaged(self) -> int:
        """Remove unreadable records, so that their units are restored again; return their number.

        No other process may write meanwhile.
        """
        files = [*self._units.glob("*.json")]
        damaged = [file for file in files if not self._is_mine(_read(file), file)]
        for file in damaged:
            file.unlink(missing_ok=True)
        lost = len(self._lines()) - len(self._entries_together())
        if lost:
            self._write_together(self._entries_together())
        return len(damaged) + lost

    @property
    def count(self) -> int:
        """Number of records, including damaged ones."""
        gathered = {_quoted(key) for key in self._entries_together()}
        alone = {file.stem for file in self._units.glob("*.json")}
        return len(self._lines()) + len(alone - gathered)

    def _is_mine(self, entry: Mapping[str, Any], file: Path) -> bool:
        valid = _is_record(entry) or (isinstance(entry.get("key"), str) and "forgotten" in entry)
        return valid and self._file(entry["key"]) == file

    def _lines(self) -> list[bytes]:
        try:
            return self._together.read_bytes().splitlines()
        except OSError:
            return []

    def _entries_together(self) -> dict[str, dict[str, Any]]:
        """Return the records in the common file, which is read again when it has changed."""
        try:
            status = self._together.stat()
        except OSError:
            return {}
        signature = (status.st_mtime_ns, status.st_size)
        if self._read_together[0] != signature:
            records = filter(_is_record, map(_object, self._lines()))
            self._read_together = signature, {entry["key"]: entry for entry in records}
        return self._read_together[1]

    def clean(self) -> None:
        """Remove the incomplete files of a killed process beside and below the journal.

        No other process may write meanwhile.
        """
        self._units.mkdir(exist_ok=True)
        for partial in self._folder.parent.rglob(f"*{PARTIAL_SUFFIX}"):
            partial.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._units / f"{_quoted(key)}.json"


def _quoted(key: str) -> str:
    return quote(key, safe=" ,=+")


def _read(file: Path) -> dict[str, Any]:
    try:
        return _object(file.read_bytes())
    except OSError:
        return {}


def _object(content: bytes) -> dict[str, Any]:
    """Parse a JSON object; return an empty one for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_record(entry: Mapping[str, Any]) -> bool:
    """Return whether a record has all required entries; it may have more."""
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
    """Encode as JSON. NaN and infinity, which JSON does not have, become ``null``."""
    return to_json(value, inf_nan_mode="null", indent=2)


def _differences(there: Any, here: Any, name: str = "") -> Iterator[str]:
    """Yield each differing entry, as ``settings.seed: 0 there, 1 here``."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*there, *here]):
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(there.get(key, "nothing"), here.get(key, "nothing"), inner)
    elif there != here:
        yield f"{name}: {_brief(there)} there, {_brief(here)} here"


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
