"""Test reading of zarr on access, and the refusal of damaged or hostile files."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from example_files import refused, values
from example_zarr import SPACE, foreign

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_provenance,
    write_image,
)
from napari_dip.files.resumable_output import existing_output
from napari_dip.files.zarr_reader import read_zarr


@pytest.fixture
def chunks_read(monkeypatch) -> list[str]:
    """Return a list to which the key of each read chunk is added."""
    keys: list[str] = []
    get = zarr.storage.LocalStore.get

    async def watched(self, key, *rest, **options):
        if not key.endswith((".json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")):
            keys.append(key)
        return await get(self, key, *rest, **options)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", watched)
    return keys


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


class Trap:
    """Create a file when unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_axes_of_a_plain_array_are_guessed(tmp_path, zarr_format):
    image = values((2, 8, 9), ">u2")
    zarr.create_array(tmp_path / "a.zarr", data=image, zarr_format=zarr_format)
    stored = read_image(tmp_path / "a.zarr")
    assert stored.axes == "QYX"
    assert "axes are not named" in stored.notes[0]
    assert stored.image.dtype.isnative
    assert stored.image[0].dtype.isnative
    np.testing.assert_array_equal(stored.image, image)


def test_plain_array_may_name_its_axes(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=values((2, 8, 9)), dimension_names=["z", "y", "x"])
    stored = read_image(tmp_path / "a.zarr")
    assert (stored.axes, stored.notes) == ("ZYX", ())


def test_only_requested_planes_are_read(tmp_path, chunks_read):
    image = values((50, 8, 9))
    stored = read_image(foreign(tmp_path / "a.zarr", image, axes=[{"name": "z"}, *SPACE]))
    assert not chunks_read
    np.testing.assert_array_equal(stored.image[7], image[7])
    np.testing.assert_array_equal(stored.image[20:22, 3:5], image[20:22, 3:5])
    assert sorted(chunks_read) == [f"c/{z}/0/0" for z in (20, 21, 7)]


def test_image_larger_than_memory_is_opened(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array(
        "0", shape=(1_000_000, 4096, 4096), chunks=(1, 4096, 4096), dtype="uint16"
    )  # 32 TiB, without a stored chunk
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": [{"name": "z"}, *SPACE], "datasets": [{"path": "0"}]}],
    }
    stored = read_image(tmp_path / "a.zarr")
    assert stored.image.shape == (1_000_000, 4096, 4096)
    assert not stored.image[999_999, :2, :2].any()


def test_lazy_image_can_be_pickled(tmp_path):
    image = values((3, 8, 9))
    write_image(tmp_path / "a.zarr", StoredImage(image, "ZYX"))
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    for name in ("a.zarr", "a.tif", "?.tif"):
        stored = pickle.loads(pickle.dumps(read_image(tmp_path / name, lazy=True)))
        np.testing.assert_array_equal(stored.image, image)


def test_folder_without_zarr_is_refused(tmp_path):
    with pytest.raises(FileProblem, match="is a folder but not a zarr"):
        read_image(tmp_path)
    with pytest.raises(FileProblem, match="is not a zarr array or group"):
        read_zarr(tmp_path)
    with pytest.raises(FileProblem, match="does not exist"):
        read_zarr(tmp_path / "absent.zarr")


def test_damaged_metadata_file_is_named(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    shutil.copytree(path, tmp_path / "b.zarr")
    (tmp_path / "b.zarr/zarr.json").write_text('{"zarr_format": 3, "node')
    with pytest.raises(FileProblem, match=r"b\.zarr.* damaged"):
        read_image(tmp_path / "b.zarr")
    described = json.loads((path / "full/zarr.json").read_text())
    del described["data_type"]
    (path / "full/zarr.json").write_text(json.dumps(described))
    with pytest.raises(FileProblem, match=r"a\.zarr/full cannot be read as zarr"):
        read_image(path)


def test_damaged_chunk_is_reported_on_read(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    (path / "full/c/0/0").write_bytes(b"no chunk")
    stored = read_image(path)
    with pytest.raises(FileProblem, match=r"a\.zarr is damaged"):
        stored.whole()
    with pytest.raises(IndexError):
        stored.image[0, 0, 0]


def test_nested_image_is_selected_by_number(tmp_path):
    zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"bioformats2raw.layout": 3}})
    for number in range(2):
        foreign(tmp_path / f"a.zarr/{number}", values((8, 9 + number)))
    stored = read_image(tmp_path / "a.zarr")
    assert stored.image.shape == (8, 9)
    assert "0: 8 x 9, uint16; 1: 8 x 10, uint16" in stored.notes[0]
    assert read_image(tmp_path / "a.zarr", series=1).image.shape == (8, 10)
    with pytest.raises(FileProblem, match="no image number 2"):
        read_image(tmp_path / "a.zarr", series=2)


