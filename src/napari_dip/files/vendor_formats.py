"""Microscopes' own formats – CZI, ND2, LIF and more –, read piece by piece through bioio.

bioio is an extra (``napari-dip[formats]``), and each of its formats a package of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari_dip.errors import FileProblem
from napari_dip.files.image_selection import select_image
from napari_dip.files.read_errors import FileArray
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.image.metadata import Channel, StoredImage
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_vendor_file", "read_vendor_file"]

_READERS = {
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


_FEW = 20  # scenes whose sizes are listed

_NO_NAME = re.compile(r"Channel:\d+(:\d+)?")
"""What bioio calls channels of which the file says nothing."""


def is_vendor_file(path: Path) -> bool:
    """Tell from the name whether a microscope's own program has written a file."""
    return path.suffix.lower() in _READERS


def read_vendor_file(path: Path, number: int | None = None) -> StoredImage:
    """Open a scene of a file; axes of one value are left out, but for Y and X.

    Parameters
    ----------
    path
        The file.
    number
        Of the scene, from 0; ``None`` is the first, and a note lists the others.

    Raises
    ------
    FileProblem
        If bioio, or its package for the format, is missing or cannot read the file, or if there
        is no such scene.
    """
    package = _READERS.get(path.suffix.lower(), "a package of bioio")
    cure = f"install napari-dip[formats] and {package}, or export the image as OME-TIFF"
    try:
        from bioio import BioImage
    except ImportError:
        raise FileProblem(f"{path} is read by bioio, which is not here: {cure}") from None
    try:
        image = BioImage(path)
        taken, notes = select_image(path, number, _scenes(image))
        if taken or len(image.scenes) > 1:
            image.set_scene(taken)
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
    unit = dict.fromkeys(pixel_size, "µm")  # bioio's own
    interval = image.time_interval
    seconds = parser.size("time interval", getattr(interval, "total_seconds", lambda: interval)())
    if "T" in axes and seconds:
        pixel_size["T"], unit["T"] = seconds, "s"
    count = values.shape[axes.index("C")] if "C" in axes else 1
    names = [str(name) for name in getattr(image, "channel_names", None) or ()]
    named = [Channel("" if _NO_NAME.fullmatch(name) else name) for name in names]
    return StoredImage(
        FileArray(values, path),
        "".join(letter if letter in "TCZYXS" else "Q" for letter in axes),
        pixel_size,
        unit,
        notes=(*notes, *parser.notes()),
        channels=tuple(named) if any(named) and len(named) == count else (),
        series=taken,
    )


def _scenes(image: Any) -> list[str]:
    """Name the scenes, with their sizes where there are few: bioio has to open each for that."""
    names = [shortened(name, 60) for name in image.scenes]
    if not 1 < len(names) <= _FEW:
        return names
    said = []
    for number, name in enumerate(names):
        image.set_scene(number)
        said.append(f"{name!r}, {' x '.join(map(str, image.dask_data.shape))} {image.dims.order}")
    return said
