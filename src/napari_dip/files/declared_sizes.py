"""What metadata promise, checked against the file and the memory before anything is allocated."""

from __future__ import annotations

import math
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_dip.errors import FileProblem
from napari_dip.files.read_errors import SMALL, refuse_special_file
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    import tifffile

__all__ = ["check_file_reference", "check_ome", "check_page", "check_xml", "first_checked_series"]

_LARGER = 4
"""How many times larger than an image its tiles may be, if they are not small anyway."""

_RATIOS = {1: 1, 5: 1500, 8: 1100, 32946: 1100, 32773: 64}
"""How many times more bytes can come out than go in: none, LZW, deflate (twice), PackBits."""

_MOST_PLANES = 10**6
"""Planes that an OME-TIFF may promise; tifffile keeps a list of them, the absent ones too."""


def check_file_reference(path: Path, name: str) -> None:
    """Make sure that a file that metadata name lies in the folder of the file that names it.

    Links in that folder are the user's own and may lead anywhere.

    Parameters
    ----------
    path
        Of the file, or folder of zarr, with the metadata.
    name
        What they say.

    Raises
    ------
    FileProblem
        If the name is absolute, goes up, or is a pipe or a device.

    Examples
    --------
    >>> check_file_reference(Path("cells.ome.tif"), "cells_2.ome.tif")
    >>> check_file_reference(Path("cells.ome.tif"), "../secret.tif")
    Traceback (most recent call last):
    napari_dip.errors.FileProblem: cells.ome.tif names '../secret.tif', which is not in its ...
    """
    for kind in (PurePosixPath, PureWindowsPath):
        there = kind(name)
        if there.is_absolute() or there.drive or there.root or ".." in there.parts:
            raise FileProblem(
                f"{path} names {shortened(name)!r}, which is not in its folder; "
                "put all files of an image into one folder and save it again"
            )
    folder = path if path.is_dir() else path.parent
    refuse_special_file(folder / name)


def first_checked_series(path: Path, tif: tifffile.TiffFile) -> Any:
    """Return the first image of an open TIFF file, after a look at what it promises.

    Raises
    ------
    FileProblem
        If it holds no picture, names files elsewhere, or promises what cannot be.
    """
    if not tif.pages:
        raise FileProblem(f"{path} is damaged or was cut short: it holds no page; copy it again")
    check_ome(path, tif)
    if tif.is_ndtiff:
        _check_index(path)
    if not tif.series:
        raise FileProblem(f"{path} holds no picture")
    series = tif.series[0]
    check_page(path, series.keyframe)
    return series


def check_page(path: Path, page: Any) -> None:
    """Compare the size that the tags of a page say with its tiles or strips, and with the file.

    Raises
    ------
    FileProblem
        If they contradict each other.
    """
    said = ""
    tile = math.prod(page.chunks) * page.dtype.itemsize
    if tile > max(SMALL, _LARGER * page.nbytes):
        said = f"its tiles have the shape {page.chunks}"
    there, needed = len(page.databytecounts), math.prod(page.chunked)
    if there < needed and not page.is_contiguous:
        said = f"it holds {there} of {needed} tiles or strips"
    packed = page.size * page.bitspersample // 8
    most = page.parent.filehandle.size * _RATIOS.get(page.compression, math.inf)
    if packed > most and 0 not in page.databytecounts:  # such a tile is left out, and empty
        said = "that is more than the file can hold"
    if said:
        raise FileProblem(
            f"{path} is damaged: its image has the shape {page.shape}, and {said}; "
            "copy it again from its source"
        )


def check_ome(path: Path, tif: tifffile.TiffFile) -> None:
    """Check the XML of a TIFF file before anybody believes it.

    Raises
    ------
    FileProblem
        If it defines entities, names files elsewhere, or promises absurdly many planes.
    """
    check_xml(path, tif.pages.first.description or "")
    if not tif.ome_metadata:
        return
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except ElementTree.ParseError:  # tifffile takes the pages in their order then
        return
    for element in root.iter():
        if name := element.get("FileName"):
            check_file_reference(path, name)
        sizes = [_number(element.get(f"Size{axis}"), 1) for axis in "CZT"]
        counts = [_number(element.get(name), 0) for name in ("PlaneCount", "NumPlanes", "IFD")]
        if (planes := max(math.prod(sizes), *counts)) > _MOST_PLANES:
            raise FileProblem(
                f"{path} says that it has {planes} planes, and at most {_MOST_PLANES} are read "
                "from OME-TIFF; if it is not damaged, save it as OME-Zarr"
            )


def check_xml(path: Path, text: str) -> None:
    """Refuse XML that defines entities, which may grow without end or read other files.

    Raises
    ------
    FileProblem
        If it does.
    """
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise FileProblem(
            f"{path} has XML with a document type, which OME-XML never has; save it again"
        )


def _check_index(path: Path) -> None:
    """Check the files that the index beside an NDTiff names."""
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
    if planes > max(_MOST_PLANES, len(entries)):
        raise FileProblem(f"{index} says that there are {planes} planes; copy it again")


def _number(text: str | None, default: int) -> int:
    """Read a whole number; what is none is left to the reader to complain of."""
    try:
        return max(int(text), 1) if text else default
    except ValueError:
        return default
