"""Write small example files, and read them in every way."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, read_image


def values(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    random = np.random.default_rng(0).integers(0, 100, shape)
    return random > 50 if dtype == "bool" else random.astype(dtype)


MICRO = {"Z": 0.5, "Y": 0.13, "X": 0.13}


def in_micrometres(image: np.ndarray, axes: str) -> StoredImage:
    sizes = {axis: MICRO[axis] for axis in axes if axis in MICRO}
    return StoredImage(image, axes, sizes, dict.fromkeys(sizes, "µm"))


def save(path: Path, image: np.ndarray, mode: str | None = None, **options) -> Path:
    picture = Image.fromarray(image)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def ome(folder: Path, change=lambda xml: xml, name: str = "a.ome.tif", **said) -> Path:
    path = folder / name
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1} | said
    tifffile.imwrite(path, values((5, 16, 20)), photometric="minisblack", metadata=metadata)
    tifffile.tiffcomment(path, change(tifffile.tiffcomment(path)).encode())
    return path


def imagej(path: Path, image: np.ndarray, *lines: str, **said) -> Path:
    resolution = said.pop("resolution", (4, 4))
    tifffile.imwrite(path, image, imagej=True, resolution=resolution, metadata=said)
    description = "\n".join([tifffile.tiffcomment(path), *lines, ""])
    tifffile.tiffcomment(path, description.encode())
    return path


def files(folder: Path, name: str, *numbers, shape=(4, 5), **options) -> None:
    """Write one file per combination of numbers; its values are its index."""
    for count, each in enumerate(itertools.product(*numbers)):
        path = folder / name.format(*each)
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.full(shape, count, np.uint16)
        tifffile.imwrite(path, image, photometric="minisblack", **options)


def read(path: Path, **options) -> StoredImage:
    """Read a file lazily and eagerly, and assert equal results."""
    whole, lazy = (read_image(path, lazy=lazy, **options) for lazy in (False, True))
    np.testing.assert_array_equal(lazy.image, whole.image)
    for name in ("axes", "pixel_size", "unit", "notes", "translate", "channels", "files"):
        assert getattr(lazy, name) == getattr(whole, name), name
    assert lazy.extras.keys() == whole.extras.keys()
    return whole


def refused(path, says):
    """Assert that opening or reading a file raises a FileProblem that names it."""
    with pytest.raises(FileProblem, match=says) as refusal:
        read_image(path, lazy=True).whole()
    assert str(path.name) in str(refusal.value)


def refused_both_ways(path: Path) -> str:
    """Return the message with which a file is refused, lazily and eagerly."""
    reasons = []
    for lazy in (False, True):
        with pytest.raises(FileProblem) as caught:
            read_image(path, lazy=lazy)
        reasons.append(str(caught.value))
    assert reasons[0] == reasons[1]
    return reasons[0]
