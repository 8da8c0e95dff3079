"""Test that decompression bombs in zarr chunks are refused."""

from __future__ import annotations

import google_crc32c
import numcodecs
import numpy as np
import pytest
import zarr
from example_files import refused


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


BOMBS = {
    "zstd": lambda zeros: numcodecs.Zstd().encode(zeros),
    "zstd in frames": lambda zeros: numcodecs.Zstd().encode(zeros[: 2**20]) * 64,
    "blosc": lambda zeros: numcodecs.Blosc("zstd").encode(zeros),
    "lz4": lambda zeros: numcodecs.LZ4().encode(zeros),
    "bz2": lambda zeros: numcodecs.BZ2().encode(zeros),
    "lzma": lambda zeros: numcodecs.LZMA().encode(zeros),
    "gzip": lambda zeros: numcodecs.GZip(1).encode(zeros),
}


@pytest.mark.parametrize("name", BOMBS)
def test_decompression_bomb_is_refused(tmp_path, name):
    compressor = numcodecs.get_codec({"id": name.split()[0]})
    zarr.create_array(
        tmp_path / "a.zarr",
        data=stack((8, 9)),
        zarr_format=2,
        chunks=(8, 9),
        compressors=compressor,
    )
    (tmp_path / "a.zarr/0.0").write_bytes(BOMBS[name](np.zeros(2**24, "u1")))
    refused(tmp_path / "a.zarr", "instead of 144")


def test_decompression_bomb_in_a_shard_is_refused(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=stack((8, 8)), shards=(8, 8), chunks=(8, 8))
    (chunk,) = (one for one in (tmp_path / "a.zarr").rglob("0") if one.is_file())
    bomb = numcodecs.Zstd().encode(np.zeros(2**26, "u1"))
    index = np.array([0, len(bomb)], "<u8").tobytes()
    chunk.write_bytes(bomb + index + google_crc32c.value(index).to_bytes(4, "little"))
    refused(tmp_path / "a.zarr", "instead of 128")
