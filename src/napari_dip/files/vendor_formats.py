"""Read vendor formats – CZI, ND2, LIF and more – on access, through bioio.

bioio is an extra (``napari-dip[formats]``), and each of its formats is a package of its own.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_dip.errors import FileProblem
from napari_dip.files.image_selection import select_image
from napari_dip.files.ome_xml import image_element, ome_root, read_ome
from napari_dip.files.read_errors import FileArray
from napari_dip.files.tiff_tags import Header
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.files.vendor_metadata import colours_in_xml, interval_in_xml
from napari_dip.image.metadata import Channel, StoredImage
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["VENDOR_SUFFIXES", "is_vendor_file", "read_vendor_file"]

_PACKAGE_OF_SUFFIX = {
    ".czi": "bioio-czi",
    ".nd2": "bioio-nd2",
    ".lif": "bioio-lif",
    ".dv": "bioio-dv",
    ".sld": "bioio-sldy",
    ".oib": "bioio-bioformats",
    ".oif": "bioio-bioformats",
    ".vsi": "bioio-bioformats",
    ".ims": "bioio-bioformats",
}


VENDOR_SUFFIXES = tuple(_PACKAGE_OF_SUFFIX)
"""Ends of the names of vendor formats."""

MAX_OPENED_SCENES = 20  # scenes: of more, only the names are listed, since bioio must open each

_DEFAULT_CHANNEL_NAME = re.compile(r"Channel:\d+(:\d+)?")
"""Name that bioio gives to channels without one."""


_DEFAULT_SCENE_NAME = re.compile(r"Image:\d+")
"""Name that bioio gives to scenes without one."""


def is_vendor_file(path: Path) -> bool:
    """Return whether the suffix of a file is that of a vendor format."""
    return path.suffix.lower() in _PACKAGE_OF_SUFFIX


def read_vendor_file(path: Path, number: int | None = None) -> StoredImage:
    """Open a scene of a vendor file; axes of length 1 are dropped, except Y and X.

    Parameters
    ----------
    path
        The file.
    number
        Index of the scene, from 0; ``None`` is the first, and a note lists all.

    Raises
    ------
    FileProblem
        If bioio, or its package for the format, is missing or cannot read the file, or if there is
        no such scene.
    """
    package = _PACKAGE_OF_SUFFIX.get(path.suffix.lower(), "a package of bioio")
    cure = f"install napari-dip[formats] and {package}, or export the image as OME-TIFF"
    try:
        from bioio import BioImage
    except ImportError:
        raise FileProblem(f"{path} needs bioio, which is not installed: {cure}") from None
    try:
        image = BioImage(path)
        scenes = _scenes(image)
        selected, notes = select_image(path, number, scenes)
        if selected or len(image.scenes) > 1:
            image.set_scene(selected)
        values = image.dask_data
    except (FileNotFoundError, FileProblem):
        raise
    except Exception as error:
        raise FileProblem(f"{path} cannot be read by bioio ({shortened(error)}): {cure}") from error
    order = str(image.dims.order)
    kept = [axis for axis, size in enumerate(values.shape) if size > 1 or order[axis] in "YX"]
    values = values[tuple(slice(None) if axis in kept else 0 for axis in range(values.ndim))]
    axes = "".join(order[axis] for axis in kept)
    parser = TolerantParser()
    pixel_size: dict[str, float] = {}
    for axis in axes:
        size = parser.size(f"pixel size {axis}", getattr(image.physical_pixel_sizes, axis, None))
        if axis in "ZYX" and size:
            pixel_size[axis] = size
    unit = dict.fromkeys(pixel_size, "µm")  # the unit of bioio
    with _without_log(image):
        interval = image.time_interval
    seconds = parser.size("time interval", getattr(interval, "total_seconds", lambda: interval)())
    xml = _xml(image), selected, len(image.scenes)
    seconds = seconds or interval_in_xml(*xml)
    if "T" in axes and seconds:
        pixel_size["T"], unit["T"] = seconds, "s"
    count = values.shape[axes.index("C")] if "C" in axes else 1
    known = _ome_header(image, selected)
    scene = str(image.scenes[selected])
    return StoredImage(
        FileArray(values, path),
        "".join(letter if letter in "TCZYXS" else "Q" for letter in axes),
        pixel_size,
        unit,
        extras=known.extras,
        notes=(*notes, *parser.notes()),
        channels=_channels(image, known, colours_in_xml(*xml), count),
        series=selected,
        images=tuple(scenes) if len(scenes) > 1 else (),
        optics=known.optics,
        name=known.name or ("" if _DEFAULT_SCENE_NAME.fullmatch(scene) else scene),
        acquired=known.acquired or _acquired(image),
        times=known.times,
    )


def _ome_header(image: Any, number: int) -> Header:
    """Read the metadata that bioio converts to OME; empty if it cannot, as for LIF."""
    try:
        root = ome_root(image.ome_metadata.to_xml())
        # The numbers that bioio reads itself have their own notes.
        element = image_element(root, number, str(image.scenes[number]), len(image.scenes))
        return Header({}, {}, {}) if element is None else read_ome(element, TolerantParser(), root)
    except Exception:  # noqa: BLE001 - each reader of bioio raises its own errors
        return Header({}, {}, {})


def _channels(
    image: Any, known: Header, in_xml: tuple[str, ...], count: int
) -> tuple[Channel, ...]:
    """Return the names that bioio tells, with the colours of the OME metadata or of the XML."""
    names = [str(name) for name in getattr(image, "channel_names", None) or ()]
    names = ["" if _DEFAULT_CHANNEL_NAME.fullmatch(name) else name for name in names]
    colours = [one.colour for one in known.channels]
    if not any(colours):
        colours = [*in_xml]
    colours = colours if len(colours) == count else [""] * count
    if len(names) != count:
        names = [one.name for one in known.channels]
    names = names if len(names) == count else [""] * count
    channels = tuple(map(Channel, names, colours))
    return channels if any(channels) else ()


def _xml(image: Any) -> Any:
    """Return what bioio calls the metadata: mostly the XML of the file; ``None`` without any."""
    try:
        with _without_log(image):
            return image.metadata
    except Exception:  # noqa: BLE001 - each reader of bioio raises its own errors
        return None


def _acquired(image: Any) -> str:
    """Return the date and time of acquisition; empty if unknown."""
    try:
        with _without_log(image):
            moment = image.standard_metadata.imaging_datetime
        return "" if moment is None else str(moment.isoformat())
    except Exception:  # noqa: BLE001 - each reader of bioio raises its own errors
        return ""


@contextmanager
def _without_log(image: Any) -> Iterator[None]:
    """Keep the log of a reader from the terminal: bioio-lif logs missing metadata as tracebacks."""
    package = type(getattr(image, "reader", image)).__module__.partition(".")[0]
    logs = [logging.getLogger(name) for name in (package, "bioio_base")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def _scenes(image: Any) -> list[str]:
    """List the names of the scenes, with their sizes if there are few."""
    names = [shortened(name, 60) for name in image.scenes]
    if not 1 < len(names) <= MAX_OPENED_SCENES:
        return names
    described = []
    for number, name in enumerate(names):
        image.set_scene(number)
        described.append(
            f"{name!r}, {' x '.join(map(str, image.dask_data.shape))} {image.dims.order}"
        )
    return described
