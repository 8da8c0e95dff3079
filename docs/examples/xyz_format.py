"""A tiny file format outside the package: a line of axes, sizes and a record, then the values."""

import json
from pathlib import Path
from typing import IO

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.file_format import FileFormat, ReadOptions
from napari_dip.files.formats import add_format
from napari_dip.image.metadata import StoredImage

START = b"XYZ "


class Xyz(FileFormat):
    """Images of any axes and pixel sizes; their values are float32."""

    suffixes = (".xyz",)

    def read(self, path: Path, options: ReadOptions) -> StoredImage:
        line, values = path.read_bytes().removeprefix(START).split(b"\n", 1)
        header = json.loads(line)
        image = np.frombuffer(values, np.float32).reshape(header["shape"])
        return StoredImage(image, header["axes"], header["pixel_size"], header["unit"])

    def read_record(self, path: Path) -> str:
        with path.open("rb") as file:
            return json.loads(file.readline().removeprefix(START))["record"]

    def dialects(self, name, dtype, axes, shape):
        if dtype != np.float32:
            raise FileProblem(f"{name} cannot hold {dtype}; pass --dtype float32")
        return ("xyz",)

    def write(self, file: IO[bytes], dialect: str, stored: StoredImage, record: str) -> None:
        names = ("axes", "pixel_size", "unit")
        header = {name: getattr(stored, name) for name in names}
        header |= {"shape": stored.image.shape, "record": record}
        file.write(START + json.dumps(header).encode() + b"\n")
        file.write(stored.whole().astype(np.float32).tobytes())

    def dropped(self, dialect, stored, dtype, factors):
        kept = ("pixel sizes",)
        return [
            name for name in super().dropped(dialect, stored, dtype, factors) if name not in kept
        ]


add_format(Xyz())
