"""Test stacks of many planes: few files, each unit committed once, and nothing lost by kills."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import dask.array
import napari_ome_zarr
import numpy as np
import pytest
import yaozarrs
import zarr
from example_files import values
from example_zarr import RECORD, calibrated, make
from ngff_zarr import from_ngff_zarr

from napari_dip.errors import NapariDipError
from napari_dip.files import journal, pyramid_layout, shard_level, shard_staging
from napari_dip.files.image_io import StoredImage, read_image, write_image
from napari_dip.files.resumable_zarr import ResumableZarr

PLANES = 40


@pytest.fixture(autouse=True)
def shards_of_few_planes(monkeypatch):
    monkeypatch.setattr(pyramid_layout, "MAX_PLAIN_CHUNKS", 8)
    monkeypatch.setattr(journal, "MAX_SINGLE_RECORDS", 8)
    monkeypatch.setattr(shard_staging, "FIRST_PACKED_PLANES", 2)


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:ngff_zarr")

COMMIT_IN_A_LOOP = """
import sys, numpy as np
from napari_dip.errors import NapariDipError
from napari_dip.files import pyramid_layout
from napari_dip.files.resumable_zarr import ResumableZarr
image = np.random.default_rng(0).integers(0, 100, (100, 24, 20)).astype("uint16")
sink = ResumableZarr.reopen(sys.argv[1], {})
print("ready", flush=True)
for number in range(100):
    if f"{number:03}" not in sink.done:
        sink.commit(f"{number:03}", (number,), image[number], {})
        sink.collect((number,))
