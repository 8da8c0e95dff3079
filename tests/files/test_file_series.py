"""Test that a series of files is read as one image."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from example_files import files, values

from napari_dip.errors import FileProblem
from napari_dip.files import read_errors
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    write_image,
)


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def frames(folder: Path, name: str, numbers: range, shape=(8, 9)) -> np.ndarray:
    image = values((len(numbers), *shape))
    for number, frame in zip(numbers, image, strict=True):
        write_image(
            folder / name.format(number),
            StoredImage(frame, "ZYX"[-frame.ndim :], {"Y": 0.5, "X": 0.5}, {"Y": "µm", "X": "µm"}),
        )
    return image


def test_only_needed_files_are_read(tmp_path):
    files(tmp_path, "a_t{}_z{}.tif", range(2), range(2))
    stored = read_image(tmp_path / "a_*.tif")
    whole, moved = stored.whole(), pickle.loads(pickle.dumps(stored)).image
    for index in ((0,), (-1, 0), (slice(1, 2), 1), (..., 2), (slice(None), 0, ..., slice(1, 3))):
        np.testing.assert_array_equal(moved[index], whole[index])
    assert moved[:0].shape == (0, 2, 4, 5)
    (tmp_path / "a_t1_z1.tif").unlink()
    np.testing.assert_array_equal(moved[:, 0], whole[:, 0])


def test_axis_of_the_files_becomes_q(tmp_path):
    files(tmp_path, "a_pos{}_t{}.tif", (1, 2), (1, 2), shape=(3, 4, 5), metadata={"axes": "TYX"})
    assert read_image(tmp_path / "a_*.tif").axes == "QQTYX"


def test_series_larger_than_memory_is_refused(tmp_path, monkeypatch):
    for number in range(3):
        tifffile.imwrite(tmp_path / f"t{number}.tif", stack((64, 64)))
    stored = read_image(tmp_path / "t*.tif")
    monkeypatch.setattr(read_errors, "ALWAYS_ALLOWED_BYTES", 0)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=20_000))
    assert stored.image[1, 3:5].shape == (2, 64)
    with pytest.raises(FileProblem, match="the part of the series"):
        stored.whole()


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("frames_T{}.tif", "T"),
        ("img_{:04}.tif", "T"),
        ("stack_z{:03}.ome.tif", "Z"),
        ("A1 slice-{}.png", "Z"),
        ("t2_ch{}.tif", "C"),
    ],
)
def test_series_is_sorted_by_number(tmp_path, name, letter):
    image = frames(tmp_path, name, range(8, 12))
    stored = read_image(tmp_path / (name.partition("{")[0] + "*"))
    assert stored.axes == letter + "YX"
    assert stored.image.dtype == image.dtype
    assert dict(stored.pixel_size) == pytest.approx({"Y": 0.5, "X": 0.5}, rel=1e-3)
    np.testing.assert_array_equal(stored.image, image)
    np.testing.assert_array_equal(stored.image[1], image[1])
    np.testing.assert_array_equal(stored.image[-1, 2:4], image[-1, 2:4])
    np.testing.assert_array_equal(stored.image[1:3, 4], image[1:3, 4])
    assert "4 files" in stored.notes[0]


def test_files_of_volumes_are_a_time_lapse(tmp_path):
    image = frames(tmp_path, "z_{}.tif", range(3), (4, 8, 9))
    stored = read_image(tmp_path / "z_*.tif")
    assert stored.axes == "TZYX"
    np.testing.assert_array_equal(stored.image[:, 2], image[:, 2])


def test_file_of_another_shape_is_named(tmp_path):
    frames(tmp_path, "a{}.tif", range(3))
    write_image(tmp_path / "a10.tif", StoredImage(values((8, 10)), "YX"))
    with pytest.raises(FileProblem, match=r"a10\.tif is \(8, 10\).*a0\.tif is \(8, 9\)"):
        read_image(tmp_path / "a*.tif")


def test_pattern_without_files_is_refused(tmp_path):
    with pytest.raises(FileProblem, match=r"no file matches .*b\*\.tif"):
        read_image(tmp_path / "b*.tif")
