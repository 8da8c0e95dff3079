"""Layers are written with sizes, position, channels and record, and read back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

from napari.layers import Image

from napari_dip.errors import BadImage, FileProblem
from napari_dip.files.image_io import read_image, read_provenance
from napari_dip.image.metadata import Channel
from napari_dip.plugin.models.layer_file import channel_metadata
from napari_dip.plugin.models.layer_input import unfinished_layers
from napari_dip.plugin.models.saved_layer import SavedLayer

CHANNELS = (Channel("DAPI", "0000FF"), Channel("GFP", "00FF00"))
VALUES = np.random.default_rng(0).integers(0, 999, (2, 16, 20), np.uint16)


def result(**keywords):
    record = {"napari-dip": "0", "axes": "CYX", "seed": 7, "input": {"path": None}}
    described = {
        "name": "cells (denoised)",
        "axis_labels": "cyx",
        "scale": (1, 0.5, 0.25),
        "translate": (0, 3, 4),
        "units": ("pixel", "um", "um"),
        "metadata": {"napari-dip": record, **channel_metadata(CHANNELS)},
    }
    return Image(VALUES, **(described | keywords))


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_a_result_is_read_back_as_it_was(tmp_path, suffix):
    path = tmp_path / f"cells{suffix}"
    assert SavedLayer.of(result()).write(path) == f"Saved to {path}."
    stored = read_image(path)
    np.testing.assert_array_equal(stored.whole(), VALUES)
    assert stored.axes == "CYX"
    assert stored.pixel_size == {"Y": 0.5, "X": 0.25}
    assert stored.unit == {"Y": "µm", "X": "µm"}
    assert stored.translate == {"Y": 3, "X": 4}
    assert stored.channels == CHANNELS
    assert read_provenance(path)["seed"] == 7


def test_formats_are_those_that_fit():
    assert list(SavedLayer.of(result()).formats()) == [".ome.tif", ".ome.zarr", ".tif"]
    plane = Image(VALUES[0])
    assert SavedLayer.of(plane).formats()[".tif"] == "TIFF for ImageJ"
    assert ".png" in SavedLayer.of(plane).formats()


def test_the_record_names_unlabelled_axes():
    record = {"napari-dip": "0", "axes": "ZYX", "input": {"path": None}}
    layer = Image(VALUES, metadata={"napari-dip": record})
    assert SavedLayer.of(layer).stored.axes == "ZYX"


def test_what_is_lost_is_said(tmp_path):
    said = SavedLayer.of(result(rotate=(0, 0, 30))).write(tmp_path / "a.ome.tif")
    assert said.endswith("Not kept, since a file cannot hold it: rotation.")


def test_the_input_is_not_overwritten(tmp_path):
    path = tmp_path / "raw.tif"
    SavedLayer.of(result()).write(path)
    record = {"napari-dip": "0", "axes": "CYX", "input": {"path": str(path)}}
    layer = result(metadata={"napari-dip": record})
    before = path.read_bytes()
    with pytest.raises(FileProblem, match="is the input itself"):
        SavedLayer.of(layer).write(path, overwrite=True)
    assert path.read_bytes() == before
    assert SavedLayer.of(layer).proposed_path() == tmp_path / "cells (denoised)"


def test_an_unfinished_run_is_not_saved():
    layer = result()
    unfinished_layers.add(layer)
    with pytest.raises(BadImage, match="wait for its end"):
        SavedLayer.of(layer)
