"""Test that all levels of a pyramid are written and repaired."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import zarr

from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.files.pyramid_layout import downsample
from napari_dip.files.resumable_zarr import ResumableZarr
from napari_dip.generators import finished
from napari_dip.settings import Settings


def chunks(folder):
    """Return the content of all chunks, without metadata, which hold times."""
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json" and ".napari-dip" not in file.parts
    }


RECORD = {"settings": {"seed": 0, "task": {"kind": "denoise"}}, "input": "blake2b:00"}


SIZES = {"T": 2.0, "Z": 0.5, "Y": 0.25, "X": 0.25}


UNITS = {"T": "s", "Z": "µm", "Y": "µm", "X": "µm"}


def values(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    random = np.random.default_rng(0).integers(0, 100, shape)
    return random > 50 if dtype == "bool" else random.astype(dtype)


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


def test_smaller_levels_are_repaired(tmp_path):
    path, out = tmp_path / "in.tif", tmp_path / "out.ome.zarr"
    image = np.random.default_rng(0).poisson(20, (2, 260, 260)).astype(np.uint16)
    write_image(path, StoredImage(image, "ZYX"))
    settings = Settings(axes="ZYX", device="cpu", iterations=1, noise=5, share="none")
    finished(open_run(path, out, settings.replace(refinement=0)).steps())
    before = chunks(out)
    shutil.rmtree(out / "1")
    again = open_run(path, out, settings.replace(refinement=0), resume=True)
    assert "2 of 2 parts" in again.notes[-1]
    assert chunks(out) == before


def test_levels_equal_the_downsampled_image(tmp_path):
    image = values((2, 515, 600))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(sink, image, [1, 0])
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["1"][:], downsample(image))
    np.testing.assert_array_equal(group["2"][:], downsample(downsample(image)))
