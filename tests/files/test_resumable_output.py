"""A restoration that grows on the disk survives a kill."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.files.resumable_output import existing_output
from napari_dip.generators import finished
from napari_dip.image import layout_plan as outline
from napari_dip.settings import Settings

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
    assert "6 parts, 3 at once" in " ".join(result.output.split())
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


# ---- replacing an older result ---------------------------------------------------------------


def stopped_after(run, units):
    """Restore so many units, and leave the rest as a kill would."""
    steps = run.steps()
    while next(steps).unit < units:
        pass
    steps.close()


ANEW = Settings(
    axes="ZYX", device="cpu", iterations=1, noise=5, share="none", at_once=1, refinement=0
)


@pytest.fixture
def older(tmp_path):
    path = tmp_path / "out.ome.zarr"
    write_image(path, StoredImage(np.full((6, 24, 28), 7, np.uint16), "ZYX"))
    return path


def test_an_older_result_stays_until_the_new_one_is_whole(stack, older):
    run = open_run(stack, older, ANEW, overwrite=True)
    before = chunks(older)
    stopped_after(run, 3)
    assert chunks(older) == before
    assert f"{older} is unchanged; --resume continues" in run.left()
    run.close()
    assert existing_output(older) == "an unfinished run"
    again = open_run(stack, older, ANEW, resume=True)
    assert "3 of 6 parts are complete already" in again.notes[-1]
    result = finished(again.steps())
    assert (np.asarray(result.image[:]) != 7).any()
    np.testing.assert_array_equal(read_image(older).image, result.image)
    again.close()
    assert [file.name for file in older.parent.iterdir()] == [older.name]


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_kill_while_it_takes_its_place_loses_neither(stack, older, monkeypatch, renamed):
    run = open_run(stack, older, ANEW, overwrite=True)
    rename, count = Path.rename, [0]

    def killed(self, target):
        if count[0] == renamed:
            raise KeyboardInterrupt
        count[0] += 1
        return rename(self, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "rename", killed)
        finished(run.steps())
    run.close()
    assert older.exists() == (renamed == 0)
    assert existing_output(older) == "an unfinished run"
    again = open_run(stack, older, ANEW, resume=True)
    assert "6 of 6" in again.notes[-1]
    finished(again.steps())
    again.close()
    assert (np.asarray(read_image(older).image) != 7).any()
    assert [file.name for file in older.parent.iterdir()] == [older.name]


def test_a_new_overwriting_run_replaces_the_remains_of_another(stack, older):
    first = open_run(stack, older, ANEW, overwrite=True)
    stopped_after(first, 2)
    first.close()
    second = open_run(stack, older, ANEW.replace(seed=1), overwrite=True)
    assert not second.output.done()
    finished(second.steps())
    second.close()
    assert read_provenance(older)["seed"] == 1
    assert [file.name for file in older.parent.iterdir()] == [older.name]


def test_image_and_spread_are_replaced_together(stack, older, tmp_path):
    spread = tmp_path / "u.ome.zarr"
    write_image(spread, StoredImage(np.full((6, 24, 28), 7, np.float32), "ZYX"))
    two = ANEW.replace(members=2)
    run = open_run(stack, older, two, uncertainty=spread, overwrite=True)
    stopped_after(run, 2)
    run.close()
    assert (np.asarray(read_image(spread).image) == 7).all()
    again = open_run(stack, older, two, uncertainty=spread, resume=True)
    assert "2 of 6 parts" in again.notes[-1]
    finished(again.steps())
    again.close()
    assert all((np.asarray(read_image(path).image) != 7).any() for path in (older, spread))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.ome.zarr", "u.ome.zarr"]


def test_what_lies_beside_the_image_in_a_zarr_is_not_deleted(stack, older):
    (older / "labels").mkdir()
    (older / "labels" / "cells.txt").write_text("years of work")
    result = call("denoise", stack, older, *QUICK, "--overwrite")
    assert result.exit_code == 2
    assert "labels" in result.stderr
    assert (older / "labels" / "cells.txt").exists()


# ---- what was damaged since --------------------------------------------------------------------


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


@pytest.mark.parametrize("damage", [damage_chunk, lose_chunks, lose_report, cut_report, lose_level])
def test_a_unit_that_was_damaged_since_is_restored_again(stack, undisturbed, tmp_path, damage):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(undisturbed, out)
    damage(out)
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 0, result.output
    assert "5 of 6 parts are complete already" in result.stderr
    assert "1 of 6 parts were damaged or missing" in result.stderr
    assert chunks(out) == chunks(undisturbed)


def test_a_folder_in_the_place_of_a_chunk_is_named(stack, undisturbed, tmp_path):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(undisturbed, out)
    hide_chunk(out)
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 2, result.output
    assert "0/c/3" in result.stderr
    assert "move that file" in result.stderr


def test_smaller_levels_are_made_again_from_the_full_resolution(tmp_path):
    path, out = tmp_path / "in.tif", tmp_path / "out.ome.zarr"
    image = np.random.default_rng(0).poisson(20, (2, 260, 260)).astype(np.uint16)
    write_image(path, StoredImage(image, "ZYX"))
    settings = Settings(axes="ZYX", device="cpu", iterations=1, noise=5, share="none")
    finished(open_run(path, out, settings.replace(refinement=0)).steps())
    before = chunks(out)
    shutil.rmtree(out / "1")
    again = open_run(path, out, settings.replace(refinement=0), resume=True)
    assert "2 of 2 parts" in again.notes[-1]
    assert chunks(out) == before


def test_a_spread_that_was_damaged_is_restored_again(stack, tmp_path):
    out, spread = tmp_path / "out.ome.zarr", tmp_path / "spread.ome.zarr"
    two = (*QUICK, "--members", 2, "--uncertainty", spread, "--refinement", 0)
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
def test_a_damaged_or_foreign_journal_is_refused_in_words(
    stack, undisturbed, tmp_path, change, says
):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(undisturbed, out)
    file = out / ".napari-dip/run.json"
    file.write_text(change(file.read_text()))
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 2
    assert says in result.stderr
    assert "overwrite it" in result.stderr


def test_fields_of_another_version_are_left_out_of_a_report(stack, undisturbed, tmp_path):
    out = tmp_path / "out.ome.zarr"
    shutil.copytree(undisturbed, out)
    for number, change in enumerate(({"mood": "good"}, {"loss": None}, {"iterations": "many"})):
        file = out / f".napari-dip/units/{number:06}.json"
        entry = json.loads(file.read_text())
        entry["report"] |= change
        file.write_text(json.dumps(entry))
    result = call("denoise", stack, out, *QUICK, "--resume")
    assert result.exit_code == 0, result.output
    assert "5 of 6 parts are complete already" in result.stderr
    assert chunks(out) == chunks(undisturbed)


# ---- one run at a time -------------------------------------------------------------------------


HOLD = """
import sys, time
from pathlib import Path
from napari_dip.files.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_two_processes_do_not_write_to_one_output(stack, tmp_path):
    out = tmp_path / "out.ome.zarr"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        refused = call("denoise", stack, out, *QUICK)
        holder.kill()
    assert refused.exit_code == 2
    assert f"is being written by process {holder.pid} on" in refused.stderr
    assert not out.exists()
    # The lock of a process that was killed holds up nobody.
    assert call("denoise", stack, out, *QUICK).exit_code == 0
    assert [file.name for file in tmp_path.iterdir()] == ["out.ome.zarr"]


def test_a_later_run_of_the_same_process_takes_over(stack, tmp_path):
    first = open_run(stack, tmp_path / "out.ome.zarr", ANEW)
    steps = first.steps()
    next(steps)
    second = open_run(stack, tmp_path / "out.ome.zarr", ANEW, resume=True)
    with pytest.raises(NapariDipError, match="another run of this program"):
        list(steps)
    assert len(finished(second.steps()).reports) == 6
