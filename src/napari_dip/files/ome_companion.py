"""Open a TIFF file together with its OME companion file, which holds the metadata of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.declared_sizes import check_file_reference, check_xml
from napari_dip.files.ome_xml import ome_root
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree import ElementTree

__all__ = ["MAX_XML_BYTES", "is_companion", "open_tiff_file", "referenced_files"]

MAX_XML_BYTES = 2**28  # bytes: largest OME-XML that is read


def is_companion(path: Path) -> bool:
    """Return whether a file is an OME companion file, which describes TIFF files beside it.

    The beginning of the content decides, not the suffix ``.companion.ome``.
    """
    with path.open("rb") as file:
        beginning = file.read(2000)
    return beginning.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and b"<OME" in beginning


def open_tiff_file(path: Path) -> tifffile.TiffFile:
    """Open a TIFF file; use the metadata of its companion file if it has one.

    Parameters
    ----------
    path
        A TIFF file, or a companion file, whose first TIFF file is opened.

    Raises
    ------
    FileProblem
        If a companion file names no existing file.
    """
    if is_companion(path):
        return _open_with_companion(path, path)
    tif = tifffile.TiffFile(path)
    try:
        companion = _find_companion(path, tif)
    except BaseException:
        tif.close()
        raise
    if companion is None:
        return tif
    tif.close()
    if is_companion(companion):
        return _open_with_companion(companion, path)
    return tifffile.TiffFile(companion)


def _find_companion(path: Path, tif: tifffile.TiffFile) -> Path | None:
    """Return the file with the metadata of a TIFF file; ``None`` without one."""
    if "BinaryOnly" not in (tif.ome_metadata or ""):
        return None
    check_xml(path, tif.ome_metadata or "")
    root = ome_root(tif.ome_metadata)
    reference = None if root is None else root.find("{*}BinaryOnly")
    name = "" if reference is None else reference.get("MetadataFile", "")
    if not name:
        return None
    check_file_reference(path, name)
    companion = path.parent / name
    return companion if companion.is_file() and not companion.samefile(path) else None


def _open_with_companion(companion: Path, path: Path) -> tifffile.TiffFile:
    """Open a TIFF file, or the first one of a companion file, with the companion's metadata."""
    with companion.open("rb") as file:
        text = file.read(MAX_XML_BYTES).decode("utf-8", "replace")
    check_xml(companion, text)
    root = ome_root(text)
    if root is None:
        raise FileProblem(
            f"{companion} is not OME-XML or is damaged; copy it again from its source"
        )
    names = referenced_files(root)
    for name in names:
        check_file_reference(companion, name)
    existing = [name for name in names if (companion.parent / name).is_file()]
    if path == companion:
        if not existing:
            problem = (
                f"names {shortened(names[0])!r}, which does not exist" if names else "names no file"
            )
            raise FileProblem(f"{companion} {problem}; put it into the folder of its TIFF files")
        path = companion.parent / existing[0]
    return tifffile.TiffFile(path, omexml=text)


def referenced_files(root: ElementTree.Element | None) -> list[str]:
    """List the files that an OME-XML refers to."""
    elements = [] if root is None else root.iterfind(".//{*}UUID[@FileName]")
    return list(dict.fromkeys(element.attrib["FileName"] for element in elements))
