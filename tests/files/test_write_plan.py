"""Test that the planned format and metadata are those that are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from napari_dip.cli.app import app as cli
from napari_dip.errors import FileProblem
from napari_dip.files import file_run as runs
from napari_dip.files import formats
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_provenance,
    write_image,
)
from napari_dip.files.write_plan import empty_copy, plan_write
from napari_dip.image.metadata import Channel

QUICK = ("--iterations", "1", "--device", "cpu", "--stopping", "fixed", "--refinement", "0")


def call(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


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


@pytest.mark.parametrize("axes", ["CTYX", "ZCYX", "TZYX", "QCYX", "CQYX"])
@pytest.mark.parametrize("suffix", [".ome.tif", ".tif", ".ome.zarr"])
def test_other_axes_are_written_or_refused_before_work(movie, tmp_path, monkeypatch, axes, suffix):
    monkeypatch.setattr(runs, "make_problem", None)  # a call would raise a TypeError
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


@given(images(), st.sampled_from([".tif", ".ome.tif", ".png", ".ome.zarr"]))
def test_planned_image_is_written_or_refused(stored, suffix):
    check_that_it_is_written_or_refused(stored, suffix)


@pytest.mark.slow
@given(images(), st.sampled_from([".tif", ".ome.tif", ".png", ".ome.zarr"]))
@settings(max_examples=400)
def test_fuzzed_image_is_written_or_refused(stored, suffix):
    check_that_it_is_written_or_refused(stored, suffix)


@pytest.mark.parametrize(
    ("axes", "shape", "dtype", "form"),
    [
        ("ZYX", (5, 64, 64), "uint16", "imagej"),
        ("ZYX", (2100, 1024, 1024), "uint16", "imagej"),  # beyond 32-bit offsets
        ("YX", (70_000, 70_000), "float32", "ome"),
        ("YX", (70_000, 70_000), "int64", "shaped"),
    ],
)
def test_large_result_uses_another_tiff_dialect(axes, shape, dtype, form):
    small = StoredImage(np.broadcast_to(np.zeros((), dtype), shape), axes)
    assert plan_write("a.tif", small).dialect == form


def test_too_large_png_is_refused():
    large = StoredImage(np.broadcast_to(np.uint8(0), (2**31, 1)), "YX")
    with pytest.raises(FileProblem, match="PNG cannot hold"):
        plan_write("a.png", large)


def test_unwritable_metadata_are_dropped_with_a_note(tmp_path, monkeypatch):
    write = formats.write_tiff

    def refuse_labels(file, stored, *rest):
        if stored.extras.get("imagej"):
            raise IndexError("list index out of range")
        write(file, stored, *rest)

    monkeypatch.setattr(formats, "write_tiff", refuse_labels)
    image = StoredImage(
        np.eye(8, dtype="uint8"), "YX", {"X": 0.5}, extras={"imagej": {"Info": "a"}}
    )
    (note,) = plan_write("a.tif", image).notes
    assert "imagej" in note
    assert "list index out of range" in note
    write_image(tmp_path / "a.tif", image)
    assert "Info" not in read_image(tmp_path / "a.tif").extras.get("imagej", {})
