"""Test that OME-Zarr attributes of other programs are read."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from example_files import values
from example_zarr import SPACE, foreign

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image, write_image


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_axes_sizes_units_and_positions_are_read(tmp_path, version):
    axes = [
        {"name": "t", "type": "time", "unit": "millisecond"},
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"),
    ]
    moved = [
        {"type": "scale", "scale": [20, 1, 300, 65, 65]},
        {"type": "translation", "translation": [0, 0, 900, 0, 130.5]},
    ]
    image = values((2, 3, 2, 8, 9))
    path = foreign(
        tmp_path / "a.zarr",
        image,
        version,
        axes,
        multiscale={"datasets": [{"path": "full", "coordinateTransformations": moved}]},
        omero={"channels": [{"label": "DAPI"}, {"label": "actin"}, {"label": "tubulin"}]},
    )
    stored = read_image(path)
    assert stored.axes == "TCZYX"
    assert stored.pixel_size == {"T": 20, "Z": 300, "Y": 65, "X": 65}
    assert stored.unit == {"T": "ms", "Z": "nm", "Y": "nm", "X": "nm"}
    assert stored.translate == {"Z": 900, "X": 130.5}
    assert stored.extras["ngff"]["omero"]["channels"][1]["label"] == "actin"
    assert not stored.notes
    np.testing.assert_array_equal(stored.image, image)


def test_image_scale_applies_after_level_scale(tmp_path):
    path = foreign(
        tmp_path / "a.zarr",
        values((8, 9)),
        multiscale={
            "coordinateTransformations": [
                {"type": "scale", "scale": [2, 4]},
                {"type": "translation", "translation": [1, 1]},
            ],
            "datasets": [
                {
                    "path": "full",
                    "coordinateTransformations": [
                        {"type": "scale", "scale": [0.5, 0.5]},
                        {"type": "translation", "translation": [3, 0]},
                    ],
                }
            ],
        },
    )
    stored = read_image(path)
    assert (stored.pixel_size, stored.translate) == ({"Y": 1, "X": 2}, {"Y": 7, "X": 1})


def test_unknown_axis_becomes_q(tmp_path):
    axes = [{"name": "angle", "type": "custom"}, *SPACE]
    assert read_image(foreign(tmp_path / "a.zarr", values((2, 8, 9)), axes=axes)).axes == "QYX"


def test_early_version_with_named_axes_is_read(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((2, 8, 9)), "0.4", ["c", "y", "x"])
    assert read_image(path).axes == "CYX"


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({}, "without an image"),
        ({"ome": {"plate": {}}}, "plate.*A/1/0"),
        ({"bioformats2raw.layout": 3}, "several images, but none is named 0"),
        ({"ome": {"multiscales": []}}, "metadata .* are damaged"),
        ({"ome": {"multiscales": [{"axes": SPACE, "datasets": []}]}}, "metadata .* are damaged"),
        ({"ome": {"multiscales": [{"axes": 3, "datasets": [{"path": "0"}]}]}}, "are damaged"),
        ({"ome": "nonsense"}, "without an image"),
        ({"ome": {"multiscales": [{"axes": SPACE, "datasets": [{"path": "9"}]}]}}, "9 does not"),
        ({"ome": {"multiscales": [{"axes": [*"zyx"], "datasets": [{"path": "0"}]}]}}, "axes ZYX"),
        (
            {"ome": {"multiscales": [{"axes": [{"name": "i"}] * 2, "datasets": [{"path": "0"}]}]}},
            "its axes are QQ",
        ),
    ],
)  # fmt: skip
def test_invalid_metadata_are_refused(tmp_path, attributes, says):
    group = zarr.create_group(tmp_path / "a.zarr", attributes=attributes)
    group.create_array("0", data=values((8, 9)))
    with pytest.raises(FileProblem, match=says):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("multiscale", "said", "ignored"),
    [
        ({"coordinateTransformations": [{"type": "scale", "scale": [1]}]}, {}, "coordinateTr"),
        ({"coordinateTransformations": [{"type": "scale", "scale": ["a", 1]}]}, {}, "scale of Y"),
        ({"coordinateTransformations": {"type": "scale"}}, {}, "coordinateTransformations"),
        ({"coordinateTransformations": [{"type": "affine", "affine": []}]}, {}, "affine"),
        ({"coordinateTransformations": [{"type": "scale", "scale": [-1, 1]}]}, {}, "scale of Y=-1"),
        ({}, {"omero": [1]}, "omero"),
        ({}, {"omero": {"channels": "x"}}, "omero"),
        ({}, {"omero": {"channels": [{"label": 3, "color": "red"}]}}, "color='red'"),
    ],
)
def test_invalid_optional_metadata_are_ignored(tmp_path, multiscale, said, ignored):
    path = foreign(tmp_path / "a.zarr", values((8, 9)), multiscale=multiscale, **said)
    stored = read_image(path)
    assert stored.pixel_size == {"Y": 0.5, "X": 0.5}
    assert ignored in stored.notes[0]
    write_image(tmp_path / "b.zarr", stored)
    assert read_image(tmp_path / "b.zarr").pixel_size == {"Y": 0.5, "X": 0.5}


@pytest.mark.parametrize("scale", [0, -1, None, "x"])
def test_invalid_scale_is_no_size_of_one(tmp_path, scale):
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    moved = [{"type": "scale", "scale": [scale, 0.5]}]
    datasets = [{"path": "full", "coordinateTransformations": moved}]
    path = foreign(
        tmp_path / "a.zarr", values((8, 9)), axes=axes, multiscale={"datasets": datasets}
    )
    stored = read_image(path)
    assert (stored.pixel_size, stored.unit) == ({"X": 0.5}, {"X": "µm"})
    write_image(tmp_path / "b.zarr", stored)
    assert read_image(tmp_path / "b.zarr").pixel_size == {"X": 0.5}


def test_other_number_of_channels_is_noted(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)), omero={"channels": [{"label": "GFP"}] * 2})
    stored = read_image(path)
    assert stored.channels == ()
    assert "is 2 in the metadata (GFP, GFP), but 1 in the image" in stored.notes[0]
