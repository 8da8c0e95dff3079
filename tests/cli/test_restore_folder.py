"""Test the command line with a folder and with a plate."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaozarrs
from example_plate import FIELDS, pixels, write_plate
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.cli.exit_codes import BAD_CALL, FAILED
from napari_dip.cli.restore_folder import _SharedWorkers
from napari_dip.cluster import local_workers

QUICK = ("--network", "none", "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for number, name in enumerate(("a.tif", "b.tif", "c.tif")):
        tifffile.imwrite(folder / name, pixels(number), photometric="minisblack")
    return folder


def test_each_image_is_told_and_failures_are_listed(raw):
    good = (raw / "b.tif").read_bytes()
    (raw / "b.tif").write_bytes(good[:100])
    out = raw.with_name("out")
    first = call("denoise", raw, out, *QUICK)
    assert first.exit_code == FAILED
    assert "2 of 3: b.tif" in first.stderr
    assert "2 restored, 0 done before, 1 failed: b.tif. Run it again" in first.stderr
    (raw / "b.tif").write_bytes(good)
    second = call("denoise", raw, out, *QUICK)
    assert (second.exit_code, second.stdout.count("Wrote")) == (0, 1)
    assert f"1 restored, 2 done before. The results are in {out}." in second.stderr
    third = call("denoise", raw, out, *QUICK, "--seed", 3)
    assert third.exit_code == FAILED
    assert third.stderr.count("pass --overwrite") == 3


def test_files_with_several_images_are_listed(raw):
    with tifffile.TiffWriter(raw / "b.tif") as tif:
        for side in (16, 24):
            tif.write(np.zeros((side, side), np.uint8), photometric="minisblack")
    result = call("denoise", raw, raw.with_name("out"), *QUICK)
    assert "Only the first image is restored of files with several: b.tif." in result.stderr
    chosen = call("denoise", raw, raw.with_name("o"), *QUICK, "--series", 1, "--pattern", "b.tif")
    assert "Only the first" not in chosen.stderr


def test_json_has_the_status_of_each_image(raw):
    call("denoise", raw, raw.with_name("out"), *QUICK, "--pattern", "a.tif")
    (raw / "b.tif").write_bytes(b"")
    result = call("denoise", raw, raw.with_name("out"), *QUICK, "--json")
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["status"] for one in said] == ["skipped", "failed", "restored"]
    names = ("a.tif", "b.tif", "c.tif")
    assert [one["input"]["path"] for one in said] == [str(raw / name) for name in names]
    assert "empty" in said[1]["reason"]


def test_a_plate_becomes_a_plate(tmp_path):
    plate, out = write_plate(tmp_path / "plate.ome.zarr"), tmp_path / "out.ome.zarr"
    result = call("denoise", plate, out, *QUICK, "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    yaozarrs.validate_zarr_store(out)


def test_fields_are_named_where_the_plate_has_them(tmp_path):
    plate, out = write_plate(tmp_path / "plate.ome.zarr"), tmp_path / "out.ome.zarr"
    text = call("denoise", plate, out, *QUICK).stdout
    assert [line.split(": ")[0] for line in text.splitlines()] == [
        f"Wrote {out / field}" for field in FIELDS
    ]
    said = call("denoise", plate, out, *QUICK, "--overwrite", "--json").stdout
    places = [Path(json.loads(line)["output"]) for line in said.splitlines()]
    assert places == [out / field for field in FIELDS]
    assert all(place.is_dir() for place in places)


def test_missing_and_damaged_fields_are_told(tmp_path):
    plate, out = write_plate(tmp_path / "plate.ome.zarr"), tmp_path / "out.ome.zarr"
    for lost in ("A/1/0", "B/2/1/full"):
        shutil.rmtree(plate / lost)
    result = call("denoise", plate, out, *QUICK)
    assert result.exit_code == FAILED
    assert "lists A/1/0, but does not hold it: its result leaves it out" in result.stderr
    assert "1 failed: B/2/1" in result.stderr
    assert "move a damaged one out of" in result.stderr
    shutil.rmtree(plate / "B/2/1")
    assert call("denoise", plate, out, *QUICK).exit_code == 0
    yaozarrs.validate_zarr_store(out)


def test_wrong_outputs_of_a_folder_are_refused(raw, tmp_path):
    plate = write_plate(tmp_path / "plate.ome.zarr")
    for arguments, says in (
        ((plate, tmp_path / "out"), "the result of a plate is a plate"),
        ((raw, raw / "a.tif"), "the input"),
        ((raw, tmp_path / "out", "--uncertainty", tmp_path / "u.tif"), "--uncertainty names one"),
    ):
        result = call("denoise", *arguments, *QUICK)
        assert result.exit_code == BAD_CALL
        assert says in result.stderr


def test_a_pattern_chooses_images(raw):
    out = raw.with_name("out")
    assert call("denoise", raw, out, *QUICK, "--pattern", "[ab].tif").exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.ome.tif", "b.ome.tif"]
    refused = call("denoise", raw / "a.tif", raw / "o.tif", *QUICK, "--pattern", "*.tif")
    assert refused.exit_code == BAD_CALL
    assert "a.tif is no folder; leave it out" in refused.stderr


@pytest.fixture
def started(monkeypatch):
    """Return the numbers of workers that were started."""
    starts, start = [], local_workers.start_local_workers

    def counted(count, device):
        starts.append(count)
        return start(count, device)

    monkeypatch.setattr(local_workers, "start_local_workers", counted)
    return starts


def test_workers_are_started_once_for_a_folder(raw, started):
    out = raw.with_name("out")
    fitted = ("--iterations", "1", "--refinement", "0", "--device", "cpu", "--workers", "1")
    assert call("denoise", raw, out, *fitted).exit_code == 0
    assert started == [1]
    assert len([*out.iterdir()]) == 3
    assert call("denoise", raw, out, *fitted).exit_code == 0
    assert started == [1]  # nothing was left to do


def test_workers_that_do_not_start_end_the_run(raw):
    result = call("denoise", raw, raw.with_name("out"), *QUICK, "--workers", 10_000)
    assert result.exit_code == BAD_CALL
    assert result.stderr.count("--workers 10000: give a number") == 1


def test_lost_workers_are_started_again():
    class Pool:
        alive = True

    pools = []

    @contextmanager
    def start():
        pools.append(Pool())
        yield pools[-1]
        pools[-1].alive = False

    with _SharedWorkers(start) as workers:
        for lost in (False, True, False):
            with workers.borrow() as pool:
                assert pool is pools[-1]
                pool.alive = not lost
    assert len(pools) == 2
    assert not pools[-1].alive


def test_an_image_in_zarr_is_no_folder(tmp_path):
    plate = write_plate(tmp_path / "plate.ome.zarr")
    out = tmp_path / "field.ome.tif"
    assert call("denoise", plate / "A/1/0", out, *QUICK, "--pyramid").exit_code == 0
    assert np.shape(tifffile.imread(out)) == (24, 28)
