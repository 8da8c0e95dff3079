"""Test that zarr reads the shards that are written here, and the reverse."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from napari_dip.files.shard_file import ShardReader, read_chunk, write_shard


@pytest.fixture
def array(tmp_path):
    array = zarr.create_array(
        tmp_path / "a", shape=(5, 6, 7), dtype="uint16", chunks=(1, 6, 7), shards=(8, 6, 7)
    )
    array[:] = np.arange(210, dtype="uint16").reshape(5, 6, 7)
    return array


def test_copied_shard_is_read_by_zarr(array, tmp_path):
    file, expected = tmp_path / "a/c/0/0/0", array[:]
    chunks = [read_chunk(file, 8, number) for number in range(8)]
    assert [chunk is None for chunk in chunks] == [False] * 5 + [True] * 3
    write_shard(file, chunks)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a")[:], expected)


def test_missing_chunk_is_read_as_fill_value(array, tmp_path):
    file = tmp_path / "a/c/0/0/0"
    write_shard(file, [None, *(read_chunk(file, 8, n) for n in range(1, 8))])
    there = zarr.open_array(tmp_path / "a")[:]
    assert not there[0].any()
    assert there[1].all()


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damaged_index_is_refused(array, tmp_path, damage):
    file = tmp_path / "a/c/0/0/0"
    content = bytearray(file.read_bytes())
    content[-20] ^= 255
    file.write_bytes(content[:100] if damage == "cut" else content)
    with file.open("rb") as opened, pytest.raises(ValueError, match="shard"):
        ShardReader(opened, 8)
    assert read_chunk(file, 8, 0) is None
