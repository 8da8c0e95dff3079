"""Test that all levels of a pyramid are written and repaired."""

from __future__ import annotations

import shutil

import numpy as np
import zarr
from example_files import values
from example_zarr import chunks, fill, make

from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.files.pyramid_layout import downsample
from napari_dip.generators import finished
from napari_dip.settings import Settings


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
