"""Write small OME-Zarr examples, of other programs and of interrupted runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr

from napari_dip.files.image_io import StoredImage
from napari_dip.files.resumable_zarr import ResumableZarr

SPACE = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]


RECORD = {"settings": {"seed": 0, "task": {"kind": "denoise"}}, "input": "blake2b:00"}


SIZES = {"T": 2.0, "Z": 0.5, "Y": 0.25, "X": 0.25}


UNITS = {"T": "s", "Z": "µm", "Y": "µm", "X": "µm"}


def foreign(
    path: Path, image: np.ndarray, version: str = "0.5", axes: list | None = None, **said
) -> Path:
    """Write OME-Zarr without the writer of this package."""
    multiscale = {
        "axes": axes if axes is not None else SPACE,
        "datasets": [
            {
                "path": "full",
                "coordinateTransformations": [{"type": "scale", "scale": [0.5] * image.ndim}],
            }
        ],
    } | said.pop("multiscale", {})
    old = version == "0.4"
    attributes = (
        {"multiscales": [{"version": version} | multiscale]} | said
        if old
        else {"ome": {"version": version, "multiscales": [multiscale]} | said}
    )
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    group.create_array("full", data=image, chunks=(1,) * (image.ndim - 2) + image.shape[-2:])
    return path


def calibrated(axes: str) -> StoredImage:
    sizes = {axis: size for axis, size in SIZES.items() if axis in axes}
    return StoredImage(
        np.zeros([1] * len(axes)), axes, sizes, {axis: UNITS[axis] for axis in sizes}
    )


def make(path: Path, image: np.ndarray, axes: str, **options) -> ResumableZarr:
    sink = ResumableZarr.create(
        path, image.shape, image.dtype, calibrated(axes), axes, RECORD, **options
    )
    return sink


def fill(sink: ResumableZarr, image: np.ndarray, keys=None) -> None:
    for number in range(len(image)) if keys is None else keys:
        sink.commit(f"{number:03}", (number,), image[number], {"iterations": number})


def chunks(folder):
    """Return the content of all chunks, without metadata, which hold times."""
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json" and ".napari-dip" not in file.parts
    }
