"""Microscopes' own formats – CZI, ND2, LIF and more –, read piece by piece through bioio.

bioio is an extra (``napari-dip[formats]``), and each of its formats a package of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem
from napari_dip.files.boundary import FromFile
from napari_dip.plaintext import shortened
from napari_dip.stack.stored import StoredImage

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_vendor", "read_vendor"]

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


def is_vendor(path: Path) -> bool:
    """Tell from the name whether a microscope's own program has written a file."""
    return path.suffix.lower() in _READERS


def read_vendor(path: Path) -> StoredImage:
    """Open the first scene of a file; axes of one value are left out, but for Y and X.

    Raises
    ------
    FileProblem
        If bioio, or its package for the format, is missing or cannot read the file.
    """
    package = _READERS.get(path.suffix.lower(), "a package of bioio")
    cure = f"install napari-dip[formats] and {package}, or export the image as OME-TIFF"
    try:
        from bioio import BioImage
    except ImportError:
        raise FileProblem(f"{path} is read by bioio, which is not here: {cure}") from None
    try:
        image = BioImage(path)
        values = image.dask_data
    except FileNotFoundError:
        raise
    except Exception as error:
        raise FileProblem(f"{path} cannot be read by bioio ({shortened(error)}): {cure}") from error
    order = str(image.dims.order)
    kept = [axis for axis, size in enumerate(values.shape) if size > 1 or order[axis] in "YX"]
    values = values[tuple(slice(None) if axis in kept else 0 for axis in range(values.ndim))]
    axes = "".join(order[axis] for axis in kept)
    sizes = {axis: getattr(image.physical_pixel_sizes, axis) for axis in "ZYX"}
    pixel_size = {axis: float(size) for axis, size in sizes.items() if size and axis in axes}
    unit = dict.fromkeys(pixel_size, "µm")  # bioio's own
    if "T" in axes and image.time_interval:
        pixel_size["T"], unit["T"] = float(image.time_interval.total_seconds()), "s"
    scenes = len(image.scenes)
    notes = (f"It has {scenes} scenes; the first was read.",) if scenes > 1 else ()
    return StoredImage(FromFile(values, path), axes, pixel_size, unit, notes=notes)
