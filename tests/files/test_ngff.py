"""Test that OME-Zarr attributes follow the specification."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaozarrs
import zarr

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    write_image,
)
from napari_dip.files.pyramid_layout import level_shapes
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


def said(path: Path) -> dict:
    return dict(zarr.open_group(path, mode="r").attrs)


SPACE = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]


def foreign(
    path: Path, image: np.ndarray, version: str = "0.5", axes: list | None = None, **said
) -> Path:
    """Write OME-Zarr without the writer of this package."""
    multiscale = {
        "axes": axes if axes is not None else SPACE,
        "datasets": [
            {
                "path": "full",
                "coordinateTransformations": [{"type": "scale", "scale": [0.5] * image.ndim}],
            }
        ],
    } | said.pop("multiscale", {})
    old = version == "0.4"
    attributes = (
        {"multiscales": [{"version": version} | multiscale]} | said
        if old
        else {"ome": {"version": version, "multiscales": [multiscale]} | said}
    )
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    group.create_array("full", data=image, chunks=(1,) * (image.ndim - 2) + image.shape[-2:])
    return path


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
    order = [axes.index(letter) for letter in back.axes.replace("C", "S" if "S" in axes else "C")]
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
    assert read_image(tmp_path / "a.zarr").axes == "CYX"


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
