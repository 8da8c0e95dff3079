"""Test zarr in zip files, and single files of a zarr."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from example_files import values
from example_zarr import foreign

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image


def zipped(folder: Path, name: str, inside: str = "") -> Path:
    """Pack a folder of zarr into a zip file."""
    path = folder.with_name(name)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, inside + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize(
    ("name", "inside"), [("a.zarr.zip", ""), ("a.ozx", ""), ("a.zip", "a.zarr/")]
)
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_zip_file_of_a_zarr_is_read(tmp_path, name, inside, version):
    image = values((8, 9))
    path = zipped(foreign(tmp_path / "a.zarr", image, version), name, inside)
    stored = pickle.loads(pickle.dumps(read_image(path)))
    np.testing.assert_array_equal(stored.image, image)
    assert (stored.pixel_size, stored.files) == ({"Y": 0.5, "X": 0.5}, (path,))


def test_other_zip_file_is_refused(tmp_path):
    (tmp_path / "a.zarr.zip").write_bytes(b"PK\3\4 and no more")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("notes.txt", "no image")
    for name in ("a.zarr.zip", "b.zip"):
        with pytest.raises(FileProblem, match="not a zip file of a zarr, or is damaged"):
            read_image(tmp_path / name)


def test_file_inside_a_zarr_is_refused(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    for inside in ("zarr.json", "full/zarr.json", "full/c/0/0"):
        with pytest.raises(FileProblem, match=r"part of a zarr; open the zarr itself: .*a\.zarr$"):
            read_image(path / inside)
