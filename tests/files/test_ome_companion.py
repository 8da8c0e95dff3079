"""Test OME-TIFF files whose metadata are in another file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, read_image


def values(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    random = np.random.default_rng(0).integers(0, 100, shape)
    return random > 50 if dtype == "bool" else random.astype(dtype)


def read(path: Path, **options) -> StoredImage:
    """Read a file lazily and eagerly, and assert equal results."""
    whole, lazy = (read_image(path, lazy=lazy, **options) for lazy in (False, True))
    np.testing.assert_array_equal(lazy.image, whole.image)
    for name in ("axes", "pixel_size", "unit", "notes", "translate", "channels", "files"):
        assert getattr(lazy, name) == getattr(whole, name), name
    assert lazy.extras.keys() == whole.extras.keys()
    return whole


def refused(path: Path) -> str:
    """Return the message with which a file is refused, lazily and eagerly."""
    reasons = []
    for lazy in (False, True):
        with pytest.raises(FileProblem) as caught:
            read_image(path, lazy=lazy)
        reasons.append(str(caught.value))
    assert reasons[0] == reasons[1]
    return reasons[0]


def ome(folder: Path, change=lambda xml: xml, name: str = "a.ome.tif", **said) -> Path:
    path = folder / name
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1} | said
    tifffile.imwrite(path, values((5, 16, 20)), photometric="minisblack", metadata=metadata)
    tifffile.tiffcomment(path, change(tifffile.tiffcomment(path)).encode())
    return path


@pytest.mark.parametrize("name", ["set.companion.ome", "set.ome.xml"])
def test_companion_file_describes_its_tiff_files(tmp_path, name):
    path = ome(tmp_path)
    xml = re.sub('UUID="[^"]*"', 'UUID="urn:uuid:c"', tifffile.tiffcomment(path))
    where = '<TiffData PlaneCount="5"><UUID FileName="a.ome.tif">urn:uuid:b</UUID></TiffData>'
    companion = tmp_path / name
    companion.write_text(re.sub("<TiffData.*?/>", where, xml), "utf-8")
    tifffile.tiffcomment(
        path,
        '<?xml version="1.0"?><OME UUID="urn:uuid:b"><BinaryOnly UUID="urn:uuid:c" '
        f'MetadataFile="{name}"/></OME>'.encode(),
    )
    for opened in (companion, path):
        stored = read(opened)
        assert (stored.axes, dict(stored.pixel_size)) == ("ZYX", {"Y": 0.1, "X": 0.1})
    path.unlink()
    assert "names 'a.ome.tif', which does not exist" in refused(companion)
