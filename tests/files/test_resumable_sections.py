"""Test super-resolution along Z on disk: sections, planes, and runs that resume."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_dip import Settings, SuperResolve, super_resolve
from napari_dip.errors import NapariDipError
from napari_dip.files import resumable_sections
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, read_image, write_image
from napari_dip.files.resumable_zarr import ResumableZarr
from napari_dip.generators import finished
from napari_dip.image import row_bands as bands

QUICK = {"iterations": 2, "stopping": "fixed", "device": "cpu", "window": 3}
SETTINGS = Settings(task=SuperResolve(factor=2, axis="Z"), axes="ZYX", **QUICK)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "stack.ome.zarr"
    values = np.random.default_rng(0).poisson(50, (5, 17, 12)).astype(np.uint16)
    write_image(path, StoredImage(values, "ZYX", {"Z": 4.0, "Y": 0.8, "X": 0.8}))
    return path


@pytest.fixture(scope="module")
def uninterrupted(stack, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "out.ome.zarr"
    finished(open_run(stack, path, SETTINGS).steps())
    return path


def content(folder):
    """Return the content of all chunks, without metadata and hidden files."""
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json" and ".napari-dip" not in file.parts
    }


def test_sections_give_the_image_computed_in_memory(stack, uninterrupted):
    image, asked = np.asarray(read_image(stack).image), {"voxel": (4, 0.8, 0.8), **QUICK}
    whole = super_resolve(image, 2, axis="Z", axes="ZYX", **asked)
    grown = read_image(uninterrupted)
    assert grown.notes == ()
    assert grown.pixel_size["Z"] == 2.0
    np.testing.assert_array_equal(np.asarray(grown.image), whole)
    hidden = (uninterrupted / ".napari-dip" / "sections").rglob("*")
    chunks = ["c" in file.parts for file in hidden if file.is_file()]
    assert not any(chunks)  # the sections are deleted


def test_interrupted_run_resumes_to_identical_files(stack, uninterrupted, tmp_path, monkeypatch):
    three_planes = 3 * 17 * 12 * 2  # bytes
    monkeypatch.setattr(resumable_sections, "MAX_GROUP_BYTES", three_planes)
    out = tmp_path / "out.ome.zarr"
    begun = open_run(stack, out, SETTINGS)
    steps = begun.steps()
    while next(steps).unit < 3:
        pass
    steps.close()
    assert begun.describe_unfinished() == f"3 of 6 parts are in {out}; --resume continues"

    commit, turned = ResumableZarr.commit, []

    def refuse_the_third(self, key, index, values, report):
        if self.path == out:
            turned.append(key)
        if len(turned) == 3:
            raise NapariDipError("the disk is full")
        commit(self, key, index, values, report)

    with monkeypatch.context() as patched:
        patched.setattr(ResumableZarr, "commit", refuse_the_third)
        again = open_run(stack, out, SETTINGS, resume=True)
        assert "3 of 6 parts are complete already" in again.notes[-1]
        with pytest.raises(NapariDipError, match="full"):
            finished(again.steps())
    assert "unfinished" in read_image(out).notes[-1]

    last = open_run(stack, out, SETTINGS, resume=True)
    assert "6 of 6" in last.notes[-1]
    assert len(finished(last.steps()).reports) == 6
    assert content(out) == content(uninterrupted)
    once_more = open_run(stack, out, SETTINGS, resume=True)
    assert len(finished(once_more.steps()).reports) == 6
    assert content(out) == content(uninterrupted)


def test_stopped_run_reports_an_empty_image(stack, tmp_path):
    run = open_run(stack, tmp_path / "out.ome.zarr", SETTINGS)
    stopped = finished(run.steps(lambda: True))
    assert stopped.stopped_by_user
    assert "empty until all its sections are complete; --resume" in run.write(stopped)[0]
    assert not np.asarray(stopped.image).any()


def test_run_killed_before_its_first_section_resumes(stack, uninterrupted, tmp_path, monkeypatch):
    out = tmp_path / "out.ome.zarr"
    with monkeypatch.context() as patched:
        patched.setattr(resumable_sections, "_create_sections", lambda _: os.strerror(0))
        with pytest.raises(NapariDipError):
            open_run(stack, out, SETTINGS)
    finished(open_run(stack, out, SETTINGS, resume=True).steps())
    assert content(out) == content(uninterrupted)


@pytest.mark.parametrize(
    ("axes", "shape"), [("YXZ", (9, 8, 3)), ("TZCYX", (2, 3, 2, 9, 8)), ("ZYXS", (3, 9, 8, 3))]
)
def test_sections_become_planes_in_any_axis_order(tmp_path, axes, shape):
    fine = tuple(2 * n if letter == "Z" else n for letter, n in zip(axes, shape, strict=True))
    image = np.random.default_rng(0).integers(0, 99, fine).astype(np.uint8)
    stored = StoredImage(image, axes)
    planes = ResumableZarr.create(tmp_path / "a.zarr", fine, "uint8", stored, axes, {})
    sink = resumable_sections.ResumableSections(planes)
    leading = [axis for axis, letter in enumerate(axes) if letter in "TCY"]
    for number, place in enumerate(np.ndindex(*(fine[axis] for axis in leading))):
        chosen = dict(zip(leading, place, strict=True))
        index = tuple(chosen.get(axis, slice(None)) for axis in range(len(axes)))
        assert sink.read(str(number), index) is None
        sink.commit(str(number), index, image[index], {})
        np.testing.assert_array_equal(sink.read(str(number), index), image[index])
    sink.finish({})
    write_image(tmp_path / "b.zarr", stored)
    assert content(tmp_path / "a.zarr") == content(tmp_path / "b.zarr")


def test_large_stack_is_read_in_bands(stack, uninterrupted, tmp_path, monkeypatch):
    row = 5 * 12 * 2
    monkeypatch.setattr(bands, "MAX_BAND_BYTES", 6 * row)
    monkeypatch.setattr(bands.BandedArray.__init__, "__defaults__", (6 * row,))
    read = []
    run = open_run(stack, tmp_path / "out.ome.zarr", SETTINGS)
    image = run.problem.observed.image
    assert isinstance(image, bands.BandedArray)
    whole = image._read

    def noted(parts, low, high):
        band = whole(parts, low, high)
        read.append(band[1].nbytes)
        return band

    monkeypatch.setattr(image, "_read", noted)
    finished(run.steps())
    assert max(read) <= 6 * row
    assert len(read) <= 4
    assert content(tmp_path / "out.ome.zarr") == content(uninterrupted)


@pytest.mark.slow
def test_repeatedly_killed_run_gives_identical_files(stack, uninterrupted, tmp_path):
    out = tmp_path / "out.ome.zarr"
    options = "--axis Z --factor 2 --iterations 2 --stopping fixed --device cpu --window 3".split()
    program = "from napari_dip.cli.app import app; app()"
    command = [sys.executable, "-c", program, "super-resolve", str(stack), str(out), *options]
    units = out / ".napari-dip" / "sections" / ".napari-dip" / "units"
    for wanted in (1, 3, 6):
        run = subprocess.Popen([*command, "--resume", "--quiet"])
        deadline = time.monotonic() + 120
        while len([*units.glob("*.json")]) < wanted and time.monotonic() < deadline:
            assert run.poll() is None
            time.sleep(0.001)
        os.kill(run.pid, signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert subprocess.run([*command, "--resume", "--quiet"], check=False).returncode == 0
    assert content(out) == content(uninterrupted)


@pytest.mark.parametrize(
    ("turned", "damaged", "left"),
    [
        (False, None, 9),
        (False, ".napari-dip/sections/0/c/4", 8),
        (False, ".napari-dip/sections/0/zarr.json", 0),
        (False, ".napari-dip/sections/.napari-dip/run.json", 0),
        (False, ".napari-dip/sections", 0),
        (True, None, 9),
        (True, "0/c/2", 0),  # the sections were deleted after they became planes
        (True, ".napari-dip/units", 0),
    ],
)
def test_damaged_sections_and_planes_are_restored_again(tmp_path, turned, damaged, left):
    image = np.random.default_rng(0).integers(0, 99, (4, 9, 8)).astype(np.uint8)
    out, stored = tmp_path / "a.zarr", StoredImage(image, "ZYX")
    planes = ResumableZarr.create(out, image.shape, "uint8", stored, "ZYX", {})
    sink = resumable_sections.ResumableSections(planes)
    for row in range(9):
        sink.commit(str(row), (slice(None), row), image[:, row], {})
    if turned:
        sink.finish({})
    if damaged:
        place = out / damaged
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    again = resumable_sections.ResumableSections.reopen(ResumableZarr.reopen(out, {}))
    assert len(again.done) == left
    for row in range(9):
        if str(row) not in again.done:
            again.commit(str(row), (slice(None), row), image[:, row], {})
    again.finish({})
    np.testing.assert_array_equal(np.asarray(read_image(out).image), image)
