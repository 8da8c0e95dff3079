"""Check zarr chunks before they are decompressed.

A codec allocates the size that a chunk declares, so a few kilobytes can request gigabytes.
"""

from __future__ import annotations

import bz2
import lzma
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from zarr.abc.store import RangeByteRequest, Store, SuffixByteRequest
from zarr.codecs import ShardingCodec
from zarr.codecs.sharding import ShardingCodecIndexLocation
from zarr.storage import LocalStore, WrapperStore

from napari_dip.errors import FileProblem
from napari_dip.files.read_errors import refuse_special_file

if TYPE_CHECKING:
    from collections.abc import Callable

    import zarr
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

__all__ = ["CheckedStore", "unpacked_size"]

MAX_CHUNK_RATIO = 8  # bytes of a stored chunk per byte of its values: a filter may use wider types
EXTRA_CHUNK_BYTES = 2**16  # bytes: room for the header of a codec
_METADATA_NAMES = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
DEFLATE_MAX_RATIO = 1032
"""Bytes out per byte in: the largest ratio of deflate."""

_MISSING_CHUNK = 2**64 - 1
"""Offset that the index of a shard stores for a chunk that does not exist."""


class CheckedStore(WrapperStore[Store]):
    """Wrap a zarr store, and check each chunk before its codec decodes it.

    Parameters
    ----------
    store
        A folder or a zip file.
    path
        The path that error messages name.
    """

    def __init__(self, store: Store, path: Path | None = None) -> None:
        super().__init__(store)
        self._path = path or Path(str(store))
        self._expected = 0
        self._inner = 0
        self._index_bytes = 0
        self._index_first = False
        self._names: tuple[str, ...] = ()

    def set_array(self, array: zarr.Array[Any]) -> None:
        """Read the expected chunk sizes and the codecs from the metadata of an array."""
        size = array.dtype.itemsize
        shards = array.shards or array.chunks
        self._inner = math.prod(array.chunks) * size
        self._expected = math.prod(shards) * size
        self._names = tuple(_name(codec) for codec in array.compressors)
        codecs = getattr(array.metadata, "codecs", ())
        for codec in codecs:
            if isinstance(codec, ShardingCodec):
                self._index_bytes = 16 * math.prod(shards) // math.prod(array.chunks) + 4
                self._index_first = codec.index_location is ShardingCodecIndexLocation.start

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the content of a key, after a check of its size."""
        if isinstance(self._store, LocalStore):
            refuse_special_file(self._store.root / key)
        buffer = await super().get(key, prototype, byte_range)
        if buffer is not None and self._expected and not key.endswith(_METADATA_NAMES):
            self._check(key, buffer.as_numpy_array(), byte_range)
        return buffer

    def _check(self, key: str, stored: Any, byte_range: ByteRequest | None) -> None:
        limit = MAX_CHUNK_RATIO * self._expected + EXTRA_CHUNK_BYTES + self._index_bytes
        if len(stored) > limit:
            self._refuse(key, len(stored), self._expected)
        if not self._index_bytes:
            self._check_decoded(key, stored)
        elif byte_range is None:
            for start, length in _chunk_ranges(stored, self._index_bytes, self._index_first):
                self._check_decoded(key, stored[start : start + length])
        elif not isinstance(byte_range, SuffixByteRequest):
            index = RangeByteRequest(0, self._index_bytes)
            if not self._index_first or byte_range != index:
                self._check_decoded(key, stored)

    def _check_decoded(self, key: str, stored: Any) -> None:
        limit = MAX_CHUNK_RATIO * self._inner + EXTRA_CHUNK_BYTES
        if (size := unpacked_size(memoryview(stored), self._names, limit)) > limit:
            self._refuse(key, size, self._inner)

    def _refuse(self, key: str, size: int, expected: int) -> None:
        raise FileProblem(
            f"{self._path} is damaged: its chunk {key} has at least {size} bytes instead of "
            f"{expected}; copy it again from its source"
        )


def unpacked_size(stored: memoryview, codecs: tuple[str, ...], limit: int) -> int:
    """Estimate the decompressed size of a chunk from its headers.

    Parameters
    ----------
    stored
        The chunk.
    codecs
        Names of its codecs in the order of encoding.
    limit
        Size in bytes at which counting stops.

    Returns
    -------
    int
        Size in bytes; 0 if it is unknown.

    Examples
    --------
    >>> unpacked_size(memoryview(zlib.compress(bytes(10_000))), ("zlib",), 1000)
    0
    >>> unpacked_size(memoryview(bz2.compress(bytes(10_000))), ("bz2",), 1000)
    1001
    """
    for name in reversed(codecs):
        if name in ("crc32c", "crc32", "adler32", "fletcher32", "jenkinslookup3"):
            stored = stored[:-4] if name in ("crc32c", "fletcher32") else stored[4:]
            continue
        match name:
            case "blosc":
                return int.from_bytes(stored[4:8], "little")
            case "lz4":
                return int.from_bytes(stored[:4], "little")
            case "zstd":
                return _zstd_size(stored)
            case "gzip" | "zlib":
                if DEFLATE_MAX_RATIO * len(stored) > psutil.virtual_memory().available // 4:
                    return _count_decoded(zlib.decompressobj(47).decompress, stored, limit)
            case "bz2":
                return _count_decoded(bz2.BZ2Decompressor().decompress, stored, limit)
            case "lzma":
                return _count_decoded(lzma.LZMADecompressor().decompress, stored, limit)
        return 0
    return 0


def _count_decoded(decompress: Callable[[Any, int], bytes], stored: memoryview, limit: int) -> int:
    """Decompress up to one byte beyond the limit, and return the count; 0 for damaged data."""
    try:
        return len(decompress(stored, limit + 1))
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return 0


def _zstd_size(stored: memoryview) -> int:
    """Sum the sizes of the blocks in all Zstandard frames, from their headers."""
    size = at = 0
    while at + 5 <= len(stored):
        magic = int.from_bytes(stored[at : at + 4], "little")
        if 0x184D2A50 <= magic <= 0x184D2A5F:  # a skippable frame
            at += 8 + int.from_bytes(stored[at + 4 : at + 8], "little")
            continue
        if magic != 0xFD2FB528:
            break
        flags = stored[at + 4]
        single = flags >> 5 & 1
        content_bytes = (single, 2, 4, 8)[flags >> 6]
        dictionary_bytes = (0, 1, 2, 4)[flags & 3]
        size_field = stored[at + 6 - single + dictionary_bytes :][:content_bytes]
        declared = int.from_bytes(size_field, "little")
        at += 6 - single + dictionary_bytes + content_bytes
        last, frame = 0, 0
        while not last and at + 3 <= len(stored):
            header = int.from_bytes(stored[at : at + 3], "little")
            last, kind, length = header & 1, header >> 1 & 3, header >> 3
            frame += 2**17 if kind == 2 else length
            at += 3 + (1 if kind == 1 else length)
        at += 4 * (flags >> 2 & 1)
        # A decoder respects a declared size. Without one, the last block is rarely full.
        size += declared if content_bytes else max(frame - 2**17, 0)
    return size


def _chunk_ranges(stored: Any, index_bytes: int, first: bool) -> list[tuple[int, int]]:
    """Return offset and length of the chunks in a whole shard, from its index."""
    index = stored[: index_bytes - 4] if first else stored[-index_bytes:-4]
    if len(index) % 16:
        return []
    places = np.frombuffer(bytes(index), "<u8").reshape(-1, 2)
    return [(int(a), int(n)) for a, n in places if a != _MISSING_CHUNK]


def _name(codec: object) -> str:
    return type(codec).__name__.lower().removesuffix("codec")
