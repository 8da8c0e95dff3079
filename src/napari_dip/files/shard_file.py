"""Read and write the files of zarr's sharding codec without decoding their chunks.

A shard is a file with the bytes of its chunks, in any order, and an index at its end: offset and
length of each chunk in C order, as 64-bit little-endian integers, then a CRC-32C of both. It is
specified at https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import google_crc32c
import numpy as np

from napari_dip.files.atomic_write import PARTIAL_SUFFIX, sync_to_disk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ShardReader", "read_chunk", "write_shard"]

_CRC_BYTES = 4

_MISSING = np.uint64(2**64 - 1)
"""Offset and length of a chunk that is not stored, as the specification says."""


class ShardReader:
    """Read the stored bytes of the chunks of a shard.

    Parameters
    ----------
    file
        The shard, open for reading.
    count
        Number of chunks that it has room for.

    Raises
    ------
    ValueError
        If the index is incomplete or damaged.
    """

    def __init__(self, file: BinaryIO, count: int) -> None:
        self._file = file
        index_bytes = 16 * count + _CRC_BYTES
        size = file.seek(0, os.SEEK_END)
        if size < index_bytes:
            raise ValueError(f"a shard of {size} bytes has no index of {index_bytes} bytes")
        file.seek(size - index_bytes)
        content = file.read(index_bytes)
        index, checksum = content[:-_CRC_BYTES], content[-_CRC_BYTES:]
        if google_crc32c.value(index) != int.from_bytes(checksum, "little"):
            raise ValueError("the index of a shard is damaged")
        self._index: NDArray[np.uint64] = np.frombuffer(index, "<u8").reshape(count, 2)

    def read(self, number: int) -> bytes | None:
        """Return the stored bytes of a chunk, by its number in C order; ``None`` if missing."""
        offset, length = self._index[number]
        if offset == _MISSING:
            return None
        self._file.seek(int(offset))
        return self._file.read(int(length))


def read_chunk(path: Path, count: int, number: int) -> bytes | None:
    """Return the stored bytes of a chunk; ``None`` if it or its shard is missing or damaged.

    Parameters
    ----------
    path
        The shard.
    count, number
        Number of chunks of the shard, and the chunk to read.
    """
    try:
        with path.open("rb") as file:
            return ShardReader(file, count).read(number)
    except (OSError, ValueError):
        return None


def write_shard(path: Path, chunks: Iterable[bytes | None]) -> None:
    """Write a shard that is complete or absent, even after a kill or a power failure.

    Parameters
    ----------
    path
        The shard. An existing one is replaced. Missing folders are created.
    chunks
        The stored bytes of its chunks in C order, and ``None`` for missing ones. They are read one
        by one, so that one chunk is in memory at a time.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "0"
    >>> write_shard(path, [b"first", None, b"third"])
    >>> read_chunk(path, 3, 2), read_chunk(path, 3, 1)
    (b'third', None)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    try:
        index = []
        with partial.open("wb") as file:
            for chunk in chunks:
                index.append((_MISSING, _MISSING) if chunk is None else (file.tell(), len(chunk)))
                file.write(chunk or b"")
            encoded = np.array(index, "<u8").tobytes()
            file.write(encoded)
            file.write(google_crc32c.value(encoded).to_bytes(_CRC_BYTES, "little"))
        sync_to_disk(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_to_disk(path.parent)
