"""What a file format is: how its files are recognised, read, checked and written."""

from __future__ import annotations

import io
import math
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic_core import to_json

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.atomic_write import atomic_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from napari_dip.image.metadata import StoredImage

__all__ = ["FileFormat", "ReadOptions"]

MAX_TEST_BYTES = 2**22
"""Bytes up to which the test image has full size; a larger one is cropped along Y and X."""

TEST_SIDE = 8  # pixels: side of a cropped test image along Y and X
_TEST_RECORD = '{"napari-dip": "0", "settings": {"noise": "σ < 5 & \\"µ\\""}}'
"""A test record with characters that need escaping."""


class ReadOptions(NamedTuple):
    """How to read an image.

    Parameters
    ----------
    series
        Index of the image in a file with several, from 0; ``None`` is the first.
    lazy
        Whether the values may be read later, on access.
    labels
        Whether to read the indices of a colour table instead of its colours.
    """

    series: int | None = None
    lazy: bool = False
    labels: bool = False


class FileFormat(ABC):
    """A file format; :func:`napari_dip.files.formats.add_format` adds one.

    ``suffixes`` are the ends of names, in lower case, that mean the format. A format that is only
    read needs no method but :meth:`read`.
    """

    suffixes: tuple[str, ...] = ()

    def recognises(self, path: Path) -> bool:
        """Return whether a file, which exists, has this format: by default, by its name."""
        return path.name.lower().endswith(self.suffixes)

    @abstractmethod
    def read(self, path: Path, options: ReadOptions) -> StoredImage:
        """Read an image. Any error becomes one that names the file."""

    def read_record(self, path: Path) -> str | Mapping[str, Any] | None:
        """Return the record that was written with an image; ``None`` without one."""
        return None

    def dialects(
        self, name: str, dtype: np.dtype[Any], axes: str, shape: tuple[int, ...]
    ) -> Sequence[str]:
        """Name the dialects in which a file of this name can hold the image, best first.

        Raises
        ------
        FileProblem
            If there is none, with the reason.
        """
        raise FileProblem(f"{name}: files of this format can be read, but not written")

    def pyramidal(self, name: str, dialects: Sequence[str]) -> Sequence[str]:
        """Return the dialects that hold a pyramid, of those that can hold the image.

        Raises
        ------
        FileProblem
            If there is none.
        """
        raise FileProblem(f"{name} cannot hold a pyramid; end the name in .ome.tif or .ome.zarr")

    def write(self, file: IO[bytes], dialect: str, stored: StoredImage, record: str) -> None:
        """Write an image and the record of how it was made, which is JSON or empty."""
        raise NotImplementedError

    def verify(self, file: IO[bytes], stored: StoredImage, record: str) -> None:
        """Raise an error if a written test file does not hold the image and the record."""
        if not file.read(1):
            raise NapariDipError("nothing was written")

    def dropped(
        self, dialect: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
    ) -> Iterable[str]:
        """Name the metadata that will not be written; by default all that there are."""
        names = {
            "pixel sizes": stored.pixel_size,
            "position of the first pixel": stored.translate,
            "channel names and colours": stored.channels,
            "all other metadata": stored.extras,
        }
        return [name for name, known in names.items() if known]

    def test_write(self, dialect: str, stored: StoredImage) -> None:
        """Write an image of that shape to memory, and verify it.

        Raises
        ------
        Exception
            Any error of the writers and readers, or if the image read back differs.
        """
        shape, dtype = stored.image.shape, stored.image.dtype
        if math.prod(shape) * dtype.itemsize > MAX_TEST_BYTES:
            shape = tuple(
                min(size, TEST_SIDE) if letter in "YX" else size
                for letter, size in zip(stored.axes, shape, strict=True)
            )
        values = np.resize(np.arange(251), shape).astype(dtype)  # 251 is prime: planes differ
        test_image = replace(stored, image=values)
        file = io.BytesIO()
        self.write(file, dialect, test_image, _TEST_RECORD)
        file.seek(0)
        self.verify(file, test_image, _TEST_RECORD)

    def save(
        self,
        path: Path,
        dialect: str,
        stored: StoredImage,
        provenance: Mapping[str, Any] | None,
        overwrite: bool,
    ) -> None:
        """Write an image under a hidden name, and rename it when it is complete."""
        # The json module would write NaN and Infinity, which are not valid JSON.
        record = to_json(provenance, inf_nan_mode="null").decode() if provenance else ""
        with atomic_file(path) as partial, partial.open("w+b") as file:
            self.write(file, dialect, stored, record)
