"""Test that errors of readers name the file and the cure."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from example_files import refused

from napari_dip.errors import FileProblem
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import (
    read_image,
    read_mask,
    read_provenance,
)
from napari_dip.settings import Settings


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def write_tiff(path, **options):
    tifffile.imwrite(path, stack(), photometric="minisblack", **options)


def test_original_error_is_kept_as_cause(tmp_path, monkeypatch):
    write_tiff(tmp_path / "a.tif")
    monkeypatch.setattr(tifffile.TiffFile, "series", property(lambda _: 1 // 0))
    with pytest.raises(FileProblem, match="ZeroDivisionError") as refusal:
        read_image(tmp_path / "a.tif")
    assert isinstance(refusal.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("raised", "expected"), [(KeyboardInterrupt, KeyboardInterrupt), (MemoryError, FileProblem)]
)
def test_interrupt_passes_and_memory_error_is_translated(tmp_path, monkeypatch, raised, expected):
    def fail(_):
        raise raised

    write_tiff(tmp_path / "a.tif")
    monkeypatch.setattr(tifffile.TiffFile, "series", property(fail))
    with pytest.raises(expected):
        read_image(tmp_path / "a.tif")


def test_pipes_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    refused(tmp_path / "a.tif", "is a pipe")
    refused(Path("/dev/zero"), "is a device")
    with pytest.raises(FileProblem, match="is a pipe"):
        read_mask(tmp_path / "a.tif")
    with pytest.raises(FileProblem, match="is a device"):
        read_provenance("/dev/zero")
    write_tiff(tmp_path / "b.tif")
    for image, mask in (("a.tif", None), ("b.tif", tmp_path / "a.tif")):
        with pytest.raises(FileProblem, match="is a pipe"):
            open_run(tmp_path / image, tmp_path / "o.tif", Settings(), mask=mask)


def test_read_larger_than_memory_is_refused(tmp_path):
    shape = (10**6, 10**6)
    zarr.create_array(tmp_path / "a.zarr", shape=shape, chunks=(64, 64), dtype="u2")
    refused(tmp_path / "a.zarr", "GiB of memory are free")
    assert read_image(tmp_path / "a.zarr").image[:2, -3:].shape == (2, 3)
