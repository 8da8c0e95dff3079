"""A restoration that grows on the disk survives a kill."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip.cli import app
from napari_dip.errors import BadSettings
from napari_dip.files.run import open_run
from napari_dip.files.store import read_image, read_provenance
from napari_dip.settings import Settings
from napari_dip.stack import outline

QUICK = ("--iterations", "4", "--device", "cpu", "--noise", "5", "--share", "none", "--axes", "ZYX")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "stack.tif"
    values = np.random.default_rng(0).poisson(20, (6, 24, 28)).astype(np.uint16)
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture(scope="module")
def undisturbed(stack, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "out.ome.zarr"
    result = call("denoise", stack, path, *QUICK)
    assert result.exit_code == 0, result.output
    return path


def chunks(folder):
    """Everything but the metadata that say when and how long."""
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json" and ".napari-dip" not in file.parts
    }


def test_it_is_the_image_that_would_have_been_written_at_the_end(stack, undisturbed, tmp_path):
    assert call("denoise", stack, tmp_path / "out.tif", *QUICK).exit_code == 0
    whole = read_image(tmp_path / "out.tif").image
    grown = read_image(undisturbed)
    assert grown.image.dtype == np.uint16
    assert np.array_equal(np.asarray(grown.image[:]), whole)
    assert len(read_provenance(undisturbed)["units"]) == 6


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(stack, undisturbed, tmp_path):
    out = tmp_path / "out.ome.zarr"
    program = "from napari_dip.cli import app; app()"
    command = [sys.executable, "-c", program, "denoise", str(stack), str(out), *QUICK]
    run = subprocess.Popen([*command, "--quiet"])
    units = out / ".napari-dip" / "units"
    deadline = time.monotonic() + 120
    while len([*units.glob("*.json")]) < 2 and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(random.random() * 0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    before = {file: file.stat().st_mtime_ns for file in units.glob("*.json")}
    assert 2 <= len(before) <= 6
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 0, result.output
    assert f"{len(before)} of 6 units are there already" in result.stderr
    assert chunks(out) == chunks(undisturbed)
    assert all(file.stat().st_mtime_ns == then for file, then in before.items())


def test_a_run_with_other_settings_is_not_gone_on_with(stack, undisturbed):
    before = chunks(undisturbed)
    other = (*QUICK[:1], "5", *QUICK[2:])
    result = call("denoise", stack, undisturbed, *other, "--resume")
    assert result.exit_code == 2
    assert "settings.iterations: 4 there, 5 here" in result.stderr
    assert chunks(undisturbed) == before


def test_another_image_is_not_gone_on_with(stack, undisturbed, tmp_path):
    tifffile.imwrite(tmp_path / "other.tif", tifffile.imread(stack) + 1)
    result = call("denoise", tmp_path / "other.tif", undisturbed, *QUICK, "--resume")
    assert result.exit_code == 2
    assert "values and mask" in result.stderr


def test_going_on_needs_an_output_that_grows(stack, tmp_path):
    result = call("denoise", stack, tmp_path / "out.tif", *QUICK, "--resume")
    assert result.exit_code == 2
    assert "end out.tif in .ome.zarr" in result.stderr


def test_without_resume_nothing_is_touched(stack, undisturbed):
    before = chunks(undisturbed)
    result = call("denoise", stack, undisturbed, *QUICK)
    assert result.exit_code == 2
    assert "--resume" in result.stderr
    assert chunks(undisturbed) == before


def test_the_spread_grows_beside_the_image(stack, tmp_path):
    out, spread = tmp_path / "out.ome.zarr", tmp_path / "spread.ome.zarr"
    result = call("denoise", stack, out, *QUICK, "--members", 2, "--uncertainty", spread)
    assert result.exit_code == 0, result.output
    values = np.asarray(read_image(spread).image[:])
    assert values.shape == (6, 24, 28)
    assert values.dtype == np.float32
    assert (values.std(axis=(1, 2)) > 0).all()


def test_super_resolution_grows_with_its_pixel_sizes(stack, tmp_path):
    out = tmp_path / "out.ome.zarr"
    quick = [part for part in QUICK if part not in ("--noise", "5")]
    result = call("super-resolve", stack, out, "--factor", 2, *quick)
    assert result.exit_code == 0, result.output
    assert read_image(out).image.shape == (6, 48, 56)


def test_units_that_are_restored_at_once_end_in_the_same_bytes(stack, undisturbed, tmp_path):
    out = tmp_path / "out.ome.zarr"
    result = call("denoise", stack, out, *QUICK, "--at-once", 3)
    assert result.exit_code == 0, result.output
    assert "6 units, 3 at once" in " ".join(result.output.split())
    assert chunks(out) == chunks(undisturbed)


@pytest.mark.parametrize("cut", [None, 16], ids=["whole", "in tiles"])
def test_a_run_that_is_gone_on_with_stays_cut_however_much_memory_is_free_now(
    stack, tmp_path, monkeypatch, cut
):
    settings = Settings(axes="ZYX", device="cpu")

    def refuse_more_than_two(settings, layout, channels, device):
        if channels > 2:
            raise BadSettings("too little memory")
        return cut

    monkeypatch.setattr(outline, "choose_tile", refuse_more_than_two)
    monkeypatch.setattr(outline, "choose_at_once", lambda *_: 2)
    begun = open_run(stack, tmp_path / "out.ome.zarr", settings)
    monkeypatch.setattr(outline, "choose_tile", lambda *_: None)
    monkeypatch.setattr(outline, "choose_at_once", lambda *_: 5)
    units = begun.problem.plan.units
    assert len(units) > len(open_run(stack, tmp_path / "new.ome.zarr", settings).problem.plan.units)
    again = open_run(stack, tmp_path / "out.ome.zarr", settings, resume=True).problem.plan
    assert (again.units, again.tile, again.at_once) == (units, cut, 2)


def test_planes_that_somebody_asked_to_have_together_are_not_torn_apart(
    stack, tmp_path, monkeypatch
):
    tried = []

    def refuse(settings, layout, channels, device):
        tried.append(channels)
        raise BadSettings("too little memory")

    monkeypatch.setattr(outline, "choose_tile", refuse)
    with pytest.raises(BadSettings, match="too little memory"):
        open_run(stack, tmp_path / "out.ome.zarr", Settings(axes="ZYX", device="cpu", window=6))
    assert tried == [6]
    tried.clear()
    with pytest.raises(BadSettings, match="too little memory"):
        open_run(stack, tmp_path / "out.ome.zarr", Settings(axes="ZYX", device="cpu"))
    assert tried[0] == 6
    assert tried[-1] == 1
