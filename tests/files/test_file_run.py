"""Test checks before a run, and that a result is never lost."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import zarr
from example_zarr import foreign
from typer.testing import CliRunner

from napari_dip.cli.app import app as cli
from napari_dip.cli.demo import CASES, run_demo
from napari_dip.errors import BadImage, FileProblem, NapariDipError
from napari_dip.files import file_run as runs
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_provenance,
    write_image,
)
from napari_dip.settings import Inpaint, Settings

QUICK = ("--iterations", "1", "--device", "cpu", "--stopping", "fixed", "--refinement", "0")


def call(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def cells(tmp_path):
    path = tmp_path / "cells.tif"
    image = np.random.default_rng(0).poisson(50, (16, 16)).astype(np.uint16)
    write_image(path, StoredImage(image, "YX"))
    return path


def test_too_many_planes_are_refused(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(10**12, 64, 64), chunks=(1, 64, 64), dtype="u2")
    with pytest.raises(BadImage, match="1000000000000 planes are more than"):
        open_run(tmp_path / "a.zarr", tmp_path / "o.tif", Settings(axes="ZYX", device="cpu"))


def test_long_survey_is_announced(tmp_path):
    shape = (10**5, 64, 64)
    zarr.create_array(tmp_path / "a.zarr", shape=shape, chunks=(1, 64, 64), dtype="u2")

    class Said(Exception):
        pass

    def say(sentence):
        raise Said(sentence)

    with pytest.raises(Said, match=r"All planes of .*a.zarr are surveyed first, about 6 min"):
        open_run(tmp_path / "a.zarr", tmp_path / "o.tif", Settings(device="cpu"), say=say)


def test_other_axes_are_written_after_the_run(movie, tmp_path):
    out = tmp_path / "out.ome.tif"
    result = call("denoise", movie, out, "--axes", "CTYX", *QUICK, "--share", "none")
    assert result.exit_code == 0, result.output
    assert read_image(out).image.shape == (3, 2, 16, 16)
    assert read_provenance(out)["axes"] == "CTYX"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), IndexError("surprise")])
def test_unwritable_result_is_saved_elsewhere(cells, tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(runs, "write_image", fail)
    arguments = ("--members", 2, "--uncertainty", tmp_path / "u.tif")
    result = call("denoise", cells, tmp_path / "out.ome.tif", *QUICK, *arguments)
    assert result.exit_code == 1
    assert error.args[-1] in " ".join(result.stderr.split())
    assert "out.rescued.tif" in result.stderr
    assert read_image(tmp_path / "out.rescued.tif").image.dtype == np.uint16
    assert read_image(tmp_path / "u.rescued.tif").image.dtype == np.float32
    assert read_provenance(tmp_path / "out.rescued.tif")["axes"] == "YX"


def test_file_created_during_the_run_is_kept(cells, tmp_path, monkeypatch):
    make, out = runs.make_problem, tmp_path / "out.tif"

    def meanwhile(*arguments, **keywords):
        out.write_text("of somebody else")
        return make(*arguments, **keywords)

    monkeypatch.setattr(runs, "make_problem", meanwhile)
    result = call("denoise", cells, out, *QUICK)
    assert result.exit_code == 1
    assert out.read_text() == "of somebody else"
    assert read_image(tmp_path / "out.rescued.tif").image.shape == (16, 16)


def test_unexpected_error_is_one_line(cells, tmp_path, monkeypatch):
    def surprise(*_, **__):
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(runs, "make_problem", surprise)
    result = call("denoise", cells, tmp_path / "out.tif")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "IndexError: list index out of range. This is a bug in napari-dip" in result.stderr
    monkeypatch.setenv("NAPARI_DIP_DEBUG", "1")
    assert isinstance(call("denoise", cells, tmp_path / "out.tif").exception, IndexError)


def test_failed_run_reports_what_is_left(cells, tmp_path, monkeypatch):
    def failing(*_, **__):
        raise error
        yield

    monkeypatch.setattr(runs, "run", failing)
    for error in (NapariDipError("it kept jumping"), ZeroDivisionError("division by zero")):
        result = call("denoise", cells, tmp_path / "out.ome.zarr", "--overwrite")
        assert result.exit_code == 1
        assert str(error) in result.stderr
        assert "0 of 1 parts are in" in result.stderr
        assert "--resume continues" in " ".join(result.stderr.split())


def test_demo_replaces_no_other_images(tmp_path):
    case = CASES[0]
    image = np.zeros((16, 16), np.uint8)
    write_image(tmp_path / f"{case.name}.png", StoredImage(image, "YX"))
    with pytest.raises(FileProblem, match="not from this demo"):
        run_demo(tmp_path, None, cases=CASES[:1])
    np.testing.assert_array_equal(read_image(tmp_path / f"{case.name}.png").image, image)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full of Linux")
def test_full_output_pipe_keeps_the_result(cells, tmp_path):
    out = tmp_path / "out.tif"
    code = "from napari_dip.cli.app import app; app()"
    command = [sys.executable, "-c", code, "denoise", str(cells), str(out), *QUICK]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert f"No space left on device; {out} was written" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_image(out).image.shape == (16, 16)


@pytest.mark.parametrize(("shape", "axes"), [((2, 1, 3, 16, 16), "tczyx"), ((1, 16, 16), "cyx")])
def test_label_mask_with_one_channel_fits_all_channels(tmp_path, shape, axes):
    kinds = {"t": "time", "c": "channel"}
    named = [{"name": name, "type": kinds.get(name, "space")} for name in axes]
    labels = np.zeros(shape, np.int32)
    labels[..., 4:6, 5:9] = 7
    source = {"image-label": {"source": {"image": "../../"}}}
    mask = foreign(tmp_path / "nuclei.zarr", labels, "0.5", named, **source)
    whole = [2 if name == "c" else size for name, size in zip(axes, shape, strict=True)]
    image = np.random.default_rng(0).poisson(50, whole).astype(np.uint16)
    write_image(tmp_path / "a.ome.zarr", StoredImage(image, axes.upper()))
    settings = Settings(task=Inpaint(), device="cpu")
    run = open_run(tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr", settings, mask=mask)
    missing = np.broadcast_to(run.problem.observed.missing, image.shape)
    run.close()
    np.testing.assert_array_equal(missing, np.broadcast_to(labels == 7, image.shape))
