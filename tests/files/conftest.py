"""Share small input files among the tests."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_dip.files.image_io import StoredImage, write_image


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "stack.tif"
    values = np.random.default_rng(0).poisson(20, (6, 24, 28)).astype(np.uint16)
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """Write an OME-TIFF with three time points and two named channels."""
    path = tmp_path_factory.mktemp("in") / "movie.ome.tif"
    values = np.random.default_rng(0).poisson(20, (3, 2, 16, 16)).astype(np.uint16)
    named = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "Zellmembran µ"]}, "PhysicalSizeX": 0.5}
    tifffile.imwrite(path, values, metadata=named | {"PhysicalSizeY": 0.5, "TimeIncrement": 2.0})
    return path


@pytest.fixture
def older(tmp_path):
    path = tmp_path / "out.ome.zarr"
    write_image(path, StoredImage(np.full((6, 24, 28), 7, np.uint16), "ZYX"))
    return path
