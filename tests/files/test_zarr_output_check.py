"""Test that no other data are deleted when a zarr is replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.files.resumable_zarr import ResumableZarr

QUICK = ("--iterations", "4", "--device", "cpu", "--noise", "5", "--share", "none", "--axes", "ZYX")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "stack.tif"
    values = np.random.default_rng(0).poisson(20, (6, 24, 28)).astype(np.uint16)
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture
def older(tmp_path):
    path = tmp_path / "out.ome.zarr"
    write_image(path, StoredImage(np.full((6, 24, 28), 7, np.uint16), "ZYX"))
    return path


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


def test_other_contents_of_a_zarr_are_kept(stack, older):
    (older / "labels").mkdir()
    (older / "labels" / "cells.txt").write_text("years of work")
    result = call("denoise", stack, older, *QUICK, "--overwrite")
    assert result.exit_code == 2
    assert "labels" in result.stderr
    assert (older / "labels" / "cells.txt").exists()


def test_other_folder_is_never_replaced(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.txt").write_text("years")
    with pytest.raises(FileProblem, match="is not a zarr"):
        make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX", overwrite=True)
    with pytest.raises(FileProblem, match="is not a zarr"):
        write_image(tmp_path / "a.zarr", calibrated("YX"), overwrite=True)
    assert (tmp_path / "a.zarr" / "thesis.txt").read_text() == "years"


def test_missing_parent_folder_is_not_created(tmp_path):
    with pytest.raises(FileProblem, match="does not exist; create it first"):
        make(tmp_path / "absent" / "a.zarr", values((3, 20, 24)), "TYX")
    assert not (tmp_path / "absent").exists()
