"""Chunks of zarr, looked at before they are unpacked: none may become far larger than it should.

A codec allocates what a chunk says of itself. A few kilobytes can say gigabytes.
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

_LARGER, _MORE = 8, 2**16
"""How many times larger than its values a chunk may be on the way, and bytes beside that: a filter
may keep wider types, and a codec adds a header."""

_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
_DEFLATED = 1032
"""The most bytes that deflate makes of one."""

_ABSENT = 2**64 - 1
"""What the index of a shard says of a chunk that is not there."""


class CheckedStore(WrapperStore[Store]):
    """A folder or zip file of zarr for reading, whose chunks are checked on the way to their codec.

    Parameters
    ----------
    store
        The folder or the file.
    path
        To name in errors.
    """

    def __init__(self, store: Store, path: Path | None = None) -> None:
        super().__init__(store)
        self._path = path or Path(str(store))
        self._expected = 0
        self._inner = 0
        self._index_bytes = 0
        self._index_first = False
        self._names: tuple[str, ...] = ()

    def expect(self, array: zarr.Array[Any]) -> None:
        """Learn from the metadata of an array how large its chunks are, and how they are packed."""
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
        """Return what is stored under a key, if it is what can be expected there."""
        if isinstance(self._store, LocalStore):
            refuse_special_file(self._store.root / key)
        buffer = await super().get(key, prototype, byte_range)
        if buffer is not None and self._expected and not key.endswith(_METADATA):
            self._check(key, buffer.as_numpy_array(), byte_range)
        return buffer

    def _check(self, key: str, stored: Any, byte_range: ByteRequest | None) -> None:
        most = _LARGER * self._expected + _MORE + self._index_bytes
        if len(stored) > most:
            self._refuse(key, len(stored), self._expected)
        if not self._index_bytes:
            self._unpack(key, stored)
        elif byte_range is None:
            for start, length in _parts(stored, self._index_bytes, self._index_first):
                self._unpack(key, stored[start : start + length])
        elif not isinstance(byte_range, SuffixByteRequest):
            index = RangeByteRequest(0, self._index_bytes)
            if not self._index_first or byte_range != index:
                self._unpack(key, stored)

    def _unpack(self, key: str, stored: Any) -> None:
        most = _LARGER * self._inner + _MORE
        if (size := unpacked_size(memoryview(stored), self._names, most)) > most:
            self._refuse(key, size, self._inner)

    def _refuse(self, key: str, size: int, expected: int) -> None:
        raise FileProblem(
            f"{self._path} is damaged: its chunk {key} has {size} bytes or more, and {expected} "
            "are expected; copy it again from its source"
        )


def unpacked_size(stored: memoryview, codecs: tuple[str, ...], most: int) -> int:
    """Tell about how many bytes come out of a chunk, as far as it can be told without unpacking.

    Parameters
    ----------
    stored
        The chunk.
    codecs
        The names of its codecs, the last of them to be undone first.
    most
        Where counting ends.

    Returns
    -------
    int
        0 if it cannot be told.

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
                return _of_zstd(stored)
            case "gzip" | "zlib":
                if _DEFLATED * len(stored) > psutil.virtual_memory().available // 4:
                    return _counted(zlib.decompressobj(47).decompress, stored, most)
            case "bz2":
                return _counted(bz2.BZ2Decompressor().decompress, stored, most)
            case "lzma":
                return _counted(lzma.LZMADecompressor().decompress, stored, most)
        return 0
    return 0


def _counted(decompress: Callable[[Any, int], bytes], stored: memoryview, most: int) -> int:
    """Unpack one byte more than there may be; what is damaged is left to the codec."""
    try:
        return len(decompress(stored, most + 1))
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return 0


def _of_zstd(stored: memoryview) -> int:
    """Add up the blocks of all frames of Zstandard, of which each says about how large it is."""
    size = at = 0
    while at + 5 <= len(stored):
        magic = int.from_bytes(stored[at : at + 4], "little")
        if 0x184D2A50 <= magic <= 0x184D2A5F:  # a frame to skip
            at += 8 + int.from_bytes(stored[at + 4 : at + 8], "little")
            continue
        if magic != 0xFD2FB528:
            break
        flags = stored[at + 4]
        single = flags >> 5 & 1
        content = (single, 2, 4, 8)[flags >> 6]
        dictionary = (0, 1, 2, 4)[flags & 3]
        said = int.from_bytes(stored[at + 6 - single + dictionary :][:content], "little")
        at += 6 - single + dictionary + content
        last, frame = 0, 0
        while not last and at + 3 <= len(stored):
            header = int.from_bytes(stored[at : at + 3], "little")
            last, kind, length = header & 1, header >> 1 & 3, header >> 3
            frame += 2**17 if kind == 2 else length
            at += 3 + (1 if kind == 1 else length)
        at += 4 * (flags >> 2 & 1)
        # A decoder keeps to what a frame says of itself; else the last block is seldom full.
        size += said if content else max(frame - 2**17, 0)
    return size


def _parts(stored: Any, index_bytes: int, first: bool) -> list[tuple[int, int]]:
    """Return where the chunks of a whole shard lie, by an index of the usual form."""
    index = stored[: index_bytes - 4] if first else stored[-index_bytes:-4]
    if len(index) % 16:
        return []
    places = np.frombuffer(bytes(index), "<u8").reshape(-1, 2)
    return [(int(a), int(n)) for a, n in places if a != _ABSENT]


def _name(codec: object) -> str:
    return type(codec).__name__.lower().removesuffix("codec")
