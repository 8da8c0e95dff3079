"""Test that a run on disk can be resumed after a kill or damage."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from example_zarr import chunks
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import BadSettings
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import read_image, read_provenance
from napari_dip.image import layout_plan as outline
from napari_dip.settings import Settings

QUICK = ("--iterations", "4", "--device", "cpu", "--noise", "5", "--share", "none", "--axes", "ZYX")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def uninterrupted(stack, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "out.ome.zarr"
    result = call("denoise", stack, path, *QUICK)
    assert result.exit_code == 0, result.output
    return path


def damage_chunk(out):
    (out / "0/c/3/0/0").write_bytes(b"nonsense")


def lose_chunks(out):
    shutil.rmtree(out / "0/c/3")


def hide_chunk(out):
    file = next(path for path in (out / "0/c/3").rglob("*") if path.is_file())
    file.unlink()
    file.mkdir()


def lose_report(out):
    (out / ".napari-dip/units/000003.json").write_text("")


def cut_report(out):
    file = out / ".napari-dip/units/000003.json"
    file.write_text(file.read_text()[:-20])


def lose_level(out):
    (out / "0/zarr.json").unlink()
    shutil.rmtree(out / "0/c/3")


def test_resumable_output_equals_the_whole_output(stack, uninterrupted, tmp_path):
    assert call("denoise", stack, tmp_path / "out.tif", *QUICK).exit_code == 0
    whole = read_image(tmp_path / "out.tif").image
    grown = read_image(uninterrupted)
    assert grown.image.dtype == np.uint16
    assert np.array_equal(np.asarray(grown.image[:]), whole)
    assert len(read_provenance(uninterrupted)["units"]) == 6


@pytest.mark.slow
def test_killed_run_resumes_to_identical_files(stack, uninterrupted, tmp_path):
    out = tmp_path / "out.ome.zarr"
    program = "from napari_dip.cli.app import app; app()"
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
    assert f"{len(before)} of 6 parts are complete already" in result.stderr
    assert chunks(out) == chunks(uninterrupted)
    assert all(file.stat().st_mtime_ns == then for file, then in before.items())


def test_other_settings_are_not_resumed(stack, uninterrupted):
    before = chunks(uninterrupted)
    other = (*QUICK[:1], "5", *QUICK[2:])
    result = call("denoise", stack, uninterrupted, *other, "--resume")
    assert result.exit_code == 2
    assert "settings.iterations: 4 there, 5 here" in result.stderr
    assert chunks(uninterrupted) == before


def test_another_image_is_not_resumed(stack, uninterrupted, tmp_path):
    tifffile.imwrite(tmp_path / "other.tif", tifffile.imread(stack) + 1)
    result = call("denoise", tmp_path / "other.tif", uninterrupted, *QUICK, "--resume")
    assert result.exit_code == 2
    assert "values and mask" in result.stderr


def test_resume_needs_a_resumable_output(stack, tmp_path):
    result = call("denoise", stack, tmp_path / "out.tif", *QUICK, "--resume")
    assert result.exit_code == 2
    assert "end out.tif in .ome.zarr" in result.stderr


def test_existing_output_is_unchanged_without_resume(stack, uninterrupted):
    before = chunks(uninterrupted)
    result = call("denoise", stack, uninterrupted, *QUICK)
    assert result.exit_code == 2
    assert "--resume" in result.stderr
    assert chunks(uninterrupted) == before


def test_uncertainty_is_written_beside_the_image(stack, tmp_path):
    out, spread = tmp_path / "out.ome.zarr", tmp_path / "spread.ome.zarr"
    result = call("denoise", stack, out, *QUICK, "--uncertainty", spread)
    assert result.exit_code == 0, result.output
    values = np.asarray(read_image(spread).image[:])
    assert values.shape == (6, 24, 28)
    assert values.dtype == np.float32
    assert (values.std(axis=(1, 2)) > 0).all()


def test_super_resolution_is_written_resumably(stack, tmp_path):
    out = tmp_path / "out.ome.zarr"
    quick = [part for part in QUICK if part not in ("--noise", "5")]
    result = call("super-resolve", stack, out, "--factor", 2, *quick)
    assert result.exit_code == 0, result.output
    assert read_image(out).image.shape == (6, 48, 56)


def test_concurrent_units_give_identical_files(stack, uninterrupted, tmp_path):
    out = tmp_path / "out.ome.zarr"
    result = call("denoise", stack, out, *QUICK, "--at-once", 3)
    assert result.exit_code == 0, result.output
    assert "6 parts, 3 concurrent" in " ".join(result.output.split())
    assert chunks(out) == chunks(uninterrupted)


@pytest.mark.parametrize("cut", [None, 16], ids=["whole", "in tiles"])
def test_resumed_run_keeps_its_tiling(stack, tmp_path, monkeypatch, cut):
    settings = Settings(axes="ZYX", device="cpu")

    def refuse_more_than_two(settings, layout, channels, *_):
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


def test_requested_window_is_never_reduced(stack, tmp_path, monkeypatch):
    tried = []

    def refuse(settings, layout, channels, *_):
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


@pytest.mark.parametrize("damage", [damage_chunk, lose_chunks, lose_report, cut_report, lose_level])
def test_damaged_unit_is_restored_again(stack, uninterrupted, tmp_path, damage):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(uninterrupted, out)
    damage(out)
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 0, result.output
    assert "5 of 6 parts are complete already" in result.stderr
    assert "1 of 6 parts were damaged or missing" in result.stderr
    assert chunks(out) == chunks(uninterrupted)


def test_folder_in_place_of_a_chunk_is_named(stack, uninterrupted, tmp_path):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(uninterrupted, out)
    hide_chunk(out)
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 2, result.output
    assert "0/c/3" in result.stderr
    assert "move that file" in result.stderr


def test_damaged_uncertainty_is_restored_again(stack, tmp_path):
    out, spread = tmp_path / "out.ome.zarr", tmp_path / "spread.ome.zarr"
    two = (*QUICK, "--uncertainty", spread, "--refinement", 0)
    assert call("denoise", stack, out, *two).exit_code == 0
    before = chunks(spread), chunks(out)
    damage_chunk(spread)
    lose_chunks(out)
    (spread / ".napari-dip/units/000001.json").unlink()
    result = call("denoise", stack, out, *two, "--resume")
    assert result.exit_code == 0, result.output
    assert "4 of 6 parts are complete already" in result.stderr
    assert (chunks(spread), chunks(out)) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: "", "damaged"),
        (lambda _: "[1]", "damaged"),
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda _: '{"axes": "ZYX", "record": {"window": "x"}}', "belongs to another run"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "another version"),
    ],
)
def test_damaged_or_foreign_journal_is_refused(stack, uninterrupted, tmp_path, change, says):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(uninterrupted, out)
    file = out / ".napari-dip/run.json"
    file.write_text(change(file.read_text()))
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 2
    assert says in result.stderr
    assert "overwrite it" in result.stderr


def test_unknown_report_fields_are_ignored(stack, uninterrupted, tmp_path):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(uninterrupted, out)
    for number, change in enumerate(({"mood": "good"}, {"loss": None}, {"iterations": "many"})):
        file = out / f".napari-dip/units/{number:06}.json"
        entry = json.loads(file.read_text())
        entry["report"] |= change
        file.write_text(json.dumps(entry))
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 0, result.output
    assert "5 of 6 parts are complete already" in result.stderr
    assert chunks(out) == chunks(uninterrupted)
