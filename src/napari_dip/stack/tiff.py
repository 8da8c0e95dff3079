"""TIFF in three dialects: ImageJ's, OME's, and tifffile's own for what neither can hold."""

from __future__ import annotations

import io
import logging
import lzma
import re
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.stack.stored import MICROMETRES, SECONDS, StoredImage, canonical_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import DTypeLike

__all__ = ["Dialect", "holds", "read_tiff", "tiff_provenance", "write_tiff"]

Dialect = Literal["imagej", "ome", "shaped"]

_NAME = "napari-dip"
_IMAGEJ_SPELLINGS = {"µm": "micron", "in": "inch", "Å": "angstrom"}
_RESOLUTION_UNITS = {2: "in", 3: "cm"}
_IMAGEJ_KEPT = ("mode", "min", "max", "Ranges", "LUTs", "Labels", "Info")
# What tifffile and the decoders below it raise over a file that is not as it should be.
_DAMAGE = (
    ValueError,
    LookupError,
    EOFError,
    ImportError,
    RuntimeError,  # imagecodecs' own errors
    struct.error,
    zlib.error,
    lzma.LZMAError,
    ElementTree.ParseError,
)
_CHANNEL_KEPT = ("Name", "Color", "EmissionWavelength", "EmissionWavelengthUnit", "Fluor")

Sizes = dict[str, float]
Units = dict[str, str]


def read_tiff(path: Path) -> StoredImage:
    """Read the first series of a TIFF file, with its axes and pixel sizes.

    Raises
    ------
    FileProblem
        If the file is damaged, holds no picture, or is compressed in a way not known here.
    """
    with _complaints(path) as complaints, tifffile.TiffFile(path) as tif:
        series = tif.series[0]
        image, axes = series.asarray(), series.axes
        sizes, units = _pixel_sizes(tif)
        extras = _extras(tif)
        notes = _notes(tif)
    if any(re.search("invalid .*offset|corrupted", one) for one in complaints):
        raise FileProblem(_cut_short(path, complaints[0]))

    axes = "".join(letter if letter in "TCZYXS" else "Q" for letter in axes)
    if not {"Y", "X"} <= set(axes):
        raise FileProblem(f"{path} holds no picture: its axes are {axes or 'none'}")
    if "S" in axes:
        samples = axes.index("S")
        colours = image.shape[samples] in (3, 4)
        # Two or five samples are channels, not colours.
        image = np.moveaxis(image, samples, -1 if colours else 0)
        rest = axes.replace("S", "")
        axes = rest + "S" if colours else ("Q" if "C" in rest else "C") + rest
    image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    return StoredImage(image, axes, sizes, units, extras, (*notes, *complaints))


def write_tiff(path: Path, stored: StoredImage, dialect: Dialect, provenance: str) -> None:
    """Write an image and a record in a dialect that holds it (see :func:`holds`)."""
    write = {"imagej": _as_imagej, "ome": _as_ome, "shaped": _as_shaped}[dialect]
    options: dict[str, Any] = {"photometric": "rgb" if "S" in stored.axes else "minisblack"}
    if "S" not in stored.axes:
        options |= stored.extras.get("tiff", {})
    tifffile.imwrite(path, stored.image, **(options | write(stored, provenance)))


def holds(dialect: Dialect, dtype: DTypeLike, axes: str) -> bool:
    """Tell whether a dialect has room for a dtype and these axes, by writing a tiny image."""
    if dialect == "shaped":
        return True
    tiny = np.zeros([3 if axis == "S" else 2 for axis in axes], dtype)
    photometric = "rgb" if "S" in axes else "minisblack"
    try:
        tifffile.imwrite(
            io.BytesIO(),
            tiny,
            photometric=photometric,
            imagej=dialect == "imagej",
            ome=dialect == "ome",
            metadata={"axes": axes},
        )
    except (ValueError, tifffile.OmeXmlError):
        return False
    return True


