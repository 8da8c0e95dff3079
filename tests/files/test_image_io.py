"""Files: what is read comes back the same, and a half-written file never stands under its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from napari_dip.errors import BadMask, FileProblem, NapariDipError, OutputExists
from napari_dip.files import image_writer
from napari_dip.files.image_io import (
    StoredImage,
    check_output,
    read_image,
    read_mask,
    read_provenance,
    write_image,
)

MICRO = {"Z": 0.5, "Y": 0.13, "X": 0.13}
RECORD = {"seed": 3, "settings": {"task": {"kind": "denoise"}}, "note": 'a "µ" & <b>'}


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    random = np.random.default_rng(0).integers(0, 100, shape)
    return random > 50 if dtype == "bool" else random.astype(dtype)


def in_micrometres(image: np.ndarray, axes: str) -> StoredImage:
    sizes = {axis: MICRO[axis] for axis in axes if axis in MICRO}
    return StoredImage(image, axes, sizes, dict.fromkeys(sizes, "µm"))


# ---- there and back --------------------------------------------------------------------------

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
    write_image(tmp_path / f"a{suffix}", in_micrometres(values(shape, "uint8"), axes))
    back = read_image(tmp_path / f"a{suffix}")
    assert (back.axes, back.image.shape) == (axes, shape)


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


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".ome.tiff", ".png"])
def test_provenance_is_read_back(tmp_path, suffix):
    write_image(
        tmp_path / f"a{suffix}", in_micrometres(values((16, 20), "uint8"), "YX"), provenance=RECORD
    )
    assert read_provenance(tmp_path / f"a{suffix}") == RECORD


def test_provenance_survives_a_dtype_that_only_plain_tiff_holds(tmp_path):
    write_image(
        tmp_path / "a.tif", in_micrometres(values((16, 20), "int64"), "YX"), provenance=RECORD
    )
    assert read_provenance(tmp_path / "a.tif") == RECORD


def test_the_record_is_strict_json(tmp_path):
    image = StoredImage(values((16, 20), "uint8"), "YX")
    write_image(tmp_path / "a.png", image, provenance={"metric": [float("inf"), float("nan"), 1.0]})
    assert read_provenance(tmp_path / "a.png") == {"metric": [None, None, 1.0]}


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".png"])
def test_a_file_of_others_has_no_provenance(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", in_micrometres(values((16, 20), "uint8"), "YX"))
    assert read_provenance(tmp_path / f"a{suffix}") is None


# ---- dialects --------------------------------------------------------------------------------


def test_imagej_opens_the_tif_as_a_hyperstack(tmp_path):
    write_image(tmp_path / "a.tif", in_micrometres(values((3, 2, 16, 20), "uint16"), "ZCYX"))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        said = tif.imagej_metadata
        assert tif.is_imagej
    assert (said["slices"], said["channels"]) == (3, 2)
    assert (said["unit"], said["spacing"]) == ("micron", 0.5)


def test_the_acquisition_notes_and_display_of_imagej_are_kept(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        values((2, 16, 20), "uint16"),
        imagej=True,
        resolution=(4, 4),
        metadata={
            "axes": "CYX",
            "unit": "\\u00B5m",
            "mode": "composite",
            "finterval": 1.5,
            "Info": "Objective 63x",
            "Ranges": (0.0, 80.0, 5.0, 90.0),
        },
    )
    stored = read_image(tmp_path / "a.tif")
    assert dict(stored.pixel_size) == {"Y": 0.25, "X": 0.25, "T": 1.5}
    assert dict(stored.unit) == {"Y": "µm", "X": "µm", "T": "s"}
    write_image(tmp_path / "b.tif", stored, provenance=RECORD)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        said = tif.imagej_metadata
    assert said["mode"] == "composite"
    assert said["Ranges"] == (0.0, 80.0, 5.0, 90.0)
    assert said["finterval"] == 1.5
    assert "Objective 63x" in said["Info"]
    assert read_provenance(tmp_path / "b.tif") == RECORD


def test_ome_keeps_units_channel_names_and_description(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        values((2, 16, 20), "uint16"),
        metadata={
            "axes": "CYX",
            "PhysicalSizeX": 65.0,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 65.0,
            "PhysicalSizeYUnit": "nm",
            "Channel": {"Name": ["DAPI", "actin"]},
            "Description": "Plate 4",
        },
    )
    stored = read_image(tmp_path / "a.ome.tif")
    assert dict(stored.unit) == {"Y": "nm", "X": "nm"}
    write_image(tmp_path / "b.ome.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as tif:
        for said in ('Name="DAPI"', 'Name="actin"', "Plate 4", 'PhysicalSizeX="65.0"'):
            assert said in tif.ome_metadata
        assert tif.ome_metadata.count('Unit="nm"') == 2


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
def test_an_image_that_is_shown_inverted_stays_so(tmp_path, suffix):
    tifffile.imwrite(tmp_path / "a.tif", values((16, 20), "uint8"), photometric="miniswhite")
    write_image(tmp_path / f"b{suffix}", read_image(tmp_path / "a.tif"))
    with tifffile.TiffFile(tmp_path / f"b{suffix}") as tif:
        assert tif.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE


def test_lengths_in_different_units_become_one_for_imagej(tmp_path):
    stored = StoredImage(
        values((3, 16, 20), "uint8"),
        "ZYX",
        {"Z": 0.5, "Y": 130.0, "X": 130.0},
        {"Z": "µm", "Y": "nm", "X": "nm"},
    )
    write_image(tmp_path / "a.tif", stored)
    back = read_image(tmp_path / "a.tif")
    assert dict(back.pixel_size) == pytest.approx({"Z": 500.0, "Y": 130.0, "X": 130.0})
    assert set(back.unit.values()) == {"nm"}


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".png"])
def test_the_pixel_size_is_divided_along_the_scaled_axes_alone(tmp_path, suffix):
    axes = "YX" if suffix == ".png" else "ZYX"
    small = in_micrometres(values((3, 16, 20)[-len(axes) :], "uint8"), axes)
    large = values((3, 64, 80)[-len(axes) :], "uint8")
    write_image(tmp_path / f"a{suffix}", small.with_image(large, axes, {"Y": 4, "X": 4}))
    back = read_image(tmp_path / f"a{suffix}")
    wanted = {"Z": 0.5, "Y": 0.0325, "X": 0.0325}
    assert dict(back.pixel_size) == pytest.approx({a: wanted[a] for a in axes}, rel=1e-4)


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<i2", ">f8"])
def test_either_byte_order_is_read(tmp_path, dtype):
    image = values((16, 20), "int64").astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", image, byteorder=dtype[0])
    back = read_image(tmp_path / "a.tif").image
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, image)


def test_dots_per_centimetre_are_a_pixel_size_and_72_per_inch_are_not(tmp_path):
    image = values((16, 20), "uint8")
    tifffile.imwrite(
        tmp_path / "a.tif", image, resolution=(5000, 5000), resolutionunit="CENTIMETER"
    )
    tifffile.imwrite(tmp_path / "b.tif", image, resolution=(72, 72), resolutionunit="INCH")
    stored = read_image(tmp_path / "a.tif")
    assert dict(stored.pixel_size) == pytest.approx({"Y": 2e-4, "X": 2e-4})
    assert set(stored.unit.values()) == {"cm"}
    assert not read_image(tmp_path / "b.tif").pixel_size


def test_samples_come_last_and_two_of_them_are_channels(tmp_path):
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


def test_the_first_of_several_images_is_taken_and_that_is_said(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(values((16, 20), "uint8"))
        tif.write(values((24, 24), "uint16"))
    stored = read_image(tmp_path / "a.tif")
    assert stored.image.shape == (16, 20)
    assert "2 images" in stored.notes[0]


# ---- pictures --------------------------------------------------------------------------------


def save(path: Path, image: np.ndarray, mode: str | None = None, **options) -> Path:
    picture = Image.fromarray(image)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def test_a_grey_colour_table_gives_a_grey_image(tmp_path):
    image = values((16, 20), "uint8")
    picture = Image.new("P", (20, 16))
    picture.putpalette([grey for level in range(256) for grey in (level, level, level)])
    picture.frombytes(image.tobytes())
    picture.save(tmp_path / "a.png")
    stored = read_image(tmp_path / "a.png")
    assert stored.axes == "YX"
    np.testing.assert_array_equal(stored.image, image)


def test_a_colour_table_becomes_colours(tmp_path):
    path = save(tmp_path / "a.png", values((16, 20, 3), "uint8"), "P")
    stored = read_image(path)
    assert (stored.axes, stored.image.shape) == ("YXS", (16, 20, 3))
    assert "colour table" in " ".join(stored.notes)


def test_a_transparency_that_hides_nothing_is_left_out(tmp_path):
    image = np.concatenate([values((16, 20, 3), "uint8"), np.full((16, 20, 1), 255, "uint8")], -1)
    assert read_image(save(tmp_path / "a.png", image)).image.shape == (16, 20, 3)
    image[0, 0, 3] = 0
    assert read_image(save(tmp_path / "b.png", image)).image.shape == (16, 20, 4)


def test_jpeg_and_bmp_are_read(tmp_path):
    grey, colours = values((16, 20), "uint8"), values((16, 20, 3), "uint8")
    assert read_image(save(tmp_path / "a.jpg", grey)).axes == "YX"
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.bmp", colours)).image, colours)


def test_png_colours_of_16_bits_are_refused_rather_than_rounded(tmp_path):
    # An 8-bit PNG whose header says 16: enough to be recognised, and no writer is needed.
    path = save(tmp_path / "a.png", values((16, 20, 3), "uint8"))
    content = bytearray(path.read_bytes())
    content[24] = 16
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"16-bit.*TIFF"):
        read_image(path)


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_is_turned_as_its_tag_says(tmp_path, number, suffix):
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


# ---- masks -----------------------------------------------------------------------------------

HOLE = np.zeros((16, 20), dtype=bool)
HOLE[4:8, 5:15] = True


@pytest.mark.parametrize(
    ("image", "marks", "name"),
    [
        pytest.param(HOLE, "missing", "a.png", id="one bit"),
        pytest.param(HOLE * np.uint8(255), "missing", "a.png", id="white"),
        pytest.param(~HOLE * np.uint8(255), "known", "a.png", id="as published"),
        pytest.param(HOLE * np.uint8(1), "missing", "a.tif", id="ones"),
        pytest.param(HOLE * np.arange(20, dtype="uint8"), "missing", "a.tif", id="labels"),
        pytest.param(HOLE * np.float32(0.5), "missing", "a.tif", id="float"),
        pytest.param(HOLE[..., None] * np.uint8([255, 0, 0]), "missing", "a.png", id="red"),
    ],
)
def test_a_mask_says_what_is_missing(tmp_path, image, marks, name):
    write_image(tmp_path / name, StoredImage(image, "YXS" if image.ndim == 3 else "YX"))
    mask = read_mask(tmp_path / name, marks)
    np.testing.assert_array_equal(mask.missing, HOLE)
    assert mask.axes == "YX"
    assert mask.notes[-1] == "12.5% of the pixels are missing."


def test_a_masks_transparency_does_not_count(tmp_path):
    seen = (HOLE * 255)[..., None].astype("uint8")
    same = np.concatenate([np.full((*HOLE.shape, 3), 255, "uint8"), seen], axis=-1)
    with pytest.raises(BadMask, match=r"a\.png has one colour, .*save it without"):
        read_mask(save(tmp_path / "a.png", same))
    red = np.concatenate([seen, 0 * seen, 0 * seen, seen], axis=-1)
    mask = read_mask(save(tmp_path / "b.png", red))
    np.testing.assert_array_equal(mask.missing, HOLE)
    assert "Transparency is ignored" in mask.notes[0]


def test_a_mask_says_in_how_many_planes_something_is_missing(tmp_path):
    stack = np.stack([HOLE, np.zeros_like(HOLE), HOLE]) * np.uint8(1)
    write_image(tmp_path / "a.tif", StoredImage(stack, "ZYX"))
    assert read_mask(tmp_path / "a.tif").notes[-1].endswith("are missing, in 2 of 3 planes.")


def test_grey_levels_of_an_antialiased_mask_are_cut_in_the_middle(tmp_path):
    soft = HOLE * np.uint8(255)
    soft[3, 5:15], soft[8, 5:15] = 100, 200
    mask = read_mask(save(tmp_path / "a.png", soft))
    wanted = HOLE.copy()
    wanted[8, 5:15] = True
    np.testing.assert_array_equal(mask.missing, wanted)
    assert "grey levels" in mask.notes[0]


def test_a_jpeg_mask_is_cut_in_the_middle(tmp_path):
    large = np.kron(HOLE, np.ones((16, 16), dtype=bool))
    mask = read_mask(save(tmp_path / "a.jpg", large * np.uint8(255), quality=50))
    assert (mask.missing != large).mean() < 0.001


def with_table(path: Path, indices: np.ndarray, table: list) -> Path:
    picture = Image.new("P", indices.shape[::-1])
    picture.frombytes(indices.astype(np.uint8).tobytes())
    picture.putpalette([part for colour in table for part in colour])
    picture.save(path)
    return path


RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)


@pytest.mark.parametrize(
    ("indices", "table"),
    [
        pytest.param(HOLE * np.arange(20), [BLACK, *[(90, n, 30) for n in range(19)]], id="labels"),
        pytest.param(
            HOLE * (np.arange(20) % 3 + 1), [WHITE, RED, RED, BLACK], id="white background"
        ),
        pytest.param(~HOLE * 1, [RED, BLACK], id="black is number 1"),
        pytest.param(HOLE * 1 + 1, [WHITE, BLACK, RED], id="black, and 0 is not used"),
        pytest.param(HOLE * 255, [(255 - n,) * 3 for n in range(256)], id="ImageJ"),
        pytest.param(~HOLE * 1, [WHITE, BLACK], id="grey levels"),
    ],
)
def test_numbers_of_a_colour_table_are_labels(tmp_path, indices, table):
    mask = read_mask(with_table(tmp_path / "a.png", indices, table))
    np.testing.assert_array_equal(mask.missing, HOLE)


# ---- what cannot be read or written ----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.tif", None, "does not exist"),
        ("empty.tif", b"", "is empty"),
        ("text.tif", b"no image at all", "no format that can be read"),
        ("start.tif", b"II*\0\x08\0\0\0", "damaged"),
        ("start.png", b"\x89PNG\r\n\x1a\n", "no format that can be read"),
    ],
)
def test_what_is_no_image_is_refused_by_name(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileProblem, match=rf"{name} .*{says}"):
        read_image(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(FileProblem, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.png", "plain.tif"])
def test_a_file_that_was_cut_short_is_refused(tmp_path, name, part):
    path, stack = tmp_path / name, values((5, 40, 40), "uint16")
    if name == "plain.tif":
        tifffile.imwrite(path, stack, metadata=None, compression="zlib", photometric="minisblack")
    else:
        flat = name.endswith("png")
        write_image(path, StoredImage(stack[0] if flat else stack, "YX" if flat else "ZYX"))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FileProblem, match="damaged or incomplete"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "dtype", "axes", "says"),
    [
        ("a.png", "uint16", "ZYX", "one grey plane.*write .tif"),
        ("a.png", "float32", "YX", "float32.*write .tif"),
        ("a.png", "uint16", "YXS", "8-bit colours.*write .tif"),
        ("a.ome.tif", "int64", "YX", "int64.*write .tif"),
        ("a.ome.tif", "float16", "YX", "float16.*write .tif"),
        ("a.jpg", "uint8", "YX", "no known suffix"),
        ("a", "uint8", "YX", "no known suffix"),
        ("absent/a.tif", "uint8", "YX", "does not exist"),
        ("", "uint8", "YX", "is a folder"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_any_work(tmp_path, name, dtype, axes, says):
    with pytest.raises(FileProblem, match=says):
        check_output(tmp_path / name, dtype, axes)


def test_an_existing_file_is_replaced_only_on_request(tmp_path):
    old, new = (StoredImage(values((16, 20), "uint8") + n, "YX") for n in (0, 1))
    write_image(tmp_path / "a.tif", old)
    with pytest.raises(OutputExists, match="--overwrite"):
        write_image(tmp_path / "a.tif", new)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").image, old.image)
    write_image(tmp_path / "a.tif", new, overwrite=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").image, new.image)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch, failure):
    def fail(path, *_):
        path.write_bytes(b"half")
        raise failure

    monkeypatch.setattr(image_writer, "write_format", fail)
    expected = NapariDipError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_image(tmp_path / "a.tif", StoredImage(values((16, 20), "uint8"), "YX"))
    assert not list(tmp_path.iterdir())


def test_a_process_killed_in_mid_write_leaves_no_file_under_the_name(tmp_path):
    code = (
        "import sys, time, numpy as np\n"
        "from napari_dip.files import image_io, image_writer\n"
        "def halfway(path, *_):\n"
        "    path.write_bytes(b'half'); print('now', flush=True); time.sleep(60)\n"
        "image_writer.write_format = halfway\n"
        "image_io.write_image(sys.argv[1], image_io.StoredImage(np.eye(16), 'YX'))\n"
    )
    target = tmp_path / "a.tif"
    command = [sys.executable, "-c", code, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        process.wait(timeout=10)
    assert not target.exists()


def test_reading_and_writing_load_no_torch():
    code = "import sys, napari_dip.files.image_io; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- real files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "axes", "sizes"),
    [
        ("stack3d/xyz_calibrated_16bit__golgi_bfa.tif", "ZYX", {"Z": 0.3876, "X": 0.3514}),
        ("stack3d/image_3D_calibrated.tif", "ZYX", {"Z": 0.52, "X": 0.13}),
        ("stack3d/xyz_8bit__nuclei_autothresh.tif", "ZYX", {"Z": 4.0, "X": 0.8286}),
        ("fluo16/xyc_16bit__cell_dna_mts_actin.tif", "CYX", {"X": 0.1325}),
        ("fluo16/xy_16bit__rat_hippocampal_neuron.tif", "YX", {"X": 0.16}),
    ],
)
@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
def test_calibrated_files_keep_their_calibration(shared_data, tmp_path, name, axes, sizes, suffix):
    stored = read_image(shared_data / name)
    write_image(tmp_path / f"a{suffix}", stored)
    back = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(back.image, stored.image)
    assert back.axes == stored.axes == axes
    assert {axis: back.pixel_size[axis] for axis in sizes} == pytest.approx(sizes, rel=1e-3)
    assert {back.unit[axis] for axis in sizes} == {"µm"}
