"""One image of a TIFF file: its pages, its axes, and what the file says of it in any dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.declared_sizes import (
    check_file_reference,
    check_page,
    check_xml,
    first_checked_series,
)
from napari_dip.files.image_selection import select_image
from napari_dip.files.imagej_metadata import read_imagej
from napari_dip.files.ome_xml import image_element, ome_root, read_ome, sizes_from_attributes
from napari_dip.files.read_errors import refuse_special_file
from napari_dip.files.tiff_tags import Header, orientation, resolution, samples_of
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree import ElementTree

__all__ = [
    "MOST_XML",
    "TiffImage",
    "find_tiff_image",
    "is_companion",
    "known_axes",
    "missing_planes",
    "open_tiff_file",
]

MOST_XML = 2**28  # bytes of an OME-XML that are read


class TiffImage(NamedTuple):
    """An image in an open TIFF file.

    ``axes`` are those of the series: the samples of a pixel are ``S`` if they are colours, and
    else ``s``. ``alone`` tells whether all values lie in this file.
    """

    series: Any
    axes: str
    header: Header
    alone: bool


def is_companion(path: Path) -> bool:
    """Tell whether a file is an OME-XML that describes TIFF files beside it, ``.companion.ome``.

    Its name may be another; what counts is how it begins.
    """
    with path.open("rb") as file:
        beginning = file.read(2000)
    return beginning.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and b"<OME" in beginning


def open_tiff_file(path: Path) -> tifffile.TiffFile:
    """Open a TIFF file; where its metadata are in a companion, with those.

    Parameters
    ----------
    path
        A TIFF file, or a companion, whose first TIFF file is opened.

    Raises
    ------
    FileProblem
        If a companion names no file that is there.
    """
    if is_companion(path):
        return _with_companion(path, path)
    tif = tifffile.TiffFile(path)
    try:
        companion = _companion_of(path, tif)
    except BaseException:
        tif.close()
        raise
    if companion is None:
        return tif
    tif.close()
    if is_companion(companion):
        return _with_companion(companion, path)
    return tifffile.TiffFile(companion)


def _companion_of(path: Path, tif: tifffile.TiffFile) -> Path | None:
    """Find the other file that holds the metadata of a TIFF file, if there is one."""
    if "BinaryOnly" not in (tif.ome_metadata or ""):
        return None
    check_xml(path, tif.ome_metadata or "")
    root = ome_root(tif.ome_metadata)
    elsewhere = None if root is None else root.find("{*}BinaryOnly")
    name = "" if elsewhere is None else elsewhere.get("MetadataFile", "")
    if not name:
        return None
    check_file_reference(path, name)
    companion = path.parent / name
    return companion if companion.is_file() and not companion.samefile(path) else None


def _with_companion(companion: Path, path: Path) -> tifffile.TiffFile:
    """Open a TIFF file with the metadata of a companion; its first one instead of itself."""
    with companion.open("rb") as file:
        text = file.read(MOST_XML).decode("utf-8", "replace")
    check_xml(companion, text)
    root = ome_root(text)
    if root is None:
        raise FileProblem(f"{companion} is no OME-XML, or damaged; copy it again from its source")
    names = _files(root)
    for name in names:
        check_file_reference(companion, name)
    there = [name for name in names if (companion.parent / name).is_file()]
    if path == companion:
        if not there:
            said = (
                f"names {shortened(names[0])!r}, which is not there" if names else "names no file"
            )
            raise FileProblem(
                f"{companion} {said}; put it into the folder of the TIFF files of the image"
            )
        path = companion.parent / there[0]
    return tifffile.TiffFile(path, omexml=text)


def find_tiff_image(
    path: Path, tif: tifffile.TiffFile, number: int | None, messages: list[str]
) -> TiffImage:
    """Find an image in a file, and read what is said of it.

    Parameters
    ----------
    path, tif
        The file, open.
    number
        Of the image; ``None`` takes the first and lists the others in a note.
    messages
        What tifffile logs; it goes into the notes.

    Raises
    ------
    FileProblem
        If there is no such image, or parts of it are missing.
    """
    first_checked_series(path, tif)
    names = [_in_words(series) for series in tif.series]
    number, listed = select_image(path, number, names)
    series = tif.series[number]
    check_page(path, series.keyframe)
    parser = TolerantParser()
    root = ome_root(tif.ome_metadata)
    if reason := _missing(path, series, root):
        raise FileProblem(reason)
    axes = known_axes(path, series.axes)
    shape = dict(zip(axes, series.shape, strict=True))
    header = _header(tif, number, shape, root, parser)
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
        notes.append("Its colour table is left out; the values are kept.")
    if (turned := orientation(page)) != 1:
        tiff["orientation"] = turned
        notes.append(
            f"Its orientation tag ({turned}) says that it should be shown turned or mirrored: the "
            "pixels stay as they are stored, and a TIFF file keeps the tag."
        )
    if tiff:
        extras["tiff"] = tiff
    notes += [*parser.notes(), *(one for one in messages if "OME series" not in one)]
    told = header._replace(extras=extras, channels=channels, notes=tuple(dict.fromkeys(notes)))
    alone = not series.is_multifile and tif.filename == path.name
    return TiffImage(series, axes, told, alone)


def known_axes(path: Path, axes: str) -> str:
    """Return the letters of axes, ``Q`` for those of no known meaning.

    Raises
    ------
    FileProblem
        If there is no Y or no X.
    """
    axes = "".join(letter if letter in "TCZYXS" else "Q" for letter in axes)
    if not {"Y", "X"} <= set(axes):
        raise FileProblem(f"{path} holds no picture: its axes are {axes or 'none'}")
    return axes


def _header(
    tif: tifffile.TiffFile,
    number: int,
    shape: dict[str, int],
    root: ElementTree.Element | None,
    parser: TolerantParser,
) -> Header:
    """Ask the dialects in the order of how much they can say."""
    series = tif.series[number]
    image = image_element(root, number, series.name, len(tif.series))
    if image is not None:
        return read_ome(image, parser)
    if tif.imagej_metadata is not None:
        return read_imagej(tif.imagej_metadata, series.keyframe, shape, parser)
    told = tif.shaped_metadata or ()
    said = told[number] if number < len(told) else {}
    if "PhysicalSizeX" in said or "PhysicalSizeY" in said:
        sizes, units = sizes_from_attributes(said, parser)
    else:
        sizes, units = resolution(series.keyframe, parser)
    return Header(sizes, units, {})


def missing_planes(path: Path) -> str:
    """Say which planes of a TIFF file are missing; "" if none is, or it cannot be told.

    Programs that read such a file show black planes in their place. Of several images the first
    counts.

    Parameters
    ----------
    path
        Any file.
    """
    try:
        refuse_special_file(path)
        with collect_tiff_warnings(), open_tiff_file(path) as tif:
            root = ome_root(tif.ome_metadata)
            return _missing(path, tif.series[0], root)
    except Exception:  # noqa: BLE001 - another program has read it, and who reads it here says more
        return ""


def _missing(path: Path, series: Any, root: ElementTree.Element | None) -> str:
    """Say that pages are missing, which tifffile would fill with zeros; "" if none is."""
    described = series.kind in ("ome", "mmstack", "ndtiff")
    missing = sum(page is None for page in series) if described else 0
    if not missing:
        return ""
    for name in _files(root):
        check_file_reference(path, name)
        if not (path.parent / name).exists():
            return (
                f"{path} has a part of its image in {shortened(name)!r}, which is not in its "
                "folder; put all files of the image there"
            )
    return (
        f"{path} says that its image has {len(series)} planes, and {missing} of them are not in "
        "it; copy it again from its source, or open it in the program that wrote it and save the "
        "planes that are there"
    )


def _files(root: ElementTree.Element | None) -> list[str]:
    """List the files that an OME-XML names."""
    elements = [] if root is None else root.iterfind(".//{*}UUID[@FileName]")
    return list(dict.fromkeys(element.attrib["FileName"] for element in elements))


def _ome_notes(
    path: Path, tif: tifffile.TiffFile, series: Any, root: ElementTree.Element | None
) -> list[str]:
    """Say where OME-XML was of no use."""
    text = tif.ome_metadata or (tif.pages.first.description or "")
    beginning = text[:2000]
    if not tif.ome_metadata and not ("<OME" in beginning and "<?xml" in beginning):
        return []
    taken = f"the pages of this file are taken in their order, as {known_axes(path, series.axes)}."
    if root is None:
        return [f"Its OME-XML is cut off or damaged: {taken}"]
    elsewhere = root.find("{*}BinaryOnly")
    if elsewhere is not None:
        name = shortened(elsewhere.get("MetadataFile", "another file"))
        return [f"Its metadata are in {name}, which is not in its folder: {taken}"]
    if series.kind not in ("ome", "mmstack"):
        gone = [name for name in _files(root) if not (path.parent / name).exists()]
        if gone:
            return [
                f"Its OME-XML says that its planes are in {shortened(gone[0])!r}, which is not in "
                f"its folder: {taken}"
            ]
        return [f"Its OME-XML does not say where its planes are: {taken}"]
    return []


def _in_words(series: Any) -> str:
    size = " x ".join(map(str, series.shape))
    name = f"{shortened(series.name, 60)!r}, " if series.name else ""
    return f"{name}{size} {series.axes}, {series.dtype}"