def tiff_provenance(path: Path) -> str | None:
    """Return the JSON text that :func:`write_tiff` put into a file, if any."""
    with _complaints(path), tifffile.TiffFile(path) as tif:
        if tif.ome_metadata:
            note = _ome(tif).find(f".//{{*}}M[@K='{_NAME}']")
            return None if note is None else note.text
        if tif.imagej_metadata:
            for line in str(tif.imagej_metadata.get("Info", "")).splitlines():
                if line.startswith(f"{_NAME}: "):
                    return line.removeprefix(f"{_NAME}: ")
        shaped = tif.shaped_metadata or ({},)
        found = shaped[0].get(_NAME)
        return None if found is None else str(found)


@contextmanager
def _complaints(path: Path) -> Iterator[list[str]]:
    """Collect what tifffile logs, and put its many exceptions into words."""
    complaints: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: complaints.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("tifffile")
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield complaints
    except FileProblem:
        raise
    except _DAMAGE as error:
        if "imagecodecs" in str(error) or isinstance(error, ImportError):
            raise FileProblem(
                f"{path} is compressed in a way that needs another package: "
                "pip install imagecodecs, or save the file uncompressed"
            ) from None
        raise FileProblem(_cut_short(path, error)) from None
    finally:
        log.removeHandler(handler)
        log.propagate = propagate


def _cut_short(path: Path, why: object) -> str:
    return f"{path} is damaged or was cut short ({why}); copy it again from its source"


def _notes(tif: tifffile.TiffFile) -> list[str]:
    notes = []
    if len(tif.series) > 1:
        notes.append(f"It holds {len(tif.series)} images; the first is taken.")
    if tif.pages.first.photometric == tifffile.PHOTOMETRIC.PALETTE:
        notes.append("Its colour table is left out; the values are kept.")
    return notes


def _pixel_sizes(tif: tifffile.TiffFile) -> tuple[Sizes, Units]:
    """Ask the dialects in the order of how much they can say."""
    if tif.ome_metadata:
        return _from_attributes(_ome_pixels(tif).attrib)
    if tif.imagej_metadata is not None:
        return _from_imagej(tif.imagej_metadata, tif.pages.first)
    if tif.shaped_metadata and "PhysicalSizeX" in tif.shaped_metadata[0]:
        return _from_attributes(tif.shaped_metadata[0])
    return _from_resolution(tif.pages.first)


def _from_attributes(said: Mapping[str, Any]) -> tuple[Sizes, Units]:
    """Read OME's attributes; a length without a unit is in micrometres, says its schema."""
    sizes, units = {}, {}
    for axis, name, default in (
        ("T", "TimeIncrement", "s"),
        ("Z", "PhysicalSizeZ", "µm"),
        ("Y", "PhysicalSizeY", "µm"),
        ("X", "PhysicalSizeX", "µm"),
    ):
        if float(said.get(name, 0)) > 0:
            sizes[axis] = float(said[name])
            if unit := canonical_unit(said.get(f"{name}Unit", default)):
                units[axis] = unit
    return sizes, units


def _from_imagej(said: Mapping[str, Any], page: Any) -> tuple[Sizes, Units]:
    unit = canonical_unit(str(said.get("unit", "")))
    sizes: Sizes = {}
    x, y = _resolution(page)
    if unit or (x, y) != (1, 1):
        sizes |= {"Y": 1 / y, "X": 1 / x}
    if float(said.get("spacing", 0)) > 0:
        sizes["Z"] = float(said["spacing"])
    units = dict.fromkeys(sizes, unit) if unit else {}
    if float(said.get("finterval", 0)) > 0:
        sizes["T"], units["T"] = float(said["finterval"]), "s"
    return sizes, units


def _from_resolution(page: Any) -> tuple[Sizes, Units]:
    x, y = _resolution(page)
    tag = page.tags.get("ResolutionUnit")
    unit = _RESOLUTION_UNITS.get(int(tag.value)) if tag else None
    # 72 dots per inch is what programs write that know nothing.
    if unit is None or (unit == "in" and round(x) == 72):
        return {}, {}
    return {"Y": 1 / y, "X": 1 / x}, {"Y": unit, "X": unit}


