"""Save rows of results in a JSON file after each row, so that an interrupted run can resume."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]


class ResultsFile:
    """Rows of results that are saved as they come, identified by the values of ``key``.

    With ``resume`` the rows of the file are kept, and ``in`` finds them. A row with a note in place
    of results is run again. Without ``resume`` the old file is renamed to ``.before``.
    """

    def __init__(self, path: Path, key: tuple[str, ...], *, resume: bool) -> None:
        self.path, self.key = path, key
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not resume:
            path.replace(path.with_suffix(".json.before"))
        self.rows = read_rows(path) if path.exists() else []

    def __contains__(self, wanted: Row) -> bool:
        return any(self._same(row, wanted) and "note" not in row for row in self.rows)

    def add(self, row: Row) -> None:
        others = [other for other in self.rows if not self._same(other, row)]
        self.rows = [*others, row | {"taken": environment()}]
        # A file that is half written when the machine fails would lose all rows.
        fresh = self.path.with_suffix(".json.part")
        fresh.write_text(json.dumps(self.rows, indent=1))
        fresh.replace(self.path)

    def _same(self, one: Row, other: Row) -> bool:
        return all(one[name] == other[name] for name in self.key)


def environment() -> Row:
    """Record when and where a row was measured; the load shows whether its seconds count."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }


def read_rows(path: Path) -> list[Row]:
    if not path.is_file():
        sys.exit(f"{path} does not exist; run the benchmark first")
    return json.loads(path.read_text())
