"""Test that no conversion loses what a file says; programs of others read the results."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from foreign_readers import READERS
from kept_metadata import (
    COLOURS,
    INPUTS,
    KEPT,
    KNOWN,
    NAMES,
    READ,
    WINDOWS,
    expected,
    table,
    table_of_inputs,
)

from napari_dip.files.image_io import StoredImage, dropped_notes, read_image, write_image

ORDER = {".ome.tif": None, ".tif": "TZCYX", ".ome.zarr": "TCZYX"}
PAGE = Path(__file__).parents[2] / "docs" / "kept.md"


@pytest.mark.filterwarnings("ignore")  # of the programs of others
@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize(
    ("suffix", "reader"),
    [
        pytest.param(suffix, reader, id=f"{suffix} {reader.__name__}")
        for suffix, readers in READERS.items()
        for reader in readers
    ],
)
def test_other_programs_find_what_files_said(tmp_path, source, suffix, reader):
    stored = read_image(INPUTS[source](tmp_path))
    output = tmp_path / f"out{suffix}"
    write_image(output, stored, provenance={"settings": {"seed": 0}})
    wanted, found = expected(ORDER[suffix] or stored.axes), reader(output)
    if reader.__name__ == "with_bioio":
        wanted = expected("TCZYX")
    for name in found.keys() & KNOWN[source]:
        if KEPT[name][suffix] == "no":
            continue
        if isinstance(wanted[name], dict | float):
            assert found[name] == pytest.approx(wanted[name]), name
        else:
            assert found[name] == wanted[name], name


@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize("suffix", READERS)
def test_what_is_not_kept_is_told(tmp_path, source, suffix):
    stored = read_image(INPUTS[source](tmp_path))
    notes = dropped_notes(tmp_path / f"out{suffix}", stored, stored.image.dtype, stored.axes)
    lost = [name for name in KNOWN[source] if KEPT[name][suffix] == "no"]
    assert [name in " ".join(notes) for name in lost] == [True] * len(lost)
    assert bool(notes) == bool(lost)


@pytest.mark.parametrize("first", READERS)
@pytest.mark.parametrize("second", READERS)
def test_two_conversions_keep_all_they_can(tmp_path, first, second):
    stored = read_image(INPUTS["OME-TIFF"](tmp_path))
    write_image(tmp_path / f"a{first}", stored)
    write_image(tmp_path / f"b{second}", read_image(tmp_path / f"a{first}"))
    back = read_image(tmp_path / f"b{second}")
    assert [one[:2] for one in back.channels] == [one[:2] for one in stored.channels]
    assert back.pixel_size == pytest.approx(stored.pixel_size)
    for name in ("name", "acquired", "times", "unit"):
        assert getattr(back, name) == getattr(stored, name), name


@pytest.mark.parametrize("first", [".tif", ".ome.tif", ".ome.zarr", ".png"])
@pytest.mark.parametrize("second", [".tif", ".ome.tif", ".ome.zarr", ".png"])
def test_colours_stay_colours(tmp_path, first, second):
    image = np.random.default_rng(0).integers(0, 255, (16, 20, 3)).astype(np.uint8)
    write_image(tmp_path / f"a{first}", StoredImage(image, "YXS", name="tissue"))
    write_image(tmp_path / f"b{second}", read_image(tmp_path / f"a{first}"))
    back = read_image(tmp_path / f"b{second}")
    assert (back.axes, back.name) == ("YXS", "tissue")
    np.testing.assert_array_equal(back.image, image)


@pytest.mark.parametrize(("name", "made"), [("kept", table), ("read", table_of_inputs)])
def test_page_has_the_tested_tables(name, made):
    block = re.search(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE.read_text(), re.DOTALL)
    assert block is not None
    assert block[1].strip() == made().strip()


@pytest.mark.parametrize("source", INPUTS)
def test_table_of_inputs_is_true(tmp_path, source):
    stored = read_image(INPUTS[source](tmp_path))
    found = {
        "axes and shape": sorted(stored.axes) == sorted("TCZYX"),
        "pixel sizes": {"Z", "Y", "X"} <= stored.pixel_size.keys(),
        "time between frames": "T" in stored.pixel_size,
        "channel names": [one.name for one in stored.channels] == NAMES,
        "channel colours": [one.colour for one in stored.channels] == COLOURS,
        "display ranges": [one.window for one in stored.channels] == WINDOWS,
        "image name": bool(stored.name),
        "date of acquisition": bool(stored.acquired),
        "time stamps of frames": bool(stored.times),
    }
    column = source if source in READ else "OME-Zarr" if "Zarr" in source else "TIFF of ImageJ"
    assert {name for name, there in found.items() if there} == READ[column]
