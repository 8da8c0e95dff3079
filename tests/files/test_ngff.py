"""Test that OME-Zarr attributes follow the specification."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaozarrs
import zarr
from example_files import values
from example_zarr import SPACE, fill, foreign, make

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    write_image,
)
from napari_dip.files.pyramid_layout import level_shapes


def said(path: Path) -> dict:
    return dict(zarr.open_group(path, mode="r").attrs)


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
def test_attributes_follow_the_specification(tmp_path, version, axes, shape):
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
    order = [axes.index(letter) for letter in back.axes]
    np.testing.assert_array_equal(back.image, image.transpose(order))


def test_units_have_ome_zarr_names(tmp_path):
    make(tmp_path / "a.zarr", values((2, 3, 20, 24)), "TZYX")
    axes = said(tmp_path / "a.zarr")["ome"]["multiscales"][0]["axes"]
    assert axes == [
        {"name": "t", "type": "time", "unit": "second"},
        *({"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"),
    ]


def test_levels_have_scale_and_translation(tmp_path):
    make(tmp_path / "a.zarr", values((2, 600, 700)), "ZYX")
    levels_said = said(tmp_path / "a.zarr")["ome"]["multiscales"][0]["datasets"]
    steps = [level["coordinateTransformations"] for level in levels_said]
    assert [step[0]["scale"] for step in steps] == [
        [0.5, 0.25, 0.25],
        [0.5, 0.5, 0.5],
        [0.5, 1.0, 1.0],
    ]
    # The centre of two pixels of size 0.25 is 0.125 from that of the first.
    assert [step[1]["translation"] for step in steps[1:]] == [[0, 0.125, 0.125], [0, 0.375, 0.375]]


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_become_channels_with_their_colour(tmp_path, samples):
    image = values((20, 24, samples), "uint8")
    write_image(tmp_path / "a.zarr", StoredImage(image, "YXS"))
    channels = said(tmp_path / "a.zarr")["ome"]["omero"]["channels"]
    names = ["red", "green", "blue", "alpha"][:samples]
    assert [channel["label"] for channel in channels] == names
    back = read_image(tmp_path / "a.zarr")
    assert (back.axes, back.channels) == ("YXS", ())
    np.testing.assert_array_equal(back.image, image)


@pytest.mark.parametrize("axes", ["QQYX", "CQYX", "CYXS", "ZYXX"])
def test_unsupported_axes_are_refused(tmp_path, axes):
    with pytest.raises(FileProblem, match=f"{axes}.*--axes"):
        make(tmp_path / "a.zarr", values((3, 3, 20, 24)), axes)
    assert not any(tmp_path.iterdir())


def test_channel_metadata_are_kept(tmp_path):
    window = {"start": 0.0, "end": 90.0, "min": 0.0, "max": 100.0}
    omero = {"channels": [{"label": name, "color": "00FF00", "window": window} for name in "ab"]}
    axes = [{"name": "c", "type": "channel"}, *SPACE]
    path = foreign(tmp_path / "a.zarr", values((2, 8, 9)), "0.4", axes, omero=omero)
    stored = read_image(path)
    write_image(tmp_path / "b.zarr", stored.with_image(stored.whole() * 2, stored.axes))
    group = zarr.open_group(tmp_path / "b.zarr", mode="r")
    assert group.metadata.zarr_format == 2
    assert group.attrs["omero"] == omero