"""


def fill(sink, image, numbers=None, *, collect=True):
    for number in range(len(image)) if numbers is None else numbers:
        sink.commit(f"{number:03}", (number,), image[number], {"iterations": number})
        if collect:
            sink.collect((number,))


def files(path, *, hidden=True):
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and (hidden or ".napari-dip" not in file.parts)
    }


def test_many_planes_are_few_files(tmp_path):
    image = values((PLANES, 24, 20))
    path = tmp_path / "a.ome.zarr"
    sink = make(path, image, "TYX")
    fill(sink, image)
    np.testing.assert_array_equal(sink.array, image)
    sink.finish({})
    assert len(files(path, hidden=False)) == 3  # two of metadata
    assert len(files(path)) < 10
    assert sink.done.keys() == {f"{number:03}" for number in range(PLANES)}
    np.testing.assert_array_equal(sink.array, image)
    write_image(tmp_path / "b.ome.zarr", StoredImage(image, "TYX", {"T": 2.0}, {"T": "s"}))
    assert files(path / "0") == files(tmp_path / "b.ome.zarr" / "0")
    assert not (tmp_path / "b.ome.zarr" / ".napari-dip").exists()


def test_other_programs_read_shards_across_planes(tmp_path):
    image = values((3, 2, 4, 270, 260))
    path = tmp_path / "a.ome.zarr"
    write_image(path, StoredImage(image, "TCZYX", {"Z": 0.5, "Y": 0.1, "X": 0.1}))
    assert len(files(path)) == 5
    np.testing.assert_array_equal(zarr.open_array(path / "0")[:], image)
    np.testing.assert_array_equal(dask.array.from_zarr(path / "0").compute(), image)
    np.testing.assert_array_equal(read_image(path).image[2, 1, 3], image[2, 1, 3])
    yaozarrs.validate_zarr_store(path)
    np.testing.assert_array_equal(from_ngff_zarr(path).images[0].data, image)
    reader = napari_ome_zarr.napari_get_reader(str(path))
    data, *_ = reader(str(path))[0]
    np.testing.assert_array_equal(np.asarray(data[0]), image)
    assert data[1].shape[-2:] == (135, 130)


@pytest.mark.parametrize("axes", ["ZTCYX", "TYXS", "CTZYX"])
def test_units_may_cover_parts_of_several_shards(tmp_path, monkeypatch, axes):
    monkeypatch.setattr(pyramid_layout, "MAX_SHARD_BYTES", 5 * 20 * 24 * 2)
    sizes = {"T": 6, "C": 2, "Z": 7, "Y": 20, "X": 24, "S": 3}
    shape = tuple(sizes[letter] * (5 if axes == "TYXS" and letter == "T" else 1) for letter in axes)
    image = values(shape)
    sink = make(tmp_path / "a.zarr", image, axes)
    assert max(zarr.open_array(tmp_path / "a.zarr/0").shards[:-2]) > 1
    number = 0
    for first in range(shape[0]):
        for low in range(0, shape[1], 2) if "S" not in axes else [0]:
            index = (first,) if "S" in axes else (first, slice(low, low + 2))
            sink.commit(f"{number:03}", index, image[index], {})
            sink.collect(index)
            number += 1
    np.testing.assert_array_equal(sink.axis_order.to_given_order(np.asarray(sink.array)), image)
    sink.finish({})
    write_image(tmp_path / "b.zarr", StoredImage(image, axes))
    assert files(tmp_path / "a.zarr/0") == files(tmp_path / "b.zarr/0")
    shards = sum("/c/" in f"/{name}" for name in files(tmp_path / "a.zarr/0"))
    assert shards <= np.prod(shape) // (5 * 20 * 24) * 2


def test_killed_commits_give_identical_shards(tmp_path):
    image = np.random.default_rng(0).integers(0, 100, (100, 24, 20)).astype("uint16")
    paths = [tmp_path / "killed.zarr", tmp_path / "uninterrupted.zarr"]
    for path in paths:
        ResumableZarr.create(path, image.shape, "uint16", calibrated("TYX"), "TYX", {})
    random = np.random.default_rng(1)
    done = [0]
    for _ in range(4):
        command = [sys.executable, "-c", COMMIT_IN_A_LOOP, str(paths[0])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0.05, 0.2))
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        sink = ResumableZarr.reopen(paths[0], {})
        assert sink.redone == 0
        done.append(len(sink.done))
        for number in map(int, sink.done):
            np.testing.assert_array_equal(sink.array[number], image[number])
    assert done == sorted(done)
    assert 0 < done[-1]
    for sink in (ResumableZarr.reopen(path, {}) for path in paths):
        fill(sink, image, [n for n in range(100) if f"{n:03}" not in sink.done])
        sink.finish({})
    assert files(paths[0] / "0") == files(paths[1] / "0")


@pytest.mark.parametrize("moment", ["before the shard", "before the chunks are deleted"])
def test_kill_while_a_shard_is_written_loses_nothing(tmp_path, monkeypatch, moment):
    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    image = values((PLANES, 20, 24))
    path = tmp_path / "a.zarr"
    sink = make(path, image, "TYX")
    fill(sink, image, range(20))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        if moment == "before the shard":
            patched.setattr(shard_level, "write_shard", kill)
        else:
            patched.setattr(shard_level.Level, "delete_staged", kill)
        fill(sink, image, range(20, PLANES))
    again = ResumableZarr.reopen(path, RECORD)
    assert again.redone == 0
    assert len(again.done) > 20
    fill(again, image, [n for n in range(PLANES) if not again.has(f"{n:03}")])
    again.finish({})
    np.testing.assert_array_equal(zarr.open_array(path / "0")[:], image)


def test_incomplete_shard_shows_planes_to_other_programs(tmp_path):
    image = values((PLANES, 20, 24)) + 1
    path = tmp_path / "a.zarr"
    sink = make(path, image, "TYX")
    fill(sink, image, [0])
    assert not zarr.open_array(path / "0")[:].any()
    fill(sink, image, range(1, 12))
    seen = zarr.open_array(path / "0")[:].any((1, 2))
    assert 6 <= seen.sum() < 12
    np.testing.assert_array_equal(sink.array[:12], image[:12])
    unfinished = read_image(path)  # napari-dip sees the latest planes too, after a kill
    np.testing.assert_array_equal(unfinished.image[:12], image[:12])
    assert not unfinished.image[12:].any()
    assert "unfinished" in unfinished.notes[-1]
    pickle.loads(pickle.dumps(unfinished.image))[3]
    sink.stop({})
    np.testing.assert_array_equal(zarr.open_array(path / "0")[:12], image[:12])
    again = ResumableZarr.reopen(path, RECORD)
    assert (len(again.done), again.redone) == (12, 0)
    fill(again, image, range(12, PLANES))
    again.finish({})
    np.testing.assert_array_equal(zarr.open_array(path / "0")[:], image)


def test_shards_are_rewritten_only_when_doubled(tmp_path, monkeypatch):
    written = []
    write = shard_level.write_shard

    def counted(path, chunks):
        write(path, chunks)
        written.append(path.stat().st_size)

    monkeypatch.setattr(shard_level, "write_shard", counted)
    image = values((PLANES, 24, 20))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(sink, image)
    sink.finish({})
    assert len(written) <= 7
    assert sum(written) < 3 * written[-1]


def test_workers_commit_and_one_process_collects(tmp_path):
    image = values((PLANES, 24, 20))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(alone := make(tmp_path / "b.zarr", image, "TYX"), image)
    alone.finish({})
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        tasks = [
            pool.submit(sink.commit, f"{n:03}", (n,), image[n], {"iterations": n})
            for n in reversed(range(PLANES))
        ]
        for number, task in zip(reversed(range(PLANES)), tasks, strict=True):
            task.result()
            sink.collect((number,))
    sink.finish({})
    assert sink.done == alone.done
    assert files(tmp_path / "a.zarr/0") == files(tmp_path / "b.zarr/0")


@pytest.mark.parametrize("damage", ["chunk", "index", "absent", "smaller"])
def test_damaged_shard_costs_its_damaged_units(tmp_path, damage):
    image = values((12, 270, 260))
    path, whole = tmp_path / "a.zarr", tmp_path / "b.zarr"
    for place in (path, whole):
        fill(sink := make(place, image, "TYX"), image, collect=False)
        sink.finish({})
    shard = path / ("1" if damage == "smaller" else "0") / "c/0/0/0"
    content = bytearray(shard.read_bytes())
    content[1000 if damage == "chunk" else -30] ^= 255
    shard.write_bytes(content) if damage != "absent" else shard.unlink()
    again = ResumableZarr.reopen(path, RECORD)
    assert again.redone == {"chunk": 1, "index": 12, "absent": 12, "smaller": 0}[damage]
    fill(again, image, [n for n in range(12) if not again.has(f"{n:03}")])
    again.finish({})
    assert files(path, hidden=False) == files(whole, hidden=False)


def test_lost_plain_chunk_is_reported(tmp_path):
    image = values((PLANES, 20, 24))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(sink, image, range(1))
    (tmp_path / "a.zarr/.napari-dip/staged/0/c.0.0.0").unlink()
    with pytest.raises(NapariDipError, match=r"chunk \(0, 0, 0\).*lost.*--resume"):
        fill(sink, image, range(1, PLANES))
    again = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert again.redone == 1
    assert not again.has("000")


def test_full_disk_while_packing_keeps_all_units(tmp_path, monkeypatch):
    image = values((PLANES, 20, 24))
    sink = make(tmp_path / "a.zarr", image, "TYX")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shard_level, "write_shard", full)
        with pytest.raises(NapariDipError, match=r"No space left.*then resume"):
            fill(sink, image)
    again = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert again.redone == 0
    fill(again, image, [n for n in range(PLANES) if not again.has(f"{n:03}")])
    again.finish({})
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a.zarr/0")[:], image)
