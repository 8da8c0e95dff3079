"""Zarr in a zip file, and files inside a folder of zarr."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem
from napari_dip.files.ngff import is_zarr
from napari_dip.files.read_errors import refuse_too_large

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_zarr_zip", "refuse_inside_zarr", "zarr_in_zip"]

_ZIP = b"PK\3\4"  # the first bytes of a zip file that is not empty
_METADATA = ("zarr.json", ".zgroup", ".zarray")


def zarr_in_zip(path: Path) -> str | None:
    """Tell where in a zip file a zarr begins; ``None`` if it is no zip file, or holds none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(4) != _ZIP:
            return None
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        largest = max((entry.file_size for entry in archive.infolist()), default=0)
        refuse_too_large(path, largest, "a part of it")
        found = [name for name in archive.namelist() if name.rpartition("/")[2] in _METADATA]
    if not found:
        return None
    return min(found, key=lambda name: name.count("/")).rpartition("/")[0]


def is_zarr_zip(path: Path) -> bool:
    """Tell whether a file is a zip file of a zarr, or has the name of one."""
    named = path.name.lower().endswith((".zip", ".ozx"))
    return path.is_file() and (named or zarr_in_zip(path) is not None)


def refuse_inside_zarr(path: Path) -> None:
    """Raise :class:`FileProblem` for a file in a folder of zarr, and name what is to be opened."""
    above = [folder for folder in path.parents if is_zarr(folder)]
    if above and path.is_file():
        raise FileProblem(f"{path} is a part of a zarr; open the whole: {above[-1]}")
