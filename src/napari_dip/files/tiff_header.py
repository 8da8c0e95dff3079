"""Find an image in a TIFF file, and read its axes and metadata in any dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.declared_sizes import (
    check_file_reference,
    check_page,
    first_checked_series,
)
from napari_dip.files.image_selection import select_image
from napari_dip.files.imagej_channels import colour_of_table
from napari_dip.files.imagej_metadata import read_imagej
from napari_dip.files.ome_companion import open_tiff_file, referenced_files
from napari_dip.files.ome_xml import image_element, ome_root, read_ome, sizes_from_attributes
from napari_dip.files.read_errors import refuse_special_file
from napari_dip.files.tiff_tags import Header, orientation, resolution, samples_of
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.image.metadata import Channel
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from xml.etree import ElementTree

__all__ = [
    "TiffImage",
    "find_tiff_image",
    "known_axes",
    "missing_planes",
]


class TiffImage(NamedTuple):
    """An image in an open TIFF file.

    ``axes`` are the letters of the series; samples are ``S`` if they are colours, otherwise ``s``.
    ``alone`` tells whether this file holds all values.
    """

    series: Any
    axes: str
    header: Header
    alone: bool


def find_tiff_image(
    path: Path, tif: tifffile.TiffFile, number: int | None, messages: list[str]
) -> TiffImage:
    """Find an image in a file, and read its metadata.

    Parameters
    ----------
    path, tif
        The file, open.
    number
        Index of the image; ``None`` is the first, and a note lists all.
    messages
        Messages of tifffile, which become notes.

    Raises
    ------
    FileProblem
        If there is no such image, or parts of it are missing.
    """
    first_checked_series(path, tif)
    names = [_describe_series(series) for series in tif.series]
    number, listed = select_image(path, number, names)
    series = tif.series[number]
    check_page(path, series.keyframe)
    parser = TolerantParser()
    root = ome_root(tif.ome_metadata)
    if problem := _describe_missing_planes(path, series, root):
        raise FileProblem(problem)
    axes = known_axes(path, series.axes)
    shape = dict(zip(axes, series.shape, strict=True))
    header = _read_header(tif, number, shape, root, parser)
    page = series.keyframe
    notes = [*listed, *header.notes, *_ome_notes(path, tif, series, root)]
    extras, channels = dict(header.extras), header.channels
    tiff: dict[str, Any] = {}
    if "S" in axes:
        samples = samples_of(page)
        notes += [samples.note] if samples.note else []
        tiff |= samples.extras
        if not samples.are_colours:
            axes = axes.replace("S", "s")
            channels = channels if len(channels) == page.samplesperpixel else samples.channels
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        tiff["photometric"] = "miniswhite"
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        if colour := _colour_of_palette(page):
            channels = channels or (Channel(colour=colour),)
        else:
            notes.append("The colour table is dropped; the values are kept.")
    if (turned := orientation(page)) != 1:
        tiff["orientation"] = turned
        notes.append(
            f"The orientation tag ({turned}) asks for a rotated or mirrored view: the "
            "pixels are read as stored, and a TIFF output keeps the tag."
        )
    if len(series.levels) > 1:
        tiff["levels"] = len(series.levels)
    if tiff:
        extras["tiff"] = tiff
    notes += [*parser.notes(), *(one for one in messages if "OME series" not in one)]
    full_header = header._replace(
        extras=extras,
        channels=channels,
        notes=tuple(dict.fromkeys(notes)),
        images=tuple(names) if len(names) > 1 else (),
    )
    alone = not series.is_multifile and tif.filename == path.name
    return TiffImage(series, axes, full_header, alone)


def _colour_of_palette(page: Any) -> str:
    """Return the colour of a table from black to it, as ImageJ writes one; "" for others."""
    table = page.colormap
    return "" if table is None else colour_of_table((np.asarray(table) >> 8).astype(np.uint8))


def known_axes(path: Path, axes: str) -> str:
    """Return the letters of the axes, with ``Q`` for unknown ones.

    Raises
    ------
    FileProblem
        If Y or X is missing.
    """
    axes = "".join(letter if letter in "TCZYXS" else "Q" for letter in axes)
    if not {"Y", "X"} <= set(axes):
        raise FileProblem(f"{path} holds no image: its axes are {axes or 'none'}")
    return axes


def _read_header(
    tif: tifffile.TiffFile,
    number: int,
    shape: dict[str, int],
    root: ElementTree.Element | None,
    parser: TolerantParser,
) -> Header:
    """Read the metadata of the first dialect found: OME, ImageJ, tifffile's own, tags."""
    series = tif.series[number]
    image = image_element(root, number, series.name, len(tif.series))
    if image is not None:
        return read_ome(image, parser, root)
    if tif.imagej_metadata is not None:
        return read_imagej(tif.imagej_metadata, series.keyframe, shape, parser)
    shaped = tif.shaped_metadata or ()
    attributes = shaped[number] if number < len(shaped) else {}
    if "PhysicalSizeX" in attributes or "PhysicalSizeY" in attributes:
        sizes, units = sizes_from_attributes(attributes, parser)
    else:
        sizes, units = resolution(series.keyframe, parser)
    return Header(sizes, units, {}, **_named(attributes, parser))


