"""Test the records of completed units."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files.image_io import StoredImage
from napari_dip.files.resumable_zarr import ResumableZarr

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


def test_differing_record_is_refused_by_entry(tmp_path):
    make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    other = {"settings": {"seed": 1, "task": {"kind": "denoise"}}, "input": "x", "mask": None}
    with pytest.raises(BadSettings) as refused:
        ResumableZarr.reopen(tmp_path / "a.zarr", other)
    for entry in (
        "settings.seed: 0 there, 1 here",
        "input: blake2b:00 there, x here",
        "mask: nothing there, null here",
    ):
        assert entry in str(refused.value)
    assert "kind" not in str(refused.value)


@pytest.mark.parametrize("what", ["absent", "empty", "of others"])
def test_folder_without_journal_is_not_resumed(tmp_path, what):
    if what == "empty":
        (tmp_path / "a.zarr").mkdir()
    elif what == "of others":
        zarr.create_array(tmp_path / "a.zarr", data=values((20, 24)))
    with pytest.raises(FileProblem, match=r"a\.zarr was not written by napari-dip"):
        ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)


def test_journal_is_plain_json(tmp_path):
    image = values((2, 20, 24))
    fill(make(tmp_path / "a.zarr", image, "TYX"), image, [1])
    entry = json.loads((tmp_path / "a.zarr/.napari-dip/units/001.json").read_text())
    assert entry["region"] == [[1, 2], [0, 20], [0, 24]]
    assert entry["report"] == {"iterations": 1}
