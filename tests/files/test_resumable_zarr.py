"""OME-Zarr out: it obeys the specification, and no kill costs more than the unit in work."""

from __future__ import annotations

import json
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

from napari_dip.errors import BadImage, BadSettings, FileProblem, NapariDipError, OutputExists
from napari_dip.files import pyramid_arrays
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.files.pyramid_layout import downsample, level_shapes
from napari_dip.files.resumable_zarr import ResumableZarr

RECORD = {"settings": {"seed": 0, "task": {"kind": "denoise"}}, "input": "blake2b:00"}
SIZES = {"T": 2.0, "Z": 0.5, "Y": 0.25, "X": 0.25}
UNITS = {"T": "s", "Z": "µm", "Y": "µm", "X": "µm"}


def values(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    random = np.random.default_rng(0).integers(0, 100, shape)
    return random > 50 if dtype == "bool" else random.astype(dtype)


def calibrated(axes: str) -> StoredImage:
    sizes = {axis: size for axis, size in SIZES.items() if axis in axes}
    return StoredImage(
        np.zeros([1] * len(axes)), axes, sizes, {axis: UNITS[axis] for axis in sizes}
    )


def make(path: Path, image: np.ndarray, axes: str, **options) -> ResumableZarr:
    sink = ResumableZarr.create(
        path, image.shape, image.dtype, calibrated(axes), axes, RECORD, **options
    )
    return sink


def fill(sink: ResumableZarr, image: np.ndarray, keys=None) -> None:
    for number in range(len(image)) if keys is None else keys:
        sink.commit(f"{number:03}", (number,), image[number], {"iterations": number})


def chunk_files(path: Path) -> dict[str, bytes]:
    """Everything but the journal."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and ".napari-dip" not in file.parts
    }


def said(path: Path) -> dict:
    return dict(zarr.open_group(path, mode="r").attrs)


# ---- the specification -----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("YX", (20, 24)),
        ("TYX", (2, 20, 24)),
        ("QYX", (2, 20, 24)),
        ("TCZYX", (2, 3, 2, 20, 24)),
        ("ZCYX", (2, 3, 20, 24)),
        ("TYXS", (2, 20, 24, 3)),
        ("CYX", (2, 520, 530)),
    ],
)
def test_it_obeys_the_specification(tmp_path, version, axes, shape):
    image = values(shape, "uint8")
    sink = make(tmp_path / "a.zarr", image, axes, version=version)
    if axes == "YX":
        sink.commit("0", (), image, {})
    else:
        fill(sink, image)
    sink.finish({"seed": 0})
    attributes = said(tmp_path / "a.zarr")
    holder = attributes["ome"] if version == "0.5" else attributes
    checked = yaozarrs.validate_ome_object(
        {key: holder[key] for key in ("version", "multiscales", "omero") if key in holder}
    )
    assert len(checked.multiscales) == 1
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert group.metadata.zarr_format == (3 if version == "0.5" else 2)
    names = [axis["name"] for axis in holder["multiscales"][0]["axes"]]
    for dataset, expected in zip(
        holder["multiscales"][0]["datasets"],
        level_shapes(sink.array.shape),
        strict=True,
    ):
        array = group[dataset["path"]]
        assert array.shape == expected
        assert set(array.chunks[:-2]) <= {1}
        if version == "0.5":
            assert array.metadata.dimension_names == tuple(names)
        else:
            assert array.metadata.dimension_separator == "/"
    back = read_image(tmp_path / "a.zarr")
    order = [axes.index(letter) for letter in back.axes.replace("C", "S" if "S" in axes else "C")]
    np.testing.assert_array_equal(back.image, image.transpose(order))


def test_units_are_spelled_as_ome_zarr_spells_them(tmp_path):
    make(tmp_path / "a.zarr", values((2, 3, 20, 24)), "TZYX")
    axes = said(tmp_path / "a.zarr")["ome"]["multiscales"][0]["axes"]
    assert axes == [
        {"name": "t", "type": "time", "unit": "second"},
        *({"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"),
    ]


def test_each_level_says_how_large_its_pixels_are_and_where_the_first_one_lies(tmp_path):
    make(tmp_path / "a.zarr", values((2, 600, 700)), "ZYX")
    levels_said = said(tmp_path / "a.zarr")["ome"]["multiscales"][0]["datasets"]
    steps = [level["coordinateTransformations"] for level in levels_said]
    assert [step[0]["scale"] for step in steps] == [
        [0.5, 0.25, 0.25],
        [0.5, 0.5, 0.5],
        [0.5, 1.0, 1.0],
    ]
    # Of pixels 0 and 1 of size a quarter the mean lies an eighth beside the first.
    assert [step[1]["translation"] for step in steps[1:]] == [[0, 0.125, 0.125], [0, 0.375, 0.375]]


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_become_channels_that_say_their_colour(tmp_path, samples):
    image = values((20, 24, samples), "uint8")
    write_image(tmp_path / "a.zarr", StoredImage(image, "YXS"))
    channels = said(tmp_path / "a.zarr")["ome"]["omero"]["channels"]
    names = ["red", "green", "blue", "alpha"][:samples]
    assert [channel["label"] for channel in channels] == names
    assert read_image(tmp_path / "a.zarr").axes == "CYX"


@pytest.mark.parametrize("axes", ["QQYX", "CQYX", "CYXS", "ZYXX"])
def test_axes_that_ome_zarr_has_no_room_for_are_refused(tmp_path, axes):
    with pytest.raises(FileProblem, match=f"{axes}.*--axes"):
        make(tmp_path / "a.zarr", values((3, 3, 20, 24)), axes)
    assert not any(tmp_path.iterdir())


# ---- the pyramid -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", "bool", "int64"])
def test_halving_keeps_the_dtype_and_the_mean(dtype):
    image = values((3, 7, 9), dtype)
    small = downsample(image)
    assert (small.shape, small.dtype) == ((3, 4, 5), image.dtype)
    if dtype == "int64":
        np.testing.assert_array_equal(small, image[:, ::2, ::2])
    else:
        mean = image[:, :2, :2].astype(float).mean((1, 2))
        np.testing.assert_allclose(small[:, 0, 0].astype(float), mean, atol=0.51)


def test_levels_are_those_of_the_whole_image(tmp_path):
    image = values((2, 515, 600))
    sink = make(tmp_path / "a.zarr", image, "TYX")
    fill(sink, image, [1, 0])
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["1"][:], downsample(image))
    np.testing.assert_array_equal(group["2"][:], downsample(downsample(image)))


# ---- units -----------------------------------------------------------------------------------


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
def test_a_unit_that_does_not_fit_is_refused(tmp_path, index, shape, dtype, says):
    sink = make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    with pytest.raises(BadImage, match=says):
        sink.commit("0", index, np.zeros(shape, dtype), {})
    assert not sink.done


def test_several_processes_may_commit_at_once(tmp_path):
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


def test_a_sink_travels_to_a_worker_by_its_path(tmp_path):
    sink = make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    assert len(pickle.dumps(sink)) < 1000
    assert pickle.loads(pickle.dumps(sink)).path == sink.path


# ---- going on --------------------------------------------------------------------------------


def test_what_was_committed_is_known_when_it_is_opened_again(tmp_path):
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


def test_another_run_is_refused_and_told_what_differs(tmp_path):
    make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    other = {"settings": {"seed": 1, "task": {"kind": "denoise"}}, "input": "x", "mask": None}
    with pytest.raises(BadSettings) as refused:
        ResumableZarr.reopen(tmp_path / "a.zarr", other)
    for entry in (
        "settings.seed: 0 there, 1 here",
        "input: blake2b:00 there, x here",
        "mask: nothing there, null here",
    ):
        assert entry in str(refused.value)
    assert "kind" not in str(refused.value)


@pytest.mark.parametrize("what", ["absent", "empty", "of others"])
def test_what_was_not_begun_here_is_not_gone_on_with(tmp_path, what):
    if what == "empty":
        (tmp_path / "a.zarr").mkdir()
    elif what == "of others":
        zarr.create_array(tmp_path / "a.zarr", data=values((20, 24)))
    with pytest.raises(FileProblem, match=r"a\.zarr was not written by napari-dip"):
        ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)


def test_reopening_forgets_units_with_lost_values(tmp_path):
    image = values((4, 20, 24))
    fill(make(tmp_path / "a.zarr", image, "TYX"), image)
    (tmp_path / "a.zarr" / "0/c/1/0/0").unlink()
    (tmp_path / "a.zarr" / "0/c/2/0/0").write_bytes(b"")
    sink = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert sink.redone == 2
    assert [*sink.done] == ["000", "003"]


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


def test_after_kills_at_any_moment_the_same_files_come_about(tmp_path):
    image = values((40, 300, 280))
    paths = [tmp_path / "killed.zarr", tmp_path / "undisturbed.zarr"]
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
        if kill == 1:  # what a kill in mid-write leaves
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


# ---- what can go wrong -----------------------------------------------------------------------


def test_a_full_disk_is_told_and_what_was_committed_stays(tmp_path, monkeypatch):
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
            fill(sink, image, [1])  # done before, but not any more
    again = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert [*again.done] == ["000"]
    np.testing.assert_array_equal(again.array[0], image[0])


def test_an_existing_zarr_is_replaced_only_on_request(tmp_path):
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


def test_a_folder_that_is_no_zarr_is_never_replaced(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.txt").write_text("years")
    with pytest.raises(FileProblem, match="is not a zarr"):
        make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX", overwrite=True)
    with pytest.raises(FileProblem, match="is not a zarr"):
        write_image(tmp_path / "a.zarr", calibrated("YX"), overwrite=True)
    assert (tmp_path / "a.zarr" / "thesis.txt").read_text() == "years"


def test_a_sink_that_was_damaged_is_refused(tmp_path):
    for number, damage in enumerate(("0", "zarr.json", "0/zarr.json")):
        path = tmp_path / f"{number}.zarr"
        make(path, values((3, 20, 24)), "TYX")
        if damage == "0":
            shutil.rmtree(path / damage)
        else:
            (path / damage).write_text('{"zarr_format": 3')
        with pytest.raises(FileProblem, match=f"{number}.zarr is damaged"):
            ResumableZarr(path)


def test_a_failed_write_leaves_nothing_under_the_name(tmp_path, monkeypatch):
    async def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zarr.storage.LocalStore, "set", full)
    with pytest.raises(NapariDipError, match=r"a\.zarr could not be written: No space left"):
        write_image(tmp_path / "a.zarr", StoredImage(values((20, 24)), "YX"))
    assert not any(tmp_path.iterdir())


def test_a_folder_above_that_is_missing_is_not_made(tmp_path):
    with pytest.raises(FileProblem, match="does not exist; create it first"):
        make(tmp_path / "absent" / "a.zarr", values((3, 20, 24)), "TYX")
    assert not (tmp_path / "absent").exists()


# ---- in one go -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float16", "float32", "float64"])
def test_an_image_is_written_and_read_back(tmp_path, version, dtype):
    image = values((3, 20, 24), dtype)
    stored = StoredImage(
        image,
        "ZYX",
        {"Z": 0.5, "Y": 0.13, "X": 0.13},
        dict.fromkeys("ZYX", "µm"),
        {"ngff": {"version": version}},
        translate={"Y": 3.0},
    )
    write_image(tmp_path / "a.ome.zarr", stored, provenance={"seed": 3})
    back = read_image(tmp_path / "a.ome.zarr")
    assert back.image.dtype == image.dtype
    np.testing.assert_array_equal(back.image, image)
    assert (back.axes, back.unit) == ("ZYX", stored.unit)
    assert (back.pixel_size, back.translate) == (stored.pixel_size, stored.translate)
    assert back.extras["ngff"]["version"] == version
    assert read_provenance(tmp_path / "a.ome.zarr") == {"seed": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["a.ome.zarr"]
    assert not (tmp_path / "a.ome.zarr" / ".napari-dip").exists()


def test_an_image_of_which_nothing_is_known_stays_so(tmp_path):
    write_image(tmp_path / "a.zarr", StoredImage(values((20, 24)), "YX"))
    back = read_image(tmp_path / "a.zarr")
    assert not (back.pixel_size or back.unit or back.translate)


def test_super_resolution_covers_the_same_area(tmp_path):
    coarse = StoredImage(
        values((20, 24)), "YX", {"Y": 0.4, "X": 0.4}, {"Y": "µm", "X": "µm"}, translate={"X": 10.0}
    )
    fine = coarse.with_image(values((80, 96)), "YX", {"Y": 4, "X": 4})
    write_image(tmp_path / "a.zarr", fine)
    back = read_image(tmp_path / "a.zarr")
    assert dict(back.pixel_size) == pytest.approx({"Y": 0.1, "X": 0.1})
    assert dict(back.translate) == pytest.approx({"Y": -0.15, "X": 9.85})
    for axis, pixels in (("Y", 20), ("X", 24)):
        edges = [
            (
                one.translate.get(axis, 0) - one.pixel_size[axis] / 2,
                one.translate.get(axis, 0) + one.pixel_size[axis] * (count - 0.5),
            )
            for one, count in ((coarse, pixels), (back, 4 * pixels))
        ]
        assert edges[0] == pytest.approx(edges[1])


def test_the_journal_is_json_that_others_can_read(tmp_path):
    image = values((2, 20, 24))
    fill(make(tmp_path / "a.zarr", image, "TYX"), image, [1])
    entry = json.loads((tmp_path / "a.zarr/.napari-dip/units/001.json").read_text())
    assert entry["region"] == [[1, 2], [0, 20], [0, 24]]
    assert entry["report"] == {"iterations": 1}