def _named(attributes: Mapping[str, Any], parser: TolerantParser) -> dict[str, Any]:
    """Read the names, colours and times that this package writes as tifffile's metadata."""
    name, date = (str(attributes.get(key, "")) for key in ("Name", "AcquisitionDate"))
    names, colours, stamps = (
        entry if isinstance(entry := attributes.get(key), list) else []
        for key in ("ChannelNames", "ChannelColours", "TimeStamps")
    )
    times = [parser.number("TimeStamps", stamp) for stamp in stamps]
    return {
        "name": name,
        "acquired": date,
        "times": tuple(time for time in times if time is not None and None not in times),
        "channels": tuple(map(Channel, map(str, names), map(str, colours))),
    }


def missing_planes(path: Path) -> str:
    """Describe the missing planes of a TIFF file; empty if there are none or they are unknown.

    Other programs show such planes as black. In a file with several images the first counts.

    Parameters
    ----------
    path
        Any file.
    """
    try:
        refuse_special_file(path)
        with collect_tiff_warnings(), open_tiff_file(path) as tif:
            root = ome_root(tif.ome_metadata)
            return _describe_missing_planes(path, tif.series[0], root)
    except Exception:  # noqa: BLE001 - reading the file reports the error
        return ""


def _describe_missing_planes(path: Path, series: Any, root: ElementTree.Element | None) -> str:
    """Describe missing pages, which tifffile would fill with zeros; empty without any."""
    described = series.kind in ("ome", "mmstack", "ndtiff")
    missing = sum(page is None for page in series) if described else 0
    if not missing:
        return ""
    for name in referenced_files(root):
        check_file_reference(path, name)
        if not (path.parent / name).exists():
            return (
                f"{path} stores a part of its image in {shortened(name)!r}, which is not in its "
                "folder; put all files of the image there"
            )
    return (
        f"{path} declares {len(series)} planes, and {missing} of them are missing; copy it "
        "again from its source, or open it in the program that wrote it and save the existing "
        "planes"
    )


def _ome_notes(
    path: Path, tif: tifffile.TiffFile, series: Any, root: ElementTree.Element | None
) -> list[str]:
    """Describe why OME-XML could not be used; empty if it was."""
    text = tif.ome_metadata or (tif.pages.first.description or "")
    beginning = text[:2000]
    if not tif.ome_metadata and not ("<OME" in beginning and "<?xml" in beginning):
        return []
    used = f"the pages of this file are read in order, as {known_axes(path, series.axes)}."
    if root is None:
        return [f"The OME-XML is incomplete or damaged: {used}"]
    reference = root.find("{*}BinaryOnly")
    if reference is not None:
        name = shortened(reference.get("MetadataFile", "another file"))
        return [f"The metadata are in {name}, which is not in its folder: {used}"]
    if series.kind not in ("ome", "mmstack"):
        absent = [name for name in referenced_files(root) if not (path.parent / name).exists()]
        if absent:
            return [
                f"The OME-XML refers to planes in {shortened(absent[0])!r}, which is not in "
                f"its folder: {used}"
            ]
        return [f"The OME-XML does not locate the planes: {used}"]
    return []


def _describe_series(series: Any) -> str:
    size = " x ".join(map(str, series.shape))
    name = f"{shortened(series.name, 60)!r}, " if series.name else ""
    return f"{name}{size} {series.axes}, {series.dtype}"
