"""Locate a resumable output, and return the record of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_dip.files.atomic_write import hidden_sibling
from napari_dip.files.journal import JOURNAL, Journal

__all__ = ["JOURNAL", "recorded_run", "working_folder"]


def working_folder(path: Path) -> Path:
    """Return the folder that a run writes to: beside `path` while that holds an older result."""
    new = hidden_sibling(path, "new")
    return new if (new / JOURNAL).is_dir() else path


def recorded_run(path: str | Path) -> dict[str, Any]:
    """Return the record that was passed to ``ResumableZarr.create``.

    Parameters
    ----------
    path
        The output, which may have a hidden working folder.

    Raises
    ------
    FileProblem
        If no run created the folder, or its journal is damaged.
    """
    record: dict[str, Any] = Journal(working_folder(Path(path)) / JOURNAL).about()["record"]
    return record
