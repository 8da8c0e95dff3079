"""Arrays of xarray, as layers and images, stay lazy and name their axes."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

pytest.importorskip("napari", reason="layers are napari's")
pytest.importorskip("xarray", reason="xarray is not there")

import xarray
from napari.layers import Image

from napari_dip import denoise
from napari_dip.files.image_io import StoredImage, read_image, write_image
from napari_dip.noise.bad_pixels import find_bad_pixels
from napari_dip.plugin.models.layer_input import read_layer

QUICK = {"iterations": 2, "share": "none", "device": "cpu"}


class Read:
    """A stack in chunks of a plane, and the list of chunks that were read."""

    def __init__(self):
        self.counts = np.random.default_rng(0).poisson(20, (3, 2, 20, 24)).astype(np.uint16)
        self.planes = []
        blocks = da.map_blocks(
            self._block, chunks=((1,) * 3, (1,) * 2, (20,), (24,)), dtype=np.uint16
        )
        self.array = xarray.DataArray(
            blocks, dims=("t", "z", "y", "x"), coords={"t": [0.0, 0.5, 1.0]}
        )

    def _block(self, block_id):
        self.planes.append(block_id[:2])
        time, depth = block_id[:2]
        return self.counts[time : time + 1, depth : depth + 1]


def test_a_lazy_xarray_layer_keeps_axes_and_laziness():
    read = Read()
    layer = Image(read.array, axis_labels=read.array.dims, contrast_limits=(0, 60), name="cells")
    read.planes.clear()
    source = read_layer(layer)
    assert source.axes == "TZYX"
    assert source.data is read.array
    assert read.planes == []


def test_a_lazy_array_is_restored_like_its_values():
    read = Read()
    restored = denoise(read.array, axes="TZYX", **QUICK)
    assert type(restored) is np.ndarray
    np.testing.assert_array_equal(restored, denoise(read.counts, axes="TZYX", **QUICK))
    assert {*read.planes} == {*np.ndindex(3, 2)}


def test_an_xarray_is_written_like_any_array(tmp_path):
    read = Read()
    read.counts[1, 1, 5, 7] = 65535
    path = tmp_path / "cells.tif"
    write_image(path, StoredImage(read_layer(Image(read.array)).data, "TZYX"))
    np.testing.assert_array_equal(read_image(path).image, read.counts)
    assert np.argwhere(find_bad_pixels(read.array).labels).tolist() == [[1, 1, 5, 7]]