def test_multiscale_is_selected_by_number(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    group = zarr.open_group(path)
    group.create_array("other", data=values((4, 5)))
    images = [
        {"name": name, "axes": SPACE, "datasets": [{"path": name}]} for name in ("full", "other")
    ]
    group.attrs["ome"] = {"version": "0.5", "multiscales": images}
    assert "0: 'full', 8 x 9, uint16; 1: 'other', 4 x 5" in read_image(path).notes[0]
    assert read_image(path, series=1).image.shape == (4, 5)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_missing_chunks_are_counted(tmp_path, version):
    axes = [{"name": "z", "type": "space"}, *SPACE]
    path = foreign(tmp_path / "a.ome.zarr", np.ones((3, 8, 8), "uint8"), version, axes)
    assert not any("stored" in note for note in read_image(path).notes)
    (path / ("full/2.0.0" if version == "0.4" else "full/c/2/0/0")).unlink()
    assert read_image(path).notes[-1] == "1 of 3 chunks is not stored and is read as 0."


@pytest.mark.parametrize("dtype", ["|O", "<u2"])
def test_pickled_chunks_are_never_unpickled(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=stack((8, 9)), zarr_format=2, chunks=(8, 9), compressors=None)
    said = json.loads((path / ".zarray").read_text())
    said |= {"dtype": dtype, "filters": [{"id": "pickle", "protocol": 5}], "fill_value": 0}
    (path / ".zarray").write_text(json.dumps(said))
    (path / "0.0").write_bytes(pickle.dumps(Trap()))
    refused(path, "pickle|cannot be read as zarr")
    assert not Path("trapped").exists()


@pytest.mark.parametrize(
    ("version", "change", "says"),
    [
        (3, {"codecs": [{"name": "secret", "configuration": {}}]}, "cannot be read as zarr"),
        (3, {"storage_transformers": [{"name": "other"}]}, "cannot be read as zarr"),
        (2, {"compressor": {"id": "secret"}}, "cannot be read as zarr"),
        (2, {"chunks": [0, 9]}, "cannot be read as zarr|chunks of shape"),
        (2, {"chunks": [2**40, 2**40]}, "at once for a chunk"),
        (2, {"shape": [2**63, 9]}, "impossible shape"),
        (2, {"dtype": "<U5", "fill_value": ""}, "instead of numbers"),
    ],
)  # fmt: skip
def test_impossible_arrays_are_refused(tmp_path, version, change, says):
    zarr.create_array(tmp_path / "a.zarr", data=stack((8, 9)), zarr_format=version)
    file = tmp_path / "a.zarr" / {2: ".zarray", 3: "zarr.json"}[version]
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    refused(tmp_path / "a.zarr", says)


@pytest.mark.parametrize("record", [[], "x", 3, None, {"finished": 3, "provenance": "x"}])
def test_invalid_own_record_is_ignored(tmp_path, record):
    write_image(tmp_path / "a.zarr", StoredImage(stack(), "ZYX"))
    zarr.open_group(tmp_path / "a.zarr", mode="r+").attrs["napari-dip"] = record
    assert read_image(tmp_path / "a.zarr").axes == "ZYX"
    assert read_provenance(tmp_path / "a.zarr") is None
    assert existing_output(tmp_path / "a.zarr") == "an image"


def test_large_sparse_zarr_is_read(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(10**9, 64, 64), chunks=(1, 64, 64), dtype="u2")
    assert not read_image(tmp_path / "a.zarr").image[10**9 - 1].any()


def test_only_image_of_a_labels_group_is_read(tmp_path):
    labels = np.zeros((8, 9), np.int32)
    labels[2:4] = 5
    group = zarr.create_group(
        tmp_path / "labels", attributes={"ome": {"version": "0.5", "labels": ["nuclei"]}}
    )
    foreign(tmp_path / "labels" / "nuclei", labels)
    np.testing.assert_array_equal(read_image(tmp_path / "labels").whole(), labels)
    group.attrs["ome"] = {"version": "0.5", "labels": ["nuclei", "cells"]}
    with pytest.raises(FileProblem, match="nuclei, cells; give the path of one"):
        read_image(tmp_path / "labels")


def test_labels_and_attributes_of_others_are_noted(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((20, 24)))
    assert read_image(path).notes == ()
    group = zarr.open_group(path, mode="r+")
    group.create_group("labels")
    group.attrs["protocol"] = {"stain": "DAPI"}
    (note,) = read_image(path).notes
    assert note == "Not copied to a result: its label images and attributes (protocol)."
