"""Layers are written with sizes, position, channels and record, and read back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile

pytest.importorskip("napari", reason="the plugin's layers are napari's")

from napari.layers import Image, Labels
from napari.layers._source import layer_source

from napari_dip import Settings, reproduce
from napari_dip.errors import BadImage, FileProblem
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.generators import finished
from napari_dip.image.metadata import Channel
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.plugin.models.layer_file import channel_metadata
from napari_dip.plugin.models.layer_input import read_layer, unfinished_layers
from napari_dip.plugin.models.layer_output import to_layer_data
from napari_dip.plugin.models.layer_writer import write_layers
from napari_dip.plugin.models.mask_layers import Mask
from napari_dip.plugin.models.opened_file import OpenedFile
from napari_dip.plugin.models.saved_layer import SavedLayer
from napari_dip.plugin.models.trial import crop

CHANNELS = (Channel("DAPI", "0000FF"), Channel("GFP", "00FF00"))
VALUES = np.random.default_rng(0).integers(0, 999, (2, 16, 20), np.uint16)


def named(stored):
    """Return the channels without their display ranges, which files of OME-Zarr always have."""
    return tuple(Channel(*channel[:2]) for channel in stored.channels)


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
    assert named(stored) == CHANNELS
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


def restored_layer(source, settings):
    """Run as a panel does, and return the layer of the result."""
    problem = make_problem(source.data, settings, source.whole_mask, None)
    problem = replace(problem, origin=source.origin)
    pixels, keywords, _ = to_layer_data(finished(run(problem, InMemory(problem))), source)
    return Image(pixels, **keywords)


@pytest.fixture
def opened(tmp_path):
    """A stack and its labels, as napari opens them from files."""
    labels = np.zeros((16, 20), np.uint8)
    labels[4:8, 3:9], labels[10:12, 3:9] = 2, 1
    write_image(tmp_path / "cells.tif", StoredImage(VALUES, "ZYX"))
    write_image(tmp_path / "labels.tif", StoredImage(labels, "YX"))
    layers = []
    for kind, name, pixels in ((Image, "cells", VALUES), (Labels, "labels", labels)):
        with layer_source(path=str(tmp_path / f"{name}.tif")):
            layers.append(kind(pixels, name=name))
    return layers


@pytest.mark.parametrize(
    ("mask", "part", "suffix"),
    [
        pytest.param(None, (), ".ome.tif", id="whole"),
        pytest.param(None, (slice(1, 2), slice(2, 14), slice(4, 20)), ".tif", id="part"),
        pytest.param({}, (), ".ome.zarr", id="mask"),
        pytest.param({"label": 2}, (), ".tif", id="label"),
        pytest.param({"marks": "known"}, (), ".tif", id="known"),
        pytest.param({"plane": (1,)}, (), ".tif", id="plane"),
        pytest.param(
            {"label": 2}, (slice(0, 2), slice(2, 14), slice(1, 20)), ".tif", id="part of a mask"
        ),
    ],
)
def test_a_saved_result_is_reproduced(opened, tmp_path, mask, part, suffix):
    image, labels = opened
    source = read_layer(image, None if mask is None else Mask(labels, **mask))
    source = crop(source, part) if part else source
    task = "denoise" if mask is None else "inpaint"
    settings = Settings(task=task, axes="ZYX", iterations=2, device="cpu")
    path = tmp_path / f"result{suffix}"
    SavedLayer.of(restored_layer(source, settings)).write(path)
    again = reproduce(path)
    assert again.same, str(again)


def test_a_painted_mask_is_asked_for(opened, tmp_path):
    image, labels = opened
    painted = Labels(labels.data, name="painted")
    source = read_layer(image, Mask(painted))
    settings = Settings(task="inpaint", axes="ZYX", iterations=2, device="cpu")
    path = tmp_path / "result.tif"
    SavedLayer.of(restored_layer(source, settings)).write(path)
    with pytest.raises(FileProblem, match="'painted' was not saved; save it as a TIFF file"):
        reproduce(path)
    assert reproduce(path, mask=tmp_path / "labels.tif").same


def test_a_changed_strength_has_its_own_digest(tmp_path):
    record = {"napari-dip": "0", "axes": "YX", "input": {"path": None}, "result": {"pixels": "a"}}
    layer = Image(VALUES[0], metadata={"napari-dip": record})
    SavedLayer.of(layer).write(tmp_path / "a.tif")
    saved = read_provenance(tmp_path / "a.tif")["result"]
    assert saved["pixels"] == pixel_digest(VALUES[0], "YX")


@pytest.mark.parametrize("several", [False, True])
def test_what_the_file_says_is_kept(tmp_path, several):
    planes = {"DeltaT": [0.0, 0.5, 9.0, 9.5], "ExposureTime": [0.1, 0.2, 0.1, 0.2]}
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        np.random.default_rng(0).integers(0, 999, (2, 2, 16, 20), np.uint16),
        photometric="minisblack",
        metadata={
            "axes": "TCYX",
            "Name": "embryo",
            "AcquisitionDate": "2026-03-04T05:06:07",
            "Description": "drug A",
            "Channel": {"Name": ["DAPI", "GFP"], "EmissionWavelength": [450.0, 520.0]},
            "Plane": planes,
        },
    )
    layers = OpenedFile.open(tmp_path / "a.ome.tif").layers()[0 if several else 1 :]
    path = str(tmp_path / "b.ome.tif")
    write_layers(
        path,
        [one.as_layer_data_tuple() for one in layers],
        suffix=".ome.tif",
    )
    kept = read_image(tmp_path / "b.ome.tif")
    assert (kept.acquired, kept.times) == (
        "2026-03-04T05:06:07",
        (0.0, 9.0) if several else (0.5, 9.5),
    )
    assert kept.name == ("embryo" if several else "a, GFP")
    assert kept.extras["ome"]["Description"] == "drug A"
    assert kept.optics["wavelength"] == ((450.0, 520.0) if several else 520.0)
    exposures = kept.extras["ome_planes"]["ExposureTime"]
    assert [*exposures.values()] == (planes["ExposureTime"] if several else [0.2, 0.2])
