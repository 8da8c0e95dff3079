"""Check declared sizes and references against the file and the memory, before allocation."""

from __future__ import annotations

import math
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_dip.errors import FileProblem
from napari_dip.files.read_errors import ALWAYS_ALLOWED_BYTES, refuse_special_file
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    import tifffile

__all__ = ["check_file_reference", "check_ome", "check_page", "check_xml", "first_checked_series"]

MAX_TILE_RATIO = 4
"""Bytes of a tile per byte of its image: larger tiles are refused unless small anyway."""

MAX_COMPRESSION_RATIO = {1: 1, 5: 1500, 8: 1100, 32946: 1100, 32773: 64}
"""Bytes out per byte in, by TIFF compression: none, LZW, deflate (two numbers), PackBits."""

MAX_PLANES = 10**6
"""Planes that an OME-TIFF may declare; tifffile keeps a list of all, even missing ones."""


def check_file_reference(path: Path, name: str) -> None:
    """Check that a file named in metadata lies in the folder of the metadata.

    Links in that folder belong to the user and may lead anywhere.

    Parameters
    ----------
    path
        The file, or zarr folder, with the metadata.
    name
        The name in the metadata.

    Raises
    ------
    FileProblem
        If the name is absolute, leads to a parent folder, or is a pipe or a device.

    Examples
    --------
    >>> check_file_reference(Path("cells.ome.tif"), "cells_2.ome.tif")
    >>> check_file_reference(Path("cells.ome.tif"), "../secret.tif")
    Traceback (most recent call last):
    napari_dip.errors.FileProblem: cells.ome.tif names '../secret.tif', which is not in its ...
    """
    for kind in (PurePosixPath, PureWindowsPath):
        parsed = kind(name)
        if parsed.is_absolute() or parsed.drive or parsed.root or ".." in parsed.parts:
            raise FileProblem(
                f"{path} names {shortened(name)!r}, which is not in its folder; "
                "put all files of an image into one folder and save it again"
            )
    folder = path if path.is_dir() else path.parent
    refuse_special_file(folder / name)


def first_checked_series(path: Path, tif: tifffile.TiffFile) -> Any:
    """Return the first image of an open TIFF file, after a check of its declared sizes.

    Raises
    ------
    FileProblem
        If there is no image, a reference leads elsewhere, or a declared size is impossible.
    """
    if not tif.pages:
        raise FileProblem(f"{path} is damaged or incomplete: it holds no page; copy it again")
    check_ome(path, tif)
    if tif.is_ndtiff:
        _check_index(path)
    if not tif.series:
        raise FileProblem(f"{path} holds no image")
    series = tif.series[0]
    check_page(path, series.keyframe)
    return series


def check_page(path: Path, page: Any) -> None:
    """Compare the size in the tags of a page with its tiles or strips, and with the file.

    Raises
    ------
    FileProblem
        If they contradict each other.
    """
    problem = ""
    tile = math.prod(page.chunks) * page.dtype.itemsize
    if tile > max(ALWAYS_ALLOWED_BYTES, MAX_TILE_RATIO * page.nbytes):
        problem = f"its tiles have the shape {page.chunks}"
    stored, needed = len(page.databytecounts), math.prod(page.chunked)
    if stored < needed and not page.is_contiguous:
        problem = f"it holds {stored} of {needed} tiles or strips"
    decoded = page.size * page.bitspersample // 8
    limit = page.parent.filehandle.size * MAX_COMPRESSION_RATIO.get(page.compression, math.inf)
    if decoded > limit and 0 not in page.databytecounts:  # a tile of 0 bytes is not stored
        problem = "the file cannot hold so much"
    if problem:
        raise FileProblem(
            f"{path} is damaged: its image has the shape {page.shape}, but {problem}; "
            "copy it again from its source"
        )


def check_ome(path: Path, tif: tifffile.TiffFile) -> None:
    """Check the OME-XML of a TIFF file before it is used.

    Raises
    ------
    FileProblem
        If it defines entities, references files elsewhere, or declares too many planes.
    """
    check_xml(path, tif.pages.first.description or "")
    if not tif.ome_metadata:
        return
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except ElementTree.ParseError:  # tifffile then uses the pages in their order
        return
    for element in root.iter():
        if name := element.get("FileName"):
            check_file_reference(path, name)
        sizes = [_number(element.get(f"Size{axis}"), 1) for axis in "CZT"]
        counts = [_number(element.get(name), 0) for name in ("PlaneCount", "NumPlanes", "IFD")]
        if (planes := max(math.prod(sizes), *counts)) > MAX_PLANES:
            raise FileProblem(
                f"{path} declares {planes} planes, and at most {MAX_PLANES} are read from "
                "OME-TIFF; if it is not damaged, save it as OME-Zarr"
            )


def check_xml(path: Path, text: str) -> None:
    """Refuse XML with a document type: entities may grow without limit or read other files.

    Raises
    ------
    FileProblem
        If the text has one.
    """
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise FileProblem(
            f"{path} has XML with a document type, which OME-XML does not allow; save it again"
        )


def _check_index(path: Path) -> None:
    """Check the files and the number of planes in the index of an NDTiff."""
    from tifffile import read_ndtiff_index

    index = path.parent / "NDTiff.index"
    refuse_special_file(index)
    if not index.exists():
        return
    entries = list(read_ndtiff_index(index))
    for name in {entry[1] for entry in entries}:
        check_file_reference(path, name)
    numbers: dict[str, list[int]] = {}
    for entry in entries:
        for axis, number in entry[0].items():
            numbers.setdefault(axis, []).append(number if isinstance(number, int) else 0)
    planes = math.prod(max(each) - min(each) + 1 for each in numbers.values())
    if planes > max(MAX_PLANES, len(entries)):
        raise FileProblem(f"{index} declares {planes} planes; copy it again")


def _number(text: str | None, default: int) -> int:
    """Parse a whole number; the reader reports an invalid one."""
    try:
        return max(int(text), 1) if text else default
    except ValueError:
        return default
