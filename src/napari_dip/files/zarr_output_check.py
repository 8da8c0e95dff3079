"""Check that a zarr can be created or replaced without loss of other data."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from napari_dip.errors import FileProblem, OutputExists
from napari_dip.files.ngff import is_zarr

__all__ = ["check_new_zarr", "check_zarr_location"]

_KNOWN_ENTRIES = {
    "zarr.json",
    ".zgroup",
    ".zarray",
    ".zattrs",
    ".zmetadata",
    ".napari-dip",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
}
"""Entries besides the arrays that the folder of an image may contain."""


def check_new_zarr(path: Path, overwrite: bool) -> None:
    """Check that a zarr can be created at `path`.

    Raises
    ------
    OutputExists
        If a zarr exists there and `overwrite` is false.
    FileProblem
        As for :func:`check_zarr_location`, or if the zarr holds more than an image, such as labels.
    """
    check_zarr_location(path)
    if os.path.exists(path) and not overwrite:
        raise OutputExists(f"{path} exists; choose another name, or pass --resume or --overwrite")
    if os.path.exists(path) and (others := _other_contents(path)):
        raise FileProblem(
            f"{path} holds more than an image ({', '.join(others[:3])}), which overwriting would "
            "delete; move it, or choose another name"
        )


def check_zarr_location(path: Path) -> None:
    """Check that `path` is a zarr, or that one may be created there.

    Raises
    ------
    FileProblem
        If something else exists there, the parent folder is missing, or the path lies in another
        zarr, whose metadata would not list it.
    """
    if not path.parent.is_dir():
        raise FileProblem(f"the folder {path.parent} does not exist; create it first")
    for folder in Path(os.path.realpath(path)).parents:
        if is_zarr(folder):
            raise FileProblem(f"{path} lies inside the zarr {folder}; choose a path outside of it")
    if os.path.exists(path) and not is_zarr(path):
        raise FileProblem(f"{path} exists and is not a zarr; choose another name")


def _other_contents(path: Path) -> list[str]:
    """List entries of a zarr that are neither image nor metadata, such as labels."""
    if (path / ".zarray").exists() or _json(path / "zarr.json").get("node_type") == "array":
        expected = re.compile(r"c|c?\d+([./]\d+)*")
        return sorted(
            entry.name
            for entry in path.iterdir()
            if entry.name not in _KNOWN_ENTRIES and not expected.fullmatch(entry.name)
        )
    attributes = _json(path / "zarr.json").get("attributes") or _json(path / ".zattrs")
    try:
        images = attributes.get("ome", attributes)["multiscales"]
        levels = {str(entry["path"]).split("/")[0] for entry in images[0]["datasets"]}
    except (LookupError, TypeError, AttributeError):
        levels = set()
    return sorted(
        entry.name for entry in path.iterdir() if entry.name not in _KNOWN_ENTRIES | levels
    )


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
