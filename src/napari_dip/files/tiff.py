"""TIFF in three dialects: ImageJ's, OME's, and tifffile's own for what neither can hold."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.boundary import reading
from napari_dip.files.complaints import tiff_complaints
from napari_dip.files.promises import check_ome, first_series, refuse_too_large
from napari_dip.files.tiff_tags import ome_xml, read_header
from napari_dip.plaintext import plain
from napari_dip.stack.lazy import native
from napari_dip.stack.stored import MICROMETRES, SECONDS, StoredImage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import DTypeLike

__all__ = [
    "Dialect",
    "holds",
    "known_axes",
    "read_tiff",
    "refuse_cut_short",
    "tiff_provenance",
    "write_tiff",
]

Dialect = Literal["imagej", "ome", "shaped"]

_NAME = "napari-dip"
_IMAGEJ_SPELLINGS = {"µm": "micron", "in": "inch", "Å": "angstrom"}
_SMALLEST = 1e-9
"""Pixel size, and its inverse the largest, that a fraction of two 32-bit numbers holds well."""

_IMAGEJ_MODES = ("grayscale", "color", "composite")


def read_tiff(path: Path) -> StoredImage:
    """Read the first series of a TIFF file, with its axes and pixel sizes.

    Raises
    ------
    FileProblem
        If the file is damaged, holds no picture, or is compressed in a way not known here.
    """
    with reading(path), tiff_complaints() as complaints, tifffile.TiffFile(path) as tif:
        series = first_series(path, tif)
        refuse_too_large(path, series.nbytes)
        # In one thread, since complaints are collected by thread.
        image, axes, header = series.asarray(maxworkers=1), series.axes, read_header(tif)
    refuse_cut_short(path, complaints)
    if image.shape != series.shape:
        raise FileProblem(_cut_short(path, f"it holds {image.shape} values, not {series.shape}"))
    axes = known_axes(path, axes)
    if "S" in axes:
        samples = axes.index("S")
        colours = image.shape[samples] in (3, 4)
        # Two or five samples are channels, not colours.
        image = np.moveaxis(image, samples, -1 if colours else 0)
        rest = axes.replace("S", "")
        axes = rest + "S" if colours else ("Q" if "C" in rest else "C") + rest
    image = np.ascontiguousarray(image, native(image.dtype))
    notes = (*header.notes, *complaints)
    return StoredImage(
        image, axes, header.pixel_size, header.unit, header.extras, notes, header.translate
    )


def write_tiff(path: Path, stored: StoredImage, dialect: Dialect, provenance: str) -> None:
    """Write an image and a record in a dialect that holds it (see :func:`holds`)."""
    write = {"imagej": _as_imagej, "ome": _as_ome, "shaped": _as_shaped}[dialect]
    options: dict[str, Any] = {"photometric": "rgb" if "S" in stored.axes else "minisblack"}
    if "S" not in stored.axes:
        options |= stored.extras.get("tiff", {})
    tifffile.imwrite(path, stored.whole(), **(options | write(stored, provenance)))


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
    with reading(path), tiff_complaints(), tifffile.TiffFile(path) as tif:
        check_ome(path, tif)
        if tif.ome_metadata:
            note = ome_xml(tif).find(f".//{{*}}M[@K='{_NAME}']")
            return None if note is None else note.text
        if tif.imagej_metadata:
            for line in str(tif.imagej_metadata.get("Info", "")).splitlines():
                if line.startswith(f"{_NAME}: "):
                    return line.removeprefix(f"{_NAME}: ")
        shaped = tif.shaped_metadata or ({},)
        found = shaped[0].get(_NAME)
        return None if found is None else str(found)


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


def refuse_cut_short(path: Path, complaints: list[str]) -> None:
    """Raise :class:`FileProblem` if tifffile complained of pages that lie outside the file."""
    if any(re.search("invalid .*offset|corrupted", one) for one in complaints):
        raise FileProblem(_cut_short(path, complaints[0]))


def _cut_short(path: Path, why: object) -> str:
    return f"{path} is damaged or was cut short ({why}); copy it again from its source"


def _as_imagej(stored: StoredImage, provenance: str) -> dict[str, Any]:
    """ImageJ knows one unit for all lengths, and seconds."""
    kept = dict(stored.extras.get("imagej", {}))
    planes = math.prod(stored.image.shape[: stored.axes.index("Y")])
    if len(kept.get("Labels", ())) not in (0, planes):
        del kept["Labels"]
    if kept.get("mode") not in _IMAGEJ_MODES:
        kept.pop("mode", None)
    if provenance:
        kept["Info"] = f"{_NAME}: {provenance}\n{kept.get('Info', '')}"
    unit = next((stored.unit[axis] for axis in "XYZ" if axis in stored.unit), None)
    size = {axis: stored.size_in(axis, MICROMETRES, unit) for axis in "ZYX"}
    if any(each and not _SMALLEST < each < 1 / _SMALLEST for each in size.values()):
        unit, size = None, dict.fromkeys("ZYX")  # the tags have no room for it
    said = {
        "unit": unit and _in_ascii(_IMAGEJ_SPELLINGS.get(unit, unit)),
        "spacing": size["Z"],
        "finterval": stored.size_in("T", SECONDS, "s"),
        **_origins(stored),
    }
    metadata = {k: v for k, v in said.items() if v is not None}
    return {
        "imagej": True,
        "resolution": (1 / (size["X"] or 1), 1 / (size["Y"] or 1)),
        "resolutionunit": "NONE",
        "metadata": {"axes": stored.axes} | metadata | kept,
    }


def _in_ascii(text: str) -> str:
    """Escape letters outside ASCII as ImageJ does."""
    letters = plain(text)
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in letters)


def _origins(stored: StoredImage) -> dict[str, float]:
    """Say, as ImageJ does, which pixel lies at 0."""
    return {
        f"{axis.lower()}origin": -place / stored.pixel_size[axis]
        for axis, place in stored.translate.items()
        if axis in "ZYX" and axis in stored.pixel_size and place
    }


def _as_ome(stored: StoredImage, provenance: str) -> dict[str, Any]:
    metadata = {"axes": stored.axes} | _attributes(stored) | dict(stored.extras.get("ome", {}))
    if positions := _positions(stored):
        metadata["Plane"] = positions
    if provenance:
        metadata["MapAnnotation"] = {"Namespace": _NAME, _NAME: provenance}
    return {"ome": True, "metadata": metadata}


def _positions(stored: StoredImage) -> dict[str, list[Any]]:
    """Give OME's positions of all planes, in the order in which they are written."""
    axes, shape = stored.axes, stored.image.shape
    leading = axes[: min(axes.index(letter) for letter in "YXS" if letter in axes)]
    planes = math.prod(shape[: len(leading)])
    numbers = np.indices(shape[: len(leading)]).reshape(len(leading), planes)
    positions: dict[str, list[Any]] = {}
    for axis, place in stored.translate.items():
        if axis in "ZYX" and place and stored.unit.get(axis) in MICROMETRES:
            moved = np.full(planes, place)
            if axis in leading:
                with np.errstate(over="ignore", invalid="ignore"):
                    moved += numbers[leading.index(axis)] * stored.pixel_size[axis]
            if not np.isfinite(moved).all():
                continue
            positions[f"Position{axis}"] = moved.tolist()
            positions[f"Position{axis}Unit"] = [stored.unit[axis]] * planes
    return positions


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
