"""Find a zarr in a zip file, and refuse single files of a zarr."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem
from napari_dip.files.ngff import is_zarr
from napari_dip.files.read_errors import refuse_too_large

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_zarr_zip", "refuse_inside_zarr", "zarr_in_zip"]

_ZIP_SIGNATURE = b"PK\3\4"  # first bytes of a zip file that is not empty
_METADATA_NAMES = ("zarr.json", ".zgroup", ".zarray")


def zarr_in_zip(path: Path) -> str | None:
    """Return the path of the zarr inside a zip file; ``None`` if there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(4) != _ZIP_SIGNATURE:
            return None
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        largest = max((entry.file_size for entry in archive.infolist()), default=0)
        refuse_too_large(path, largest, "its largest entry")
        found = [name for name in archive.namelist() if name.rpartition("/")[2] in _METADATA_NAMES]
    if not found:
        return None
    return min(found, key=lambda name: name.count("/")).rpartition("/")[0]


def is_zarr_zip(path: Path) -> bool:
    """Return whether a file is a zip file of a zarr, or has the suffix of one."""
    named = path.name.lower().endswith((".zip", ".ozx"))
    return path.is_file() and (named or zarr_in_zip(path) is not None)


def refuse_inside_zarr(path: Path) -> None:
    """Raise :class:`FileProblem` for a file inside a zarr folder; the message names the zarr."""
    above = [folder for folder in path.parents if is_zarr(folder)]
    if above and path.is_file():
        raise FileProblem(f"{path} is part of a zarr; open the zarr itself: {above[-1]}")
