"""napari's Save dialog offers the formats, which keep what its own writers drop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari", reason="the writers are those of a napari plugin")

import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from napari.plugins._npe2 import file_extensions_string_for_layers
from npe2 import PluginManager

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image, read_provenance
from napari_dip.files.result_record import require_record
from napari_dip.image.metadata import Channel
from napari_dip.plugin.models.layer_file import channel_metadata
from napari_dip.plugin.models.layer_input import unfinished_layers
from napari_dip.plugin.models.opened_file import OpenedFile
from napari_dip.plugin.models.saved_layer import SavedLayer

CHANNELS = (Channel("DAPI", "0000FF"), Channel("GFP", "00FF00"))
VALUES = np.random.default_rng(0).integers(0, 255, (2, 16, 20), np.uint16)


def named(stored):
    """Return the channels without their display ranges, which files of OME-Zarr always have."""
    return tuple(Channel(*channel[:2]) for channel in stored.channels)


@pytest.fixture
def viewer():
    PluginManager.instance().discover()
    viewer = ViewerModel()
    record = {"napari-dip": "0", "axes": "CYX", "seed": 7, "input": {"path": None}}
    viewer.add_image(
        VALUES,
        name="cells (denoised)",
        axis_labels="cyx",
        scale=(1, 0.5, 0.25),
        translate=(0, 3, 4),
        units=("pixel", "um", "um"),
        metadata={"napari-dip": record, **channel_metadata(CHANNELS)},
    )
    return viewer


def test_the_dialog_lists_the_formats(viewer):
    text, _ = file_extensions_string_for_layers(viewer.layers)
    for kind in ("OME-TIFF (*.ome.tif *.ome.tiff)", "OME-Zarr (*.ome.zarr *.zarr)", "PNG (*.png)"):
        assert f"Deep Image Prior {kind}" in text
    viewer.add_points([[1, 1]])
    text, _ = file_extensions_string_for_layers(viewer.layers)
    assert "Deep Image Prior" not in text


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_sizes_channels_and_record_are_kept(viewer, tmp_path, suffix):
    path = str(tmp_path / f"cells{suffix}")
    assert viewer.layers.save(path, plugin="napari-dip") == [path]
    stored = read_image(path)
    np.testing.assert_array_equal(stored.whole(), VALUES)
    assert (stored.axes, named(stored)) == ("CYX", CHANNELS)
    assert stored.pixel_size == {"Y": 0.5, "X": 0.25}
    assert stored.unit == {"Y": "µm", "X": "µm"}
    assert stored.translate == {"Y": 3, "X": 4}
    assert read_provenance(path)["seed"] == 7
    if suffix == ".ome.tif":
        with tifffile.TiffFile(path) as file:
            assert file.is_ome and 'PhysicalSizeX="0.25"' in file.ome_metadata


def test_a_bare_name_gets_the_filter_suffix(viewer, tmp_path):
    _, writers = file_extensions_string_for_layers(viewer.layers)
    (writer,) = [one for one in writers if one.command == "napari-dip.write_ome_zarr"]
    paths = viewer.layers.save(str(tmp_path / "cells"), _writer=writer)
    assert paths == [str(tmp_path / "cells.ome.zarr")]
    assert named(read_image(paths[0])) == CHANNELS


def test_several_layers_get_a_file_each(viewer, tmp_path):
    viewer.add_image(VALUES[0] + 1, name="a/b")
    path = str(tmp_path / "all.ome.tif")
    paths = viewer.layers.save(path, plugin="napari-dip")
    names = ["all, cells (denoised).ome.tif", "all, a_b.ome.tif"]
    assert paths == [str(tmp_path / name) for name in names]
    np.testing.assert_array_equal(read_image(paths[1]).whole(), VALUES[0] + 1)
    assert read_provenance(paths[0])["seed"] == 7
    before = read_image(paths[0]).whole()
    with pytest.raises(OSError, match="choose another name"):
        viewer.layers.save(path, plugin="napari-dip")
    np.testing.assert_array_equal(read_image(paths[0]).whole(), before)


def test_png_refuses_what_it_cannot_hold(viewer, tmp_path):
    with pytest.raises(OSError, match="PNG holds one grey plane"):
        viewer.layers.save(str(tmp_path / "a.png"), plugin="napari-dip")
    assert [*tmp_path.iterdir()] == []


def test_an_unfinished_result_is_not_written(viewer, tmp_path):
    unfinished_layers.add(viewer.layers[0])
    try:
        with pytest.raises(OSError, match="wait for its end"):
            viewer.layers.save(str(tmp_path / "a.ome.tif"), plugin="napari-dip")
    finally:
        unfinished_layers.discard(viewer.layers[0])


def test_plain_names_stay_with_napari(viewer, tmp_path):
    writer, _ = PluginManager.instance().get_writer(str(tmp_path / "a.tif"), ["image"])
    assert writer.command == "napari.write_image"


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_layers_of_channels_become_one_file(tmp_path, suffix):
    PluginManager.instance().discover()
    viewer = ViewerModel()
    volumes = np.random.default_rng(0).integers(0, 255, (2, 3, 16, 20), np.uint16)
    for name, colour, limits, pixels in zip(
        ("DAPI", "GFP"), ("blue", "green"), ((5, 90), (10, 200)), volumes, strict=True
    ):
        viewer.add_image(
            pixels,
            name=name,
            colormap=colour,
            contrast_limits=limits,
            axis_labels="zyx",
            scale=(1, 0.5, 0.5),
            units=("um", "um", "um"),
            metadata={"napari-dip": {"axes": "ZYX", "input": {"path": None}}},
        )
    path = str(tmp_path / f"both{suffix}")
    assert viewer.layers.save(path, plugin="napari-dip") == [path]
    stored = read_image(path)
    order = [stored.axes.index(letter) for letter in "CZYX"]
    np.testing.assert_array_equal(stored.whole().transpose(order), volumes)
    assert stored.channels == (
        Channel("DAPI", "0000FF", (5.0, 90.0)),
        Channel("GFP", "00FF00", (10.0, 200.0)),
    )
    assert len(read_provenance(path)["channels"]) == 2
    shown = OpenedFile.open(Path(path)).layers()
    assert [layer.colormap.colors[-1, :3].tolist() for layer in shown] == [[0, 0, 1], [0, 1, 0]]
    assert [layer.contrast_limits for layer in shown] == [[5.0, 90.0], [10.0, 200.0]]
    with pytest.raises(FileProblem, match="2 layers, each with a record"):
        require_record(Path(path))


@pytest.mark.parametrize(
    "place",
    [
        {"rotate": 30, "scale": (2, 0.5), "translate": (3, 4)},
        {"shear": [0.2], "scale": (1, -1)},
        {"affine": [[1, 0.5, 3], [0, 2, 1], [0, 0, 1]], "rotate": 20, "translate": (1, 2)},
    ],
)
def test_rotated_layer_returns_to_its_place(tmp_path, place):
    layer = Image(VALUES[0], axis_labels="yx", **place)
    said = SavedLayer.of(layer).write(tmp_path / "a.ome.zarr")
    assert said == f"Saved to {tmp_path / 'a.ome.zarr'}."
    (back,) = OpenedFile.open(tmp_path / "a.ome.zarr").layers()
    for corner in ((0, 0), (15, 0), (0, 19), (15, 19)):
        np.testing.assert_allclose(back.data_to_world(corner), layer.data_to_world(corner))
