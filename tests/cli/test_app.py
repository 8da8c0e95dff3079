"""Test the commands: a file in, a restored file out."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image

QUICK = ("--iterations", "2", "--stopping", "fixed", "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".png", ".ome.zarr"])
def test_denoise_keeps_dtype_axes_and_pixel_size(cells, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    result = call("denoise", cells, out, *QUICK)
    assert result.exit_code == 0, result.stderr
    before, after = read_image(cells), read_image(out)
    assert (after.image.dtype, after.image.shape) == (before.image.dtype, before.image.shape)
    assert after.axes == "YX"
    assert dict(after.pixel_size) == pytest.approx(dict(before.pixel_size), rel=1e-4)
    assert (after.whole() != before.image).any()


def test_a_zarr_or_a_file_series_is_read(cells, tmp_path):
    plane = read_image(cells)
    for number in (9, 10):
        write_image(tmp_path / f"frame_t{number}.tif", plane)
    result = call("denoise", tmp_path / "frame_t*.tif", tmp_path / "a.zarr", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "2 files" in result.stderr
    result = call("denoise", tmp_path / "a.zarr", tmp_path / "b.zarr", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "b.zarr").axes == "TYX"
    assert read_provenance(tmp_path / "b.zarr")["settings"]["iterations"] == 2
    assert call("denoise", tmp_path / "b.zarr", tmp_path / "a.zarr", *QUICK).exit_code == 2
    result = call("denoise", tmp_path / "b.zarr", tmp_path / "b.zarr", "--overwrite", *QUICK)
    assert "is the input itself" in result.stderr


def test_super_resolve_divides_the_pixel_size(cells, tmp_path):
    out = tmp_path / "out.ome.tif"
    result = call("super-resolve", cells, out, "--factor", 4, "--downsampler", "box", *QUICK)
    assert result.exit_code == 0, result.stderr
    after = read_image(out)
    assert after.image.shape == (96, 80)
    assert dict(after.pixel_size) == pytest.approx({"Y": 0.125, "X": 0.125})
    task = read_provenance(out)["settings"]["task"]
    assert task == {"kind": "super-resolve", "factor": 4, "axis": None, "downsampler": "box"}


@pytest.mark.parametrize(("marks", "hidden"), [("missing", 6 * 7), ("known", 24 * 20 - 6 * 7)])
def test_inpaint_changes_only_missing_pixels(cells, hole, tmp_path, marks, hidden):
    out = tmp_path / "out.tif"
    result = call("inpaint", cells, hole, out, "--mask-marks", marks, *QUICK)
    assert result.exit_code == 0, result.stderr
    before, after = read_image(cells).image, read_image(out).image
    missing = (np.asarray(Image.open(hole)) > 0) == (marks == "missing")
    assert missing.sum() == hidden
    np.testing.assert_array_equal(after[~missing], before[~missing])
    assert (after[missing] != before[missing]).any()
    assert f"{hidden / 480:.1%} of the pixels are missing" in result.stderr


def test_inpaint_skips_planes_without_gaps(tmp_path):
    stack = np.random.default_rng(0).poisson(50, (3, 16, 16)).astype(np.uint16)
    missing = np.zeros(stack.shape, np.uint8)
    missing[1, 4:7, 4:12] = 1
    stack_tif, mask_tif, out = (tmp_path / name for name in ("stack.tif", "mask.tif", "out.tif"))
    tifffile.imwrite(stack_tif, stack, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(mask_tif, missing, photometric="minisblack")
    result = call("inpaint", stack_tif, mask_tif, out, *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "up to 1 s (planes without a gap take no time) on cpu" in result.stderr
    np.testing.assert_array_equal((read_image(out).image != stack).any((1, 2)), [0, 1, 0])


def test_a_stack_keeps_its_axes(tmp_path):
    stack = np.random.default_rng(0).poisson(50, (2, 16, 16)).astype(np.uint8)
    write_image(tmp_path / "in.tif", StoredImage(stack, "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5}))
    result = call("super-resolve", tmp_path / "in.tif", tmp_path / "out.tif", *QUICK, "--json")
    assert result.exit_code == 0, result.stderr
    after, record = read_image(tmp_path / "out.tif"), json.loads(result.stdout)
    assert (after.axes, after.image.shape) == ("ZYX", (2, 32, 32))
    assert dict(after.pixel_size) == pytest.approx({"Z": 2.0, "Y": 0.25, "X": 0.25})
    assert [unit["index"] for unit in record["units"]] == [[0], [1]]


def test_axes_option_overrides_the_file(tmp_path):
    stack = np.random.default_rng(0).random((3, 16, 16), "float32")
    tifffile.imwrite(tmp_path / "in.tif", stack, photometric="minisblack")
    result = call("denoise", tmp_path / "in.tif", tmp_path / "out.tif", "--axes", "zyx", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "out.tif").axes == "ZYX"


def test_dtype_option_gives_float32(cells, tmp_path):
    result = call("denoise", cells, tmp_path / "out.tif", "--dtype", "float32", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "out.tif").image.dtype == np.float32


def test_only_the_same_seed_gives_equal_files(cells, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert (
            call("denoise", cells, tmp_path / f"{name}.tif", "--seed", seed, *QUICK).exit_code == 0
        )
    a, b, c = (read_image(tmp_path / f"{name}.tif").image for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_uncertainty_is_written_as_another_image(cells, tmp_path):
    out, spread = tmp_path / "out.tif", tmp_path / "spread.tif"
    options = ("--iterations", 2, "--device", "cpu", "--uncertainty", spread)
    assert call("denoise", cells, out, *options).exit_code == 0
    pixels = tifffile.imread(spread)
    assert pixels.dtype == np.float32
    assert pixels.shape == tifffile.imread(out).shape
    assert pixels.max() > 0


def test_overwrite_replaces_an_older_result(cells, tmp_path):
    write_image(tmp_path / "old.tif", StoredImage(np.eye(16, dtype=np.uint8), "YX"))
    assert call("denoise", cells, tmp_path / "old.tif", "--overwrite", *QUICK).exit_code == 0
    assert read_image(tmp_path / "old.tif").image.shape == (24, 20)


def test_info_names_versions_devices_and_memory():
    text = call("info")
    assert text.exit_code == 0
    assert "napari-dip" in text.stdout
    assert "GiB" in text.stdout
    record = json.loads(call("info", "--json").stdout)
    assert "torch" in record["versions"]
    assert record["devices"][-1]["name"] == "cpu"
    assert record["devices"][-1]["memory_bytes"] > 0
    assert "an iteration" in text.stdout
    measured = record["devices"][-1]["arithmetic"]
    assert measured["chosen"] in measured["milliseconds"]


@pytest.mark.parametrize("command", ["denoise", "super-resolve", "inpaint", "plan", "demo", "info"])
def test_every_command_has_help(command):
    assert command in call("--help").stdout
    assert call(command, "--help").exit_code == 0


def test_help_does_not_load_torch():
    code = (
        "import sys, typer.testing, napari_dip.cli.app as cli\n"
        "typer.testing.CliRunner().invoke(cli.app, ['denoise', '--help'])\n"
        "sys.exit('torch' in sys.modules or 'skimage' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_version_is_printed():
    result = call("--version")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "napari-dip")
    assert result.stdout.split()[1][0].isdigit()
