"""Test what is printed about a run, and what it leaves."""

from __future__ import annotations

import itertools
import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_dip.cli import console
from napari_dip.cli.app import app
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image

QUICK = ("--iterations", "2", "--stopping", "fixed", "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_json_prints_only_one_record(cells, tmp_path):
    out = tmp_path / "out.tif"
    result = call("denoise", cells, out, *QUICK, "--seed", 4, "--json")
    record = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert not result.stderr
    assert (record["input"]["path"], record["output"]) == (str(cells), str(out))
    assert (record["axes"], record["shape"], record["dtype"]) == ("YX", [24, 20], "uint16")
    assert (record["iterations"], record["settings"]["seed"]) == (2, 4)
    assert record["stop_reason"]
    assert record["seconds"] > 0
    assert read_provenance(out)["settings"] == record["settings"]


def test_plan_goes_to_stderr_and_outcome_to_stdout(cells, tmp_path):
    result = call("denoise", cells, tmp_path / "out.tif", *QUICK, "--noise", 3)
    assert "Denoising" in result.stderr
    assert "(24 x 20, YX, uint16)" in result.stderr
    assert "noise 3" in result.stderr
    assert "2 iterations" in result.stdout


def test_the_file_of_the_uncertainty_is_named(cells, tmp_path):
    half = tmp_path / "half.tif"
    result = call("denoise", cells, tmp_path / "out.tif", *QUICK, "--uncertainty", half)
    assert f"Wrote {half}: half the width of the 90 % intervals." in result.stdout


def test_quiet_prints_nothing(cells, tmp_path):
    result = call("denoise", cells, tmp_path / "out.tif", *QUICK, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_notes_about_the_files_are_printed(cells, tmp_path):
    soft = np.full((24, 20), 255, dtype=np.uint8)
    soft[:8] = 90
    soft[:4] = 0
    Image.fromarray(soft).save(tmp_path / "soft.png")
    marks = ("--mask-marks", "known")
    result = call("inpaint", cells, tmp_path / "soft.png", tmp_path / "o.tif", *marks, *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "soft.png: It has grey levels: those above 127.5 count as known." in result.stderr


def test_notes_about_the_files_are_in_the_record(cells, hole, tmp_path):
    record = json.loads(call("inpaint", cells, hole, tmp_path / "o.tif", *QUICK, "--json").stdout)
    assert record["notes"] == [f"{hole}: 8.8% of the pixels are missing."]
    assert record["input"]["mask"]["path"] == str(hole)


def test_an_interrupted_zarr_run_can_be_resumed(cells, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(console, "follow", interrupted)
    result = call("denoise", cells, tmp_path / "out.zarr")
    assert result.exit_code == 130
    assert "0 of 1 parts are in" in result.stderr
    assert "--resume" in result.stderr


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Five frames of a time-lapse."""
    image = np.random.default_rng(0).poisson(50, (5, 9, 10)).astype(np.float32)
    write_image(tmp_path / "frames.tif", StoredImage(image, "TYX"))
    return tmp_path / "frames.tif"


@pytest.mark.parametrize(
    ("suffix", "quiet"),
    [
        (".tif", ()),
        (".tif", ("--quiet",)),
        (".ome.zarr", ("--json",)),
        pytest.param(".tif", ("--json",), marks=pytest.mark.slow),
        pytest.param(".ome.zarr", (), marks=pytest.mark.slow),
        pytest.param(".ome.zarr", ("--quiet",), marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_names_the_empty_frames(frames, tmp_path, monkeypatch, suffix, quiet):
    asked = itertools.count()

    @contextmanager
    def stopped(_keep):
        yield lambda: next(asked) > 3

    monkeypatch.setattr(console, "interruptible", stopped)
    out = tmp_path / f"out{suffix}"
    alone = ("--share", "none", "--at-once", 1, "--refinement", 0)  # stops are asked in fits only
    options = ("--keep-on-interrupt", *alone, *quiet)
    result = call("denoise", frames, out, *QUICK, *options)
    assert result.exit_code == 130
    said = "frame 1 of 5 denoised; frame 2 stopped after 2 of 2 iterations; frames 3–5 are empty"
    assert f"{said} (NaN)" in result.stderr
    stored = read_image(out)
    assert np.isnan(stored.whole()).any(axis=(1, 2)).tolist() == [False] * 2 + [True] * 3
    planes = read_provenance(out)["planes"]
    assert planes["empty"] == [{"T": 2}, {"T": 3}, {"T": 4}]
    if "--json" in quiet:
        assert json.loads(result.stdout)["planes"] == planes
    if suffix == ".ome.zarr":
        monkeypatch.undo()
        assert "unfinished" in stored.notes[-1]
        assert call("denoise", frames, out, *QUICK, *options, "--resume").exit_code == 0
        assert np.isfinite(read_image(out).whole()).all()
        assert read_provenance(out)["planes"]["empty"] == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["a\x1b[31m.tif", "a\nb.tif", "a\u202etif.png.tif", "\udcff.tif"])
def test_control_characters_in_names_are_escaped(cells, tmp_path, name):
    odd = tmp_path / name
    odd.write_bytes(cells.read_bytes())
    for more in ((), ("--json", "--overwrite"), ("--seed", -1)):
        result = call("denoise", odd, tmp_path / f"out-{name}", *QUICK, *more)
        assert result.exit_code == (2 if "--seed" in more else 0), result.stderr
        shown = result.stdout + result.stderr
        assert not set(shown) & set("\x1b\u202e\udcff")
        assert "a\nb" not in shown
        if "--json" in more:
            assert json.loads(result.stdout)["input"]["path"] == str(odd).replace(
                "\udcff", r"\udcff"
            )
    tifffile.imwrite(odd, np.zeros((2, 2), np.uint8))
    result = call("denoise", odd, tmp_path / "o.tif", *QUICK)
    assert result.exit_code == 2
    assert not set(result.stderr) & set("\x1b\u202e\udcff")
