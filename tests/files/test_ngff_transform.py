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


@pytest.mark.parametrize("kind", ["displacements", "coordinates"])
@pytest.mark.parametrize("nested", [False, True])
def test_fields_are_not_kept_with_a_note(tmp_path, kind, nested):
    path = write_zarr(tmp_path, "0.6")
    one = {"type": kind, "path": "field"}
    if nested:
        one = by_dimension({"transformation": one, "input_axes": [4], "output_axes": [4]})
    add_transformation(path, one)
    stored = read_image(path)
    assert stored.affine is None
    assert any(f"transformation {kind} is not used and not kept" in note for note in stored.notes)


@pytest.mark.parametrize("present", [True, False])
def test_matrix_in_an_array_is_read(tmp_path, present):
    path = write_zarr(tmp_path, "0.6")
    matrix = np.eye(5, 6)
    matrix[-2:, -3:] = SHEARED
    if present:
        zarr.create_array(path / "affineParams", data=matrix)
    add_transformation(path, {"type": "affine", "path": "affineParams"})
    stored = read_image(path)
    if present:
        np.testing.assert_array_equal(np.array(stored.affine)[-2:, -3:], SHEARED)
    else:
        assert stored.affine is None
    assert ("affineParams" in " ".join(stored.notes)) is not present


def add_transformation(path, one):
    group = zarr.open_group(path, mode="r+")
    ome = group.attrs.asdict()["ome"]
    image = ome["multiscales"][0]
    here = image["coordinateSystems"][0]
    image["coordinateSystems"] = [here, here | {"name": "world"}]
    ends = {"input": {"name": here["name"]}, "output": {"name": "world"}}
    image["coordinateTransformations"] = [one | ends]
    group.attrs["ome"] = ome


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


def by_dimension(*parts):
    return {"type": "byDimension", "transformations": [*parts]}


def part(inputs, outputs, kind, numbers, spelling="{}_axes"):
    said = {spelling.format("input"): inputs, spelling.format("output"): outputs}
    return {"transformation": {"type": kind, kind: numbers}} | said


TURN = [[0, -1], [1, 0]]


@pytest.mark.parametrize(
    ("listed", "mapped"),
    [
        # The examples of the specification.
        ([part([1], [1], "translation", [-1]), part([0], [0], "scale", [2])], [10, 6, 11]),
        ([part([1], [1], "scale", [1000])], [5, 7000, 11]),
        ([part([1], [1], "scale", [1000], "{}Axes")], [5, 7000, 11]),
        ([part([1, 2], [1, 2], "rotation", TURN), part([0], [0], "scale", [3])], [15, -11, 7]),
        ([part([2], [1], "translation", [1]), part([1], [2], "scale", [2])], [5, 12, 14]),
        # Drafts: names of axes, and the numbers beside them.
        (
            [
                {
                    "type": "scale",
                    "scale": [2, 3],
                    "input_axes": ["y", "x"],
                    "output_axes": ["y", "x"],
                }
            ],
            [5, 14, 33],
        ),
    ],
)
def test_parts_of_axes_become_one_matrix(listed, mapped):
    parser = TolerantParser()
    matrix = matrix_of([by_dimension(*listed)], "ZYX", parser)
    assert (matrix @ [5, 7, 11, 1]).tolist() == [*mapped, 1]
    assert parser.notes() == ()


@pytest.mark.parametrize(
    "listed",
    [
        [part([1], [1], "scale", [2]), part([0], [1], "scale", [2])],  # an axis given twice
        [part([0, 1], [0], "scale", [2, 2])],
        [part([3], [0], "scale", [2])],
        [part([0], [0], "shear", [1])],
        [{"type": "scale", "scale": [2]}],
        ["scale"],
    ],
)
def test_invalid_parts_of_axes_are_noted(listed):
    parser = TolerantParser()
    matrix = matrix_of([by_dimension(*listed)], "ZYX", parser)
    np.testing.assert_array_equal(matrix, np.eye(4))
    assert "byDimension" in " ".join(parser.notes())


@pytest.mark.parametrize("backwards", [False, True])
def test_by_dimension_is_kept_in_the_result(tmp_path, backwards):
    path = write_zarr(tmp_path, "0.6")
    group = zarr.open_group(path, mode="r+")
    ome = group.attrs.asdict()["ome"]
    image = ome["multiscales"][0]
    here = image["coordinateSystems"][0]
    axes = [one["name"] for one in here["axes"]]
    y, x = axes.index("y"), axes.index("x")
    image["coordinateSystems"] = [here, here | {"name": "stage"}]
    ends = [{"name": here["name"]}, {"name": "stage"}]
    image["coordinateTransformations"] = [
        by_dimension(part([y, x], [y, x], "affine", [[0, -2, 3], [2, 0, 0]]))
        | dict(zip(("input", "output"), reversed(ends) if backwards else ends, strict=True))
    ]
    group.attrs["ome"] = ome
    stored = read_image(path)
    expected = [[0, 0.5, 0], [-0.5, 0, 1.5]] if backwards else [[0, -2, 3], [2, 0, 0]]
    in_plane = np.array(stored.affine)[-2:][:, [-3, -2, -1]]
    np.testing.assert_allclose(in_plane, expected, atol=1e-12)
    assert stored.notes == ()
    write_image(tmp_path / "b.ome.zarr", stored)
    np.testing.assert_allclose(read_image(tmp_path / "b.ome.zarr").affine, stored.affine)


NUMBERS = st.floats(-100, 100)


@given(st.lists(st.tuples(*[NUMBERS] * 4), min_size=3, max_size=3))
def test_any_matrix_is_read_back(rows):
    written = written_transformation(rows, "TZYX")
    parser = TolerantParser()
    back = spatial_rows(matrix_of([written], "TZYX", parser), "TZYX")
    assert back == tuple(tuple(row) for row in rows)
    assert parser.notes() == ()
