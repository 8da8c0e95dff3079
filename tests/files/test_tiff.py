"""Test reading and writing of TIFF: dtypes, axes, byte order and provenance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from example_files import in_micrometres, read, values

from napari_dip.files.image_io import (
    read_image,
    read_provenance,
    write_image,
)
from napari_dip.image.metadata import Channel, StoredImage

RECORD = {"seed": 3, "settings": {"task": {"kind": "denoise"}}, "note": 'a "µ" & <b>'}


ALL_DTYPES = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64"


OME_DTYPES = "bool uint8 int8 uint16 int16 uint32 int32 float32 float64"


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".tif", dtype) for dtype in ALL_DTYPES.split()]
    + [(".ome.tif", dtype) for dtype in OME_DTYPES.split()],
)
def test_tiff_keeps_dtype_axes_pixel_size_and_unit(tmp_path, suffix, dtype):
    stored = in_micrometres(values((3, 16, 20), dtype), "ZYX")
    write_image(tmp_path / f"a{suffix}", stored)
    back = read_image(tmp_path / f"a{suffix}")
    assert back.image.dtype == stored.image.dtype
    np.testing.assert_array_equal(back.image, stored.image)
    assert back.axes == "ZYX"
    assert dict(back.pixel_size) == pytest.approx(dict(stored.pixel_size))
    assert back.unit == stored.unit


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("YX", (16, 20)),
        ("YXS", (16, 20, 3)),
        ("CYX", (2, 16, 20)),
        ("TZCYX", (2, 3, 2, 16, 20)),
        ("CZYX", (2, 3, 16, 20)),
        ("QYX", (4, 16, 20)),
        ("ZYXS", (3, 16, 20, 3)),
    ],
)
def test_tiff_keeps_any_order_of_axes(tmp_path, suffix, axes, shape):
    image = values(shape, "uint8")
    write_image(tmp_path / f"a{suffix}", in_micrometres(image, axes))
    back = read_image(tmp_path / f"a{suffix}")
    if suffix == ".tif" and axes == "CZYX":  # ImageJ's order
        image, axes = image.swapaxes(0, 1), "ZCYX"
    assert (back.axes, back.image.shape) == (axes, image.shape)


def test_plain_tiff_stores_provenance(tmp_path):
    write_image(
        tmp_path / "a.tif", in_micrometres(values((16, 20), "int64"), "YX"), provenance=RECORD
    )
    assert read_provenance(tmp_path / "a.tif") == RECORD


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
def test_inverted_photometric_is_kept(tmp_path, suffix):
    tifffile.imwrite(tmp_path / "a.tif", values((16, 20), "uint8"), photometric="miniswhite")
    write_image(tmp_path / f"b{suffix}", read_image(tmp_path / "a.tif"))
    with tifffile.TiffFile(tmp_path / f"b{suffix}") as tif:
        assert tif.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<i2", ">f8"])
def test_both_byte_orders_are_read(tmp_path, dtype):
    image = values((16, 20), "int64").astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", image, byteorder=dtype[0])
    back = read_image(tmp_path / "a.tif").image
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, image)


def test_colour_samples_become_the_last_axis(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", values((3, 16, 20), "uint8"), photometric="rgb", planarconfig="separate"
    )
    tifffile.imwrite(
        tmp_path / "b.tif",
        values((16, 20, 2), "uint8"),
        planarconfig="contig",
        photometric="minisblack",
    )
    assert (read_image(tmp_path / "a.tif").axes, read_image(tmp_path / "a.tif").image.shape) == (
        "YXS",
        (16, 20, 3),
    )
    assert (read_image(tmp_path / "b.tif").axes, read_image(tmp_path / "b.tif").image.shape) == (
        "CYX",
        (2, 16, 20),
    )


@pytest.mark.parametrize("axes", ["TZCYX", "CZYX", "ZYX"])
def test_large_imagej_file_has_one_directory(tmp_path, monkeypatch, axes):
    monkeypatch.setattr("napari_dip.files.tiff.MAX_CLASSIC_TIFF_BYTES", 1000)
    image = values((2, 3, 2, 16, 20)[-len(axes) :])
    stored = StoredImage(image, axes, channels=(Channel("a", "FF0000"), Channel("b", "00FF00")))
    write_image(tmp_path / "a.tif", stored, provenance={"seed": 0})
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert (tif.is_bigtiff, len(tif.pages)) == (False, 1)
        # ImageJ reads this number of planes after the offset of the first.
        assert tif.imagej_metadata["images"] == image[..., 0, 0].size
        start, kind = tif.pages.first.dataoffsets[0], f"{tif.byteorder}u2"
    with (tmp_path / "a.tif").open("rb") as file:
        file.seek(start)
        raw = np.frombuffer(file.read(image.nbytes), kind).reshape(-1, 16, 20)
    ordered = image.swapaxes(0, 1) if axes == "CZYX" else image
    np.testing.assert_array_equal(raw, ordered.reshape(-1, 16, 20))
    np.testing.assert_array_equal(read(tmp_path / "a.tif").image, ordered)


@pytest.mark.parametrize("pyramid", [False, True])
@pytest.mark.parametrize(("axes", "written"), [("XYZ", "ZYX"), ("TYXC", "TCYX")])
def test_ome_tiff_gets_planes_in_its_order(tmp_path, axes, written, pyramid):
    image = np.arange(math.prod(shape := (5, 16, 18, 3)[: len(axes)]), dtype=np.uint16)
    image = image.reshape(shape)
    stored = StoredImage(image, axes, {"Y": 0.5, "X": 0.25}, {"Y": "µm", "X": "µm"})
    write_image(tmp_path / "a.ome.tif", stored, pyramid=pyramid)
    back = read_image(tmp_path / "a.ome.tif")
    assert (back.axes, back.pixel_size) == (written, stored.pixel_size)
    np.testing.assert_array_equal(
        back.image, image.transpose([axes.index(letter) for letter in written])
    )