def _resolution(page: Any) -> tuple[float, float]:
    """Return pixels per unit along X and Y, 1 where the tags are absent or say nonsense."""
    pixels = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        above, below = tag.value if tag else (1, 1)
        pixels.append(above / below if above and below else 1.0)
    return pixels[0], pixels[1]


def _extras(tif: tifffile.TiffFile) -> dict[str, dict[str, Any]]:
    extras: dict[str, dict[str, Any]] = {}
    if tif.imagej_metadata:
        extras["imagej"] = {k: v for k, v in tif.imagej_metadata.items() if k in _IMAGEJ_KEPT}
    if tif.ome_metadata:
        pixels = _ome_pixels(tif)
        channels = [
            {k: v for k, v in channel.attrib.items() if k in _CHANNEL_KEPT}
            for channel in pixels.findall("{*}Channel")
        ]
        description = _ome(tif).findtext("{*}Image/{*}Description")
        extras["ome"] = {"Channel": channels} if any(channels) else {}
        extras["ome"] |= {"Description": description} if description else {}
    if tif.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        extras["tiff"] = {"photometric": "miniswhite"}
    return extras


def _ome(tif: tifffile.TiffFile) -> ElementTree.Element:
    return ElementTree.fromstring(tif.ome_metadata or "")


def _ome_pixels(tif: tifffile.TiffFile) -> ElementTree.Element:
    pixels = _ome(tif).find("{*}Image/{*}Pixels")
    return ElementTree.Element("Pixels") if pixels is None else pixels


def _as_imagej(stored: StoredImage, provenance: str) -> dict[str, Any]:
    """ImageJ knows one unit for all lengths, and seconds."""
    kept = dict(stored.extras.get("imagej", {}))
    planes = stored.image.size // np.prod(stored.image.shape[stored.axes.index("Y") :])
    if len(kept.get("Labels", ())) not in (0, planes):
        del kept["Labels"]
    if provenance:
        kept["Info"] = f"{_NAME}: {provenance}\n{kept.get('Info', '')}"
    unit = next((stored.unit[axis] for axis in "XYZ" if axis in stored.unit), None)
    size = {axis: stored.size_in(axis, MICROMETRES, unit) for axis in "ZYX"}
    said = {
        "unit": _IMAGEJ_SPELLINGS.get(unit or "", unit),
        "spacing": size["Z"],
        "finterval": stored.size_in("T", SECONDS, "s"),
    }
    metadata = {k: v for k, v in said.items() if v is not None}
    return {
        "imagej": True,
        "resolution": (1 / (size["X"] or 1), 1 / (size["Y"] or 1)),
        "resolutionunit": "NONE",
        "metadata": {"axes": stored.axes} | metadata | kept,
    }


def _as_ome(stored: StoredImage, provenance: str) -> dict[str, Any]:
    metadata = {"axes": stored.axes} | _attributes(stored) | dict(stored.extras.get("ome", {}))
    if provenance:
        metadata["MapAnnotation"] = {"Namespace": _NAME, _NAME: provenance}
    return {"ome": True, "metadata": metadata}


def _as_shaped(stored: StoredImage, provenance: str) -> dict[str, Any]:
    record = {_NAME: provenance} if provenance else {}
    return {"metadata": {"axes": stored.axes} | _attributes(stored) | record}


def _attributes(stored: StoredImage) -> dict[str, Any]:
    names = {"T": "TimeIncrement"} | {axis: f"PhysicalSize{axis}" for axis in "ZYX"}
    attributes: dict[str, Any] = {}
    for axis, name in names.items():
        if axis in stored.pixel_size:
            unit = stored.unit.get(axis)
            attributes[name] = stored.pixel_size[axis]
            # OME's schema has this word for a unit that it does not know.
            known = unit in (SECONDS if axis == "T" else MICROMETRES)
            attributes[f"{name}Unit"] = unit if known else "reference frame"
    return attributes
