"""Test that TIFF files are read on access."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import tifffile
from example_files import values

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        pytest.param((5, 20, 24), {"imagej": True}, id="imagej"),
        pytest.param((5, 20, 24), {"ome": True, "metadata": {"axes": "ZYX"}}, id="ome"),
        pytest.param((5, 20, 24), {"byteorder": ">", "compression": "zlib"}, id="big endian"),
        pytest.param((5, 64, 80), {"tile": (32, 32), "compression": "lzw"}, id="tiled"),
        pytest.param((5, 20, 24), {"rowsperstrip": 3, "metadata": None}, id="strips"),
        pytest.param((5, 20, 24, 3), {"photometric": "rgb"}, id="colours"),
        pytest.param((20, 24), {}, id="a plane"),
        pytest.param((3, 20, 24), {"photometric": "rgb", "planarconfig": "separate"}, id="apart"),
        pytest.param((20, 24, 2), {"planarconfig": "contig"}, id="two samples"),
    ],
)
def test_lazy_tiff_equals_eager_tiff(tmp_path, shape, options):
    options = {"photometric": "minisblack", "resolution": (4, 4)} | options
    tifffile.imwrite(tmp_path / "a.tif", values(shape), **options)
    eager, lazy = read_image(tmp_path / "a.tif"), read_image(tmp_path / "a.tif", lazy=True)
    assert lazy.image.shape == eager.image.shape
    assert lazy.image.dtype == eager.image.dtype
    for name in ("axes", "pixel_size", "unit", "extras", "notes"):
        assert getattr(lazy, name) == getattr(eager, name)
    np.testing.assert_array_equal(lazy.image, eager.image)
    np.testing.assert_array_equal(lazy.image[0, 3:7], eager.image[0, 3:7])
    assert lazy.image[0].dtype.isnative


def test_single_page_is_read_alone(tmp_path, monkeypatch):
    tifffile.imwrite(
        tmp_path / "a.tif", values((50, 20, 24)), photometric="minisblack", compression="zlib"
    )
    stored = read_image(tmp_path / "a.tif", lazy=True)
    offsets = []
    read = tifffile.FileHandle.read_segments

    def watched(self, places, *rest, **options):
        offsets.extend(places)
        return read(self, places, *rest, **options)

    monkeypatch.setattr(tifffile.FileHandle, "read_segments", watched)
    assert stored.image[7].shape == (20, 24)
    assert len(offsets) == 1


def test_file_is_closed_with_its_last_reference(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", values((5, 20, 24)), photometric="minisblack")
    stored = read_image(tmp_path / "a.tif", lazy=True)
    close = stored.image._close
    del stored
    gc.collect()
    assert not close.alive


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9])
def test_truncated_tiff_is_refused(tmp_path, part):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values((5, 40, 40)), metadata=None, photometric="minisblack")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FileProblem, match="damaged or incomplete"):
        read_image(path, lazy=True).whole()
