"""Read the OME-XML that bioformats2raw writes beside its images in zarr."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem
from napari_dip.files.declared_sizes import check_xml
from napari_dip.files.ome_xml import image_element, ome_root, read_ome
from napari_dip.files.tolerant_parsing import TolerantParser

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.image.metadata import StoredImage

__all__ = ["with_ome_xml"]

FILE = "OME/METADATA.ome.xml"

MAX_BYTES = 2**28
"""Bytes of XML: more is not read."""


def with_ome_xml(stored: StoredImage, folder: Path, number: int, count: int) -> StoredImage:
    """Add what OME-XML says of an image, and its attributes do not.

    Parameters
    ----------
    stored
        The image.
    folder
        The zarr that holds all images.
    number, count
        Index of the image, and number of images.
    """
    file = folder / FILE
    if not file.is_file():
        return stored
    unread = f"Its {FILE} is not read"
    if file.stat().st_size > MAX_BYTES:
        return replace(stored, notes=(*stored.notes, f"{unread}: it is too large."))
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        check_xml(file, text)
    except FileProblem:
        return replace(stored, notes=(*stored.notes, f"{unread}: it has a document type."))
    root = ome_root(text)
    image = image_element(root, number, stored.name, count)
    if image is None:
        return replace(stored, notes=(*stored.notes, f"{unread}: it does not describe the image."))
    parser = TolerantParser()
    said = read_ome(image, parser, root)
    absent = {axis for axis in said.pixel_size if axis in stored.axes} - stored.pixel_size.keys()
    return replace(
        stored,
        pixel_size={**stored.pixel_size, **{axis: said.pixel_size[axis] for axis in absent}},
        unit={**stored.unit, **{axis: said.unit[axis] for axis in absent & said.unit.keys()}},
        extras={**stored.extras, **said.extras},
        channels=stored.channels or said.channels,
        optics=said.optics,
        name=stored.name or said.name,
        acquired=stored.acquired or said.acquired,
        times=stored.times or said.times,
        notes=(*stored.notes, *parser.notes()),
    )
