"""Test OME-Zarr 0.6: rotations and other transformations, against its schemas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from example_files import values
from hypothesis import given
from hypothesis import strategies as st
from kept_metadata import write_zarr

from napari_dip.files.image_io import StoredImage, dropped_notes, read_image, write_image
from napari_dip.files.ngff_transform import matrix_of, spatial_rows, written_transformation
from napari_dip.files.tolerant_parsing import TolerantParser

TURNED = ((0.8, -0.6, 0.0), (0.6, 0.8, 0.0))
SHEARED = ((1.0, 0.5, 3.0), (0.0, 1.0, -2.0))
PLACE = {
    "pixel_size": {"Y": 0.5, "X": 0.25},
    "unit": {"Y": "µm", "X": "µm"},
    "translate": {"X": 4.0},
}


def said(path: Path) -> dict:
    return zarr.open_group(path, mode="r").attrs.asdict()


@pytest.mark.parametrize(("axes", "shape"), [("YX", (300, 310)), ("TCYX", (2, 2, 20, 24))])
@pytest.mark.parametrize("rows", [TURNED, SHEARED, None])
def test_rotation_and_affine_are_kept(tmp_path, axes, shape, rows):
    given_version = {"ngff": {"version": "0.6"}}
    stored = StoredImage(values(shape), axes, **PLACE, affine=rows, extras=given_version)
    write_image(tmp_path / "a.ome.zarr", stored)
    back = read_image(tmp_path / "a.ome.zarr")
    assert (back.affine, back.pixel_size) == (rows, PLACE["pixel_size"])
    assert (back.translate, back.notes) == (PLACE["translate"], ())
    entries = said(tmp_path / "a.ome.zarr")
    assert entries["ome"]["version"] == "0.6"
    kinds = [
        one["type"] for one in entries["ome"]["multiscales"][0].get("coordinateTransformations", ())
    ]
    assert kinds == {TURNED: ["rotation"], SHEARED: ["affine"], None: []}[rows]
    validate = pytest.importorskip("ngff_zarr.validate")
    validate.validate(json.loads(json.dumps(entries)), version="0.6", model="image")


def test_other_programs_read_version_0_6(tmp_path):
    ngff_zarr = pytest.importorskip("ngff_zarr")
    stored = StoredImage(values((20, 24)), "YX", **PLACE, affine=TURNED)
    write_image(tmp_path / "a.ome.zarr", stored)
    found = ngff_zarr.from_ngff_zarr(tmp_path / "a.ome.zarr")
    assert found.images[0].scale == {"y": 0.5, "x": 0.25}
    np.testing.assert_array_equal(np.asarray(found.images[0].data), stored.image)


def test_version_of_the_input_is_kept(tmp_path):
    stored = read_image(write_zarr(tmp_path, "0.6"))
    write_image(tmp_path / "b.ome.zarr", stored)
    assert said(tmp_path / "b.ome.zarr")["ome"]["version"] == "0.6"
    write_image(tmp_path / "c.ome.zarr", StoredImage(stored.whole(), stored.axes))
    assert said(tmp_path / "c.ome.zarr")["ome"]["version"] == "0.5"


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_other_formats_drop_a_rotation_with_a_note(tmp_path, name):
    stored = StoredImage(values((20, 24)), "YX", affine=TURNED)
    (note,) = dropped_notes(tmp_path / name, stored, "uint16", "YX")
    assert "rotation" in note


def test_displacements_are_ignored_with_a_note(tmp_path):
    path = write_zarr(tmp_path, "0.6")
    group = zarr.open_group(path, mode="r+")
    ome = group.attrs.asdict()["ome"]
    ome["multiscales"][0]["coordinateTransformations"] = [
        {
            "type": "displacements",
            "path": "field",
            "input": {"name": "physical"},
            "output": {"name": "world"},
        }
    ]
    group.attrs["ome"] = ome
    stored = read_image(path)
    assert stored.affine is None
    assert "displacements" in " ".join(stored.notes)


def test_steps_are_applied_in_their_order():
    parser = TolerantParser()
    listed = {
        "type": "sequence",
        "transformations": [
            {"type": "translation", "translation": [1, 2]},
            {"type": "mapAxis", "mapAxis": [1, 0]},
            {"type": "bijection", "forward": {"type": "scale", "scale": [10, 100]}},
            {"type": "identity"},
        ],
    }
    matrix = matrix_of(listed, "YX", parser)
    assert (matrix @ [5, 7, 1]).tolist() == [90, 600, 1]
    assert parser.notes() == ()


NUMBERS = st.floats(-100, 100)


@given(st.lists(st.tuples(*[NUMBERS] * 4), min_size=3, max_size=3))
def test_any_matrix_is_read_back(rows):
    written = written_transformation(rows, "TZYX")
    parser = TolerantParser()
    back = spatial_rows(matrix_of([written], "TZYX", parser), "TZYX")
    assert back == tuple(tuple(row) for row in rows)
    assert parser.notes() == ()
