"""Whether a zarr can be made, or replaced, under a name, without a loss."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from napari_dip.errors import FileProblem, OutputExists
from napari_dip.files.ngff import is_zarr

__all__ = ["check_new_zarr", "check_zarr_location"]

_OF_ZARR = {
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
"""What may lie in the folder of an image beside its arrays."""


def check_new_zarr(path: Path, overwrite: bool) -> None:
    """Make sure that a zarr can be made at `path`.

    Raises
    ------
    OutputExists
        If a zarr is there and `overwrite` is false.
    FileProblem
        As :func:`check_zarr_location` says, or if more than an image is there, such as labels.
    """
    check_zarr_location(path)
    if os.path.exists(path) and not overwrite:
        raise OutputExists(f"{path} exists; choose another name, or pass --resume or --overwrite")
    if os.path.exists(path) and (more := _beside_the_image(path)):
        raise FileProblem(
            f"{path} holds more than an image ({', '.join(more[:3])}), which overwriting would "
            "delete; move that elsewhere, or choose another name"
        )


def check_zarr_location(path: Path) -> None:
    """Make sure that there is a zarr at `path`, or that one may be made there.

    Raises
    ------
    FileProblem
        If something else is there, the folder above is missing, or it lies in another zarr, which
        would then hold what its metadata do not know.
    """
    if not path.parent.is_dir():
        raise FileProblem(f"the folder {path.parent} does not exist; make it first")
    for folder in Path(os.path.realpath(path)).parents:
        if is_zarr(folder):
            raise FileProblem(f"{path} lies inside the zarr {folder}; choose a name outside of it")
    if os.path.exists(path) and not is_zarr(path):
        raise FileProblem(f"{path} is there and is no zarr; choose another name")


def _beside_the_image(path: Path) -> list[str]:
    """Name what a zarr holds that is neither its image nor its metadata: labels, other images."""
    if (path / ".zarray").exists() or _json(path / "zarr.json").get("node_type") == "array":
        expected = re.compile(r"c|c?\d+([./]\d+)*")
        return sorted(
            one.name
            for one in path.iterdir()
            if one.name not in _OF_ZARR and not expected.fullmatch(one.name)
        )
    said = _json(path / "zarr.json").get("attributes") or _json(path / ".zattrs")
    try:
        images = said.get("ome", said)["multiscales"]
        levels = {str(one["path"]).split("/")[0] for one in images[0]["datasets"]}
    except (LookupError, TypeError, AttributeError):
        levels = set()
    return sorted(one.name for one in path.iterdir() if one.name not in _OF_ZARR | levels)


def _json(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
