"""Test reading of images, masks and provenance of all formats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from example_files import in_micrometres, save, values
from PIL import Image

from napari_dip.errors import BadMask, FileProblem
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_mask,
    read_provenance,
    write_image,
)

HOLE = np.zeros((16, 20), dtype=bool)
HOLE[4:8, 5:15] = True


def with_table(path: Path, indices: np.ndarray, table: list) -> Path:
    picture = Image.new("P", indices.shape[::-1])
    picture.frombytes(indices.astype(np.uint8).tobytes())
    picture.putpalette([part for colour in table for part in colour])
    picture.save(path)
    return path


RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".png"])
def test_file_without_provenance_returns_none(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", in_micrometres(values((16, 20), "uint8"), "YX"))
    assert read_provenance(tmp_path / f"a{suffix}") is None


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
def test_mask_marks_missing_or_known_pixels(tmp_path, image, marks, name):
    write_image(tmp_path / name, StoredImage(image, "YXS" if image.ndim == 3 else "YX"))
    mask = read_mask(tmp_path / name, marks)
    np.testing.assert_array_equal(mask.missing, HOLE)
    assert mask.axes == "YX"
    assert mask.notes[-1] == "12.5% of the pixels are missing."


def test_mask_transparency_is_ignored(tmp_path):
    seen = (HOLE * 255)[..., None].astype("uint8")
    same = np.concatenate([np.full((*HOLE.shape, 3), 255, "uint8"), seen], axis=-1)
    with pytest.raises(BadMask, match=r"a\.png has one colour, .*save it without"):
        read_mask(save(tmp_path / "a.png", same))
    red = np.concatenate([seen, 0 * seen, 0 * seen, seen], axis=-1)
    mask = read_mask(save(tmp_path / "b.png", red))
    np.testing.assert_array_equal(mask.missing, HOLE)
    assert "Transparency is ignored" in mask.notes[0]


def test_mask_counts_planes_with_missing_pixels(tmp_path):
    stack = np.stack([HOLE, np.zeros_like(HOLE), HOLE]) * np.uint8(1)
    write_image(tmp_path / "a.tif", StoredImage(stack, "ZYX"))
    assert read_mask(tmp_path / "a.tif").notes[-1].endswith("are missing, in 2 of 3 planes.")


def test_antialiased_mask_is_thresholded_halfway(tmp_path):
    soft = HOLE * np.uint8(255)
    soft[3, 5:15], soft[8, 5:15] = 100, 200
    mask = read_mask(save(tmp_path / "a.png", soft))
    wanted = HOLE.copy()
    wanted[8, 5:15] = True
    np.testing.assert_array_equal(mask.missing, wanted)
    assert "grey levels" in mask.notes[0]


def test_jpeg_mask_is_thresholded_halfway(tmp_path):
    large = np.kron(HOLE, np.ones((16, 16), dtype=bool))
    mask = read_mask(save(tmp_path / "a.jpg", large * np.uint8(255), quality=50))
    assert (mask.missing != large).mean() < 0.001


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
def test_colour_table_indices_are_labels(tmp_path, indices, table):
    mask = read_mask(with_table(tmp_path / "a.png", indices, table))
    np.testing.assert_array_equal(mask.missing, HOLE)


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
def test_unreadable_file_is_refused_by_name(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileProblem, match=rf"{name} .*{says}"):
        read_image(path)


def test_folder_without_zarr_is_refused(tmp_path):
    with pytest.raises(FileProblem, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.png", "plain.tif"])
def test_truncated_file_is_refused(tmp_path, name, part):
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


def test_image_io_does_not_import_torch():
    code = "import sys, napari_dip.files.image_io; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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


def test_mask_may_be_a_zarr(tmp_path):
    hole = values((8, 9)) > 50
    write_image(tmp_path / "a.zarr", StoredImage(hole, "YX"))
    np.testing.assert_array_equal(read_mask(tmp_path / "a.zarr").missing, hole)


@pytest.mark.parametrize("address", ["https://a.org/b.zarr", "s3://bucket/b.zarr"])
def test_url_is_refused(address):
    with pytest.raises(FileProblem, match="download it"):
        read_image(address)
