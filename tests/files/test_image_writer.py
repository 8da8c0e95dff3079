"""What is written is settled before the work, and a result is never lost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from typer.testing import CliRunner

from napari_dip.cli.app import app as cli
from napari_dip.cli.demo import CASES, run_demo
from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files import file_run as runs
from napari_dip.files import image_io, write_plan
from napari_dip.files.fallback_save import save_elsewhere
from napari_dip.files.image_io import (
    StoredImage,
    check_output,
    read_image,
    read_provenance,
    write_image,
)
from napari_dip.files.write_plan import empty_copy, plan_write
from napari_dip.image.metadata import Channel

QUICK = ("--iterations", "1", "--device", "cpu", "--stopping", "fixed", "--refinement", "0")


def call(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """An OME-TIFF of three times and two named channels."""
    path = tmp_path_factory.mktemp("in") / "movie.ome.tif"
    values = np.random.default_rng(0).poisson(20, (3, 2, 16, 16)).astype(np.uint16)
    named = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "Zellmembran µ"]}, "PhysicalSizeX": 0.5}
    tifffile.imwrite(path, values, metadata=named | {"PhysicalSizeY": 0.5, "TimeIncrement": 2.0})
    return path


# ---- settled before the work -------------------------------------------------------------------


def test_other_axes_than_the_files_do_not_fail_after_the_work(movie, tmp_path):
    out = tmp_path / "out.ome.tif"
    result = call("denoise", movie, out, "--axes", "CTYX", *QUICK, "--share", "none")
    assert result.exit_code == 0, result.output
    assert read_image(out).image.shape == (3, 2, 16, 16)
    assert read_provenance(out)["axes"] == "CTYX"


@pytest.mark.parametrize("axes", ["CTYX", "ZCYX", "TZYX", "QCYX", "CQYX"])
@pytest.mark.parametrize("suffix", [".ome.tif", ".tif", ".ome.zarr"])
def test_other_axes_than_the_files_are_written_or_refused_at_once(
    movie, tmp_path, monkeypatch, axes, suffix
):
    monkeypatch.setattr(runs, "make_problem", None)  # the work would begin with it
    out, stored = tmp_path / f"out{suffix}", read_image(movie)
    try:
        write_image(out, stored.with_image(stored.image, axes), provenance={"axes": axes})
    except FileProblem:
        result = call("denoise", movie, out, "--axes", axes, *QUICK)
        assert result.exit_code == 2
        assert "axes" in result.stderr
        assert not out.exists()
    else:
        assert sorted(read_image(out).image.shape) == [2, 3, 16, 16]
        assert read_provenance(out)["axes"] == axes


AXES = st.lists(st.sampled_from("TCZQS"), unique=True, max_size=3).map(
    lambda letters: "".join(one for one in letters if one != "S") + "YX" + "S" * ("S" in letters)
)
NUMBERS = st.sampled_from([1e-300, 1e-12, 0.1, 1.0, 7, 1e9, 1e300, float("inf"), -1.0])
WORDS = st.sampled_from(["", "DAPI", "µ-Kanal", "名前", "<&>'\"", "a\x00b", "\ud800", "x" * 300])
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "ome": st.fixed_dictionaries(
            {},
            optional={
                "Description": WORDS,
                "Channel": st.lists(st.fixed_dictionaries({"Name": WORDS}), max_size=4),
            },
        ),
        "imagej": st.fixed_dictionaries(
            {},
            optional={
                "Labels": st.lists(WORDS, max_size=4),
                "Info": WORDS,
                "mode": st.sampled_from(["grayscale", "composite", "odd"]),
                "Ranges": st.just((0.0, 1.0)),
                "LUTs": st.just([np.zeros((3, 256), np.uint8)]),
                "min": NUMBERS,
            },
        ),
        "ngff": st.fixed_dictionaries(
            {},
            optional={
                "name": WORDS,
                "version": st.sampled_from(["0.4", "0.5"]),
                "omero": st.dictionaries(WORDS, WORDS, max_size=2),
            },
        ),
        "png": st.fixed_dictionaries({}, optional={"icc_profile": st.binary(max_size=9)}),
        "tiff": st.fixed_dictionaries(
            {}, optional={"photometric": st.just("miniswhite"), "orientation": st.integers(1, 8)}
        ),
    },
)


@st.composite
def images(draw):
    axes = draw(AXES)
    sides = {"S": st.sampled_from([3, 4]), "Y": st.integers(1, 9), "X": st.integers(1, 9)}
    shape = tuple(draw(sides.get(letter, st.integers(1, 3))) for letter in axes)
    dtype = draw(
        st.sampled_from(
            "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64".split()
        )
    )
    known = draw(st.sets(st.sampled_from(axes.replace("S", "") or "Y")))
    units = st.sampled_from(["µm", "Å", "s", "°", "furlong", "名"])
    return StoredImage(
        np.arange(np.prod(shape), dtype=np.int64).reshape(shape).astype(dtype),
        axes,
        {letter: draw(NUMBERS) for letter in known},
        {letter: draw(units) for letter in draw(st.sets(st.sampled_from(axes)))},
        draw(EXTRAS),
        translate={letter: draw(NUMBERS) for letter in draw(st.sets(st.sampled_from(axes)))},
        channels=tuple(draw(st.lists(st.builds(Channel, WORDS, st.just("FF0000")), max_size=3))),
    )


def check_that_it_is_written_or_refused(stored, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        try:
            expected = plan_write(path, empty_copy(stored, stored.axes, stored.image.dtype))
        except FileProblem:
            with pytest.raises(FileProblem):
                write_image(path, stored)
            assert not os.listdir(folder)
            return
        write_image(path, stored, provenance={"stop_reason": "σ & <µ>", "loss": float("nan")})
        back = read_image(path)
        assert back.image.dtype == stored.image.dtype, expected
        np.testing.assert_array_equal(
            np.sort(np.asarray(back.image), axis=None), np.sort(stored.image, axis=None)
        )
        assert read_provenance(path)["loss"] is None


@given(images(), st.sampled_from([".tif", ".ome.tif", ".png", ".ome.zarr"]))
def test_what_is_settled_is_what_is_written(stored, suffix):
    check_that_it_is_written_or_refused(stored, suffix)


@pytest.mark.slow
@given(images(), st.sampled_from([".tif", ".ome.tif", ".png", ".ome.zarr"]))
@settings(max_examples=400)
def test_fuzz_what_is_settled_is_what_is_written(stored, suffix):
    check_that_it_is_written_or_refused(stored, suffix)


@pytest.mark.parametrize(
    ("axes", "shape", "dtype", "form"),
    [
        ("ZYX", (5, 64, 64), "uint16", "imagej"),
        ("ZYX", (2100, 1024, 1024), "uint16", "ome"),  # more than 32 bits address
        ("YX", (70_000, 70_000), "float32", "ome"),
        ("YX", (70_000, 70_000), "int64", "shaped"),
    ],
)
def test_a_result_that_is_too_large_for_imagej_goes_into_another_dialect(axes, shape, dtype, form):
    small = StoredImage(np.broadcast_to(np.zeros((), dtype), shape), axes)
    assert plan_write("a.tif", small).form == form


def test_png_refuses_more_pixels_on_a_side_than_it_counts():
    large = StoredImage(np.broadcast_to(np.uint8(0), (2**31, 1)), "YX")
    with pytest.raises(FileProblem, match="PNG cannot hold"):
        plan_write("a.png", large)


def test_what_cannot_be_written_of_the_metadata_is_left_out_with_a_note(tmp_path, monkeypatch):
    write = write_plan.write_tiff

    def refuse_labels(file, stored, *rest):
        if stored.extras.get("imagej"):
            raise IndexError("list index out of range")
        write(file, stored, *rest)

    monkeypatch.setattr(write_plan, "write_tiff", refuse_labels)
    image = StoredImage(
        np.eye(8, dtype="uint8"), "YX", {"X": 0.5}, extras={"imagej": {"Info": "a"}}
    )
    (note,) = plan_write("a.tif", image).notes
    assert "imagej" in note
    assert "list index out of range" in note
    write_image(tmp_path / "a.tif", image)
    assert "Info" not in read_image(tmp_path / "a.tif").extras.get("imagej", {})


# ---- a result is never lost ----------------------------------------------------------------------


@pytest.fixture
def cells(tmp_path):
    path = tmp_path / "cells.tif"
    image = np.random.default_rng(0).poisson(50, (16, 16)).astype(np.uint16)
    write_image(path, StoredImage(image, "YX"))
    return path


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), IndexError("surprise")])
def test_a_result_that_cannot_be_written_is_saved_elsewhere(cells, tmp_path, monkeypatch, error):
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


def test_a_file_that_appears_in_mid_run_is_not_replaced(cells, tmp_path, monkeypatch):
    make, out = runs.make_problem, tmp_path / "out.tif"

    def meanwhile(*arguments):
        out.write_text("of somebody else")
        return make(*arguments)

    monkeypatch.setattr(runs, "make_problem", meanwhile)
    result = call("denoise", cells, out, *QUICK)
    assert result.exit_code == 1
    assert out.read_text() == "of somebody else"
    assert read_image(tmp_path / "out.rescued.tif").image.shape == (16, 16)


def test_where_the_folder_is_gone_it_is_kept_in_another(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    stored = StoredImage(np.eye(8), "YX")
    first, second = (save_elsewhere(tmp_path / "gone" / "a.ome.zarr", stored) for _ in range(2))
    assert (first, second) == (
        tmp_path / "here" / "a.rescued.tif",
        tmp_path / "here" / "a.rescued-2.tif",
    )
    np.testing.assert_array_equal(read_image(first).image, stored.image)


# ---- no traceback ------------------------------------------------------------------------------


def test_an_unexpected_error_is_one_line_and_a_traceback_on_request(cells, tmp_path, monkeypatch):
    def surprise(*_, **__):
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(runs, "make_problem", surprise)
    result = call("denoise", cells, tmp_path / "out.tif")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "IndexError: list index out of range. This is a bug in napari-dip" in result.stderr
    monkeypatch.setenv("NAPARI_DIP_DEBUG", "1")
    assert isinstance(call("denoise", cells, tmp_path / "out.tif").exception, IndexError)


def test_a_name_is_checked_without_a_trace(tmp_path):
    check_output(tmp_path / "a.tif", "uint8", "YX")
    with pytest.raises(NapariDipError):
        check_output(tmp_path / "absent" / "a.tif", "uint8", "YX")
    assert not [*tmp_path.iterdir()]
    assert image_io.write_image is write_image


def test_a_failure_in_mid_run_says_what_is_left(cells, tmp_path, monkeypatch):
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


def test_the_demo_replaces_no_other_pictures(tmp_path):
    case = CASES[0]
    image = np.zeros((16, 16), np.uint8)
    write_image(tmp_path / f"{case.name}.png", StoredImage(image, "YX"))
    with pytest.raises(FileProblem, match="not from this demo"):
        run_demo(tmp_path, None, cases=CASES[:1])
    np.testing.assert_array_equal(read_image(tmp_path / f"{case.name}.png").image, image)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_a_full_pipe_takes_nothing_from_the_result(cells, tmp_path):
    out = tmp_path / "out.tif"
    code = "from napari_dip.cli.app import app; app()"
    command = [sys.executable, "-c", code, "denoise", str(cells), str(out), *QUICK]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert f"No space left on device; {out} was written" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_image(out).image.shape == (16, 16)
