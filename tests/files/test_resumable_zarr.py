"""Test that an OME-Zarr is written unit by unit, and that kills lose no unit."""

from __future__ import annotations

import pickle
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import yaozarrs
import zarr
from example_files import values
from example_zarr import RECORD, calibrated, fill, make

from napari_dip.errors import BadImage, FileProblem, NapariDipError, OutputExists
from napari_dip.files import pyramid_arrays
from napari_dip.files.image_io import read_image, read_provenance
from napari_dip.files.resumable_zarr import ResumableZarr


def chunk_files(path: Path) -> dict[str, bytes]:
    """Return the content of all files, without the journal."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and ".napari-dip" not in file.parts
    }


COMMIT_IN_A_LOOP = """
import sys, numpy as np
from napari_dip.files.resumable_zarr import ResumableZarr
image = np.random.default_rng(0).integers(0, 100, (40, 300, 280)).astype("uint16")
sink = ResumableZarr.reopen(sys.argv[1], {})
print("ready", flush=True)
for number in range(40):
    if f"{number:03}" not in sink.done:
        sink.commit(f"{number:03}", (number,), image[number], {})
"""


def test_units_may_be_volumes_and_channels(tmp_path):
    image = values((2, 3, 4, 20, 24))
    sink = make(tmp_path / "a.zarr", image, "ZTCYX")
    for t, c in np.ndindex(3, 4):
        sink.commit(f"{t},{c}", (slice(None), t, c), image[:, t, c], {})
    assert sink.axes == "TCZYX"
    np.testing.assert_array_equal(sink.array, image.transpose(1, 2, 0, 3, 4))
    assert len(sink.done) == 12


@pytest.mark.parametrize(
    ("index", "shape", "dtype", "says"),
    [
        ((0,), (20, 25), "uint16", r"shape \(20, 25\).*needs shape \(20, 24\)"),
        ((0,), (20, 24), "float32", "float32.*uint16"),
        ((0, slice(0, 10)), (10, 24), "uint16", "whole planes"),
    ],
)
def test_unit_of_wrong_shape_is_refused(tmp_path, index, shape, dtype, says):
    sink = make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    with pytest.raises(BadImage, match=says):
        sink.commit("0", index, np.zeros(shape, dtype), {})
    assert not sink.done


def test_processes_may_commit_concurrently(tmp_path):
    image = values((6, 300, 280))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(alone := make(tmp_path / "b.zarr", image, "TYX"), image)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for future in [
            pool.submit(sink.commit, f"{n:03}", (n,), image[n], {"iterations": n}) for n in range(6)
        ]:
            future.result()
    assert sink.done == alone.done
    assert chunk_files(tmp_path / "a.zarr") == chunk_files(tmp_path / "b.zarr")


def test_pickled_sink_holds_only_its_path(tmp_path):
    sink = make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    assert len(pickle.dumps(sink)) < 1000
    assert pickle.loads(pickle.dumps(sink)).path == sink.path


def test_reopened_sink_knows_committed_units(tmp_path):
    image = values((3, 20, 24))
    fill(make(tmp_path / "a.zarr", image, "TYX"), image, [0, 2])
    sink = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert sink.done == {"000": {"iterations": 0}, "002": {"iterations": 2}}
    assert "unfinished" in read_image(tmp_path / "a.zarr").notes[-1]
    assert read_provenance(tmp_path / "a.zarr") is None
    fill(sink, image, [1])
    sink.finish({"seed": 0, "metric": [float("inf"), 1.0]})
    assert not read_image(tmp_path / "a.zarr").notes
    assert read_provenance(tmp_path / "a.zarr") == {"seed": 0, "metric": [None, 1.0]}
    np.testing.assert_array_equal(ResumableZarr.reopen(tmp_path / "a.zarr", RECORD).array, image)


def test_reopening_forgets_units_with_lost_values(tmp_path):
    image = values((4, 20, 24))
    fill(make(tmp_path / "a.zarr", image, "TYX"), image)
    (tmp_path / "a.zarr" / "0/c/1/0/0").unlink()
    (tmp_path / "a.zarr" / "0/c/2/0/0").write_bytes(b"")
    sink = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert sink.redone == 2
    assert [*sink.done] == ["000", "003"]


def test_killed_commits_give_identical_files(tmp_path):
    image = values((40, 300, 280))
    paths = [tmp_path / "killed.zarr", tmp_path / "uninterrupted.zarr"]
    for path in paths:
        ResumableZarr.create(path, image.shape, "uint16", calibrated("TYX"), "TYX", {})
    random = np.random.default_rng(1)
    done = [0]
    for kill in range(4):
        command = [sys.executable, "-c", COMMIT_IN_A_LOOP, str(paths[0])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0.01, 0.12))
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        if kill == 1:  # files that a kill during a write leaves
            (paths[0] / "0" / "0.abc.partial").write_bytes(b"half")
            (paths[0] / ".napari-dip/units/007.json.1.partial").write_bytes(b"{")
        sink = ResumableZarr.reopen(paths[0], {})
        done.append(len(sink.done))
        for number in map(int, sink.done):
            np.testing.assert_array_equal(sink.array[number], image[number])
        assert not [*paths[0].rglob("*.partial")]
    assert done == sorted(done)
    assert 0 < done[-1]
    for sink in (ResumableZarr.reopen(path, {}) for path in paths):
        fill(sink, image, [n for n in range(40) if f"{n:03}" not in sink.done])
        sink.finish({})
    assert chunk_files(paths[0]) == chunk_files(paths[1])


def test_full_disk_keeps_committed_units(tmp_path, monkeypatch):
    image = values((3, 20, 24))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(sink, image, [0])

    def full(*_):
        raise OSError(28, "No space left on device")

    async def full_for_zarr(*_):
        full()

    with monkeypatch.context() as patch:
        patch.setattr(zarr.storage.LocalStore, "set", full_for_zarr)
        with pytest.raises(NapariDipError, match=r"a\.zarr .*No space left.*then resume"):
            fill(sink, image, [1])
    with monkeypatch.context() as patch:
        patch.setattr(pyramid_arrays, "sync_to_disk", full)
        with pytest.raises(NapariDipError, match="No space left"):
            fill(sink, image, [2])
    fill(sink, image, [1])
    with monkeypatch.context() as patch:
        patch.setattr(pyramid_arrays, "sync_to_disk", full)
        with pytest.raises(NapariDipError, match="No space left"):
            fill(sink, image, [1])  # complete before, incomplete now
    again = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert [*again.done] == ["000"]
    np.testing.assert_array_equal(again.array[0], image[0])


def test_existing_zarr_is_kept_until_finished(tmp_path):
    old, new = values((3, 20, 24)), values((2, 30, 24), "float32")
    fill(make(tmp_path / "a.zarr", old, "TYX"), old)
    with pytest.raises(OutputExists, match="--overwrite"):
        make(tmp_path / "a.zarr", new, "TYX")
    sink = make(tmp_path / "a.zarr", new, "TYX", overwrite=True)
    assert not sink.done
    fill(sink, new)
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr").image, old)
    sink.finish({})
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr").image, new)
    np.testing.assert_array_equal(sink.array, new)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zarr"]


def test_damaged_sink_is_refused(tmp_path):
    for number, damage in enumerate(("0", "zarr.json", "0/zarr.json")):
        path = tmp_path / f"{number}.zarr"
        make(path, values((3, 20, 24)), "TYX")
        if damage == "0":
            shutil.rmtree(path / damage)
        else:
            (path / damage).write_text('{"zarr_format": 3')
        with pytest.raises(FileProblem, match=f"{number}.zarr is damaged"):
            ResumableZarr(path)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_large_planes_are_few_files_and_resumable(tmp_path, monkeypatch, version):
    monkeypatch.setattr("napari_dip.files.pyramid_layout.MAX_CHUNK_SIDE", 64)
    monkeypatch.setattr("napari_dip.files.pyramid_layout.MAX_SHARD_BYTES", 300 * 280 * 2)
    image = values((3, 300, 280), "uint16")
    path = tmp_path / "a.ome.zarr"
    sink = make(path, image, "TYX", version=version)
    fill(sink, image, [0, 2])
    name = "2" if version == "0.4" else "c/2"
    files = [file for file in (path / "0" / name).rglob("*") if file.is_file()]
    assert len(files) == (25 if version == "0.4" else 1)
    again = ResumableZarr.reopen(path, RECORD)
    assert (sorted(again.done), again.redone) == (["000", "002"], 0)
    fill(again, image, [1])
    again.finish({})
    np.testing.assert_array_equal(read_image(path).whole(), image)
    yaozarrs.validate_zarr_store(path)
    if version == "0.5":  # a damaged shard is one plane
        damaged = bytearray(files[0].read_bytes())
        damaged[len(damaged) // 3] ^= 255
        files[0].write_bytes(damaged)
        last = ResumableZarr.reopen(path, RECORD)
        assert (sorted(last.done), last.redone) == (["000", "001"], 1)
