"""Test PNG, JPEG and BMP: colour tables, orientation, pixel size and damaged headers."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from example_files import in_micrometres, refused, save, values
from PIL import Image, ImageOps

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import (
    read_image,
    read_provenance,
    write_image,
)


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def png(tmp_path, *extra, width=20, height=24):
    """Write a PNG with extra chunks and a declared size."""
    path = tmp_path / "a.png"
    Image.fromarray(stack((24, 20), "uint8")).save(path)
    content = path.read_bytes()
    header = struct.pack(">II", width, height) + content[24:29]

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    path.write_bytes(
        content[:8]
        + chunk(b"IHDR", header)
        + b"".join(chunk(*each) for each in extra)
        + content[33:]
    )
    return path


@pytest.mark.parametrize(
    ("axes", "dtype", "mode"),
    [("YX", "uint8", "L"), ("YX", "uint16", "I;16"), ("YX", "bool", "1"), ("YXS", "uint8", "RGB")],
)
def test_png_keeps_dtype_and_pixel_size(tmp_path, axes, dtype, mode):
    stored = in_micrometres(values((16, 20, 3)[: len(axes)], dtype), axes)
    write_image(tmp_path / "a.png", stored)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode == mode
    back = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(back.image, stored.image)
    assert back.image.dtype == stored.image.dtype
    assert dict(back.pixel_size) == pytest.approx({"Y": 0.13, "X": 0.13}, rel=1e-4)


def test_grey_colour_table_gives_a_grey_image(tmp_path):
    image = values((16, 20), "uint8")
    picture = Image.new("P", (20, 16))
    picture.putpalette([grey for level in range(256) for grey in (level, level, level)])
    picture.frombytes(image.tobytes())
    picture.save(tmp_path / "a.png")
    stored = read_image(tmp_path / "a.png")
    assert stored.axes == "YX"
    np.testing.assert_array_equal(stored.image, image)


def test_colour_table_is_converted_to_rgb(tmp_path):
    path = save(tmp_path / "a.png", values((16, 20, 3), "uint8"), "P")
    stored = read_image(path)
    assert (stored.axes, stored.image.shape) == ("YXS", (16, 20, 3))
    assert "colour table" in " ".join(stored.notes)


def test_opaque_alpha_channel_is_dropped(tmp_path):
    image = np.concatenate([values((16, 20, 3), "uint8"), np.full((16, 20, 1), 255, "uint8")], -1)
    assert read_image(save(tmp_path / "a.png", image)).image.shape == (16, 20, 3)
    image[0, 0, 3] = 0
    assert read_image(save(tmp_path / "b.png", image)).image.shape == (16, 20, 4)


def test_jpeg_and_bmp_are_read(tmp_path):
    grey, colours = values((16, 20), "uint8"), values((16, 20, 3), "uint8")
    assert read_image(save(tmp_path / "a.jpg", grey)).axes == "YX"
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.bmp", colours)).image, colours)


def test_png_with_16_bit_colours_is_refused(tmp_path):
    # An 8-bit PNG that declares 16 bits, since Pillow cannot write 16-bit colours.
    path = save(tmp_path / "a.png", values((16, 20, 3), "uint8"))
    content = bytearray(path.read_bytes())
    content[24] = 16
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"16-bit.*TIFF"):
        read_image(path)


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_orientation_tag_is_applied(tmp_path, number, suffix):
    image = np.kron(np.arange(6).reshape(2, 3), np.ones((16, 16))).astype("uint8") * 40
    exif = Image.Exif()
    exif[274] = number
    path = save(tmp_path / f"a{suffix}", image, exif=exif, dpi=(300, 600))
    with Image.open(path) as picture:
        upright = np.array(ImageOps.exif_transpose(picture))
    stored = read_image(path)
    np.testing.assert_array_equal(stored.image, upright)
    assert any(f"orientation tag ({number})" in note for note in stored.notes) == (number > 1)
    assert (stored.pixel_size["Y"] > stored.pixel_size["X"]) == (number > 4)


@pytest.mark.parametrize(
    "extra",
    [
        (b"zTXt", b"napari-dip\0\0" + zlib.compress(bytes(2**26), 9)),
        (b"iCCP", b"icc\0\0" + zlib.compress(bytes(2**26), 9)),
        (b"iTXt", b"napari-dip\0\1\0\0\0" + zlib.compress(bytes(2**26), 9)),
        (b"pHYs", b"\0"),
        (b"tRNS", b"\0" * 900),
    ],
)
def test_png_with_invalid_chunk_is_read_or_refused(tmp_path, extra):
    path = png(tmp_path, extra)
    for read in (read_image, read_provenance):
        try:
            read(path)
        except FileProblem as error:
            assert "a.png" in str(error)


def test_impossible_png_size_is_refused(tmp_path):
    refused(png(tmp_path, width=60_000, height=60_000), "more than .* bytes can hold")
    many = (b"acTL", struct.pack(">II", 2**31 - 1, 0))
    refused(png(tmp_path, many), r"21474836\d\d images, more than")


def test_png_larger_than_memory_is_refused(tmp_path):
    refused(png(tmp_path, width=2**31 - 1, height=2**31 - 1), "memory are free|damaged")


def test_png_is_never_lazy(tmp_path):
    Image.fromarray(values((8, 9), "uint8")).save(tmp_path / "a.png")
    assert isinstance(read_image(tmp_path / "a.png", lazy=True).image, np.ndarray)
