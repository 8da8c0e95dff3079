"""Axes and spacing of a layer are read, checked, and kept on it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes
from napari.layers._source import layer_source

from napari_dip.errors import BadImage, BadSettings
from napari_dip.plugin.models.layer_axes import (
    Spacing,
    axes_text,
    checked_letters,
    checked_size,
    set_from_file,
    set_letters,
    set_spacing,
    shown_letters,
    spacing_of,
)
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.settings import Settings, SuperResolve

CUBES = Settings(task=SuperResolve(factor="isotropic"))


def stack(**keywords):
    return Image(np.zeros((4, 16, 20), np.uint16), name="cells", **keywords)


@pytest.fixture
def viewer(tmp_path):
    """A viewer with an ImageJ stack, which napari opens without axes and sizes."""
    file = tmp_path / "cells.tif"
    described = {"axes": "ZYX", "spacing": 2.0, "unit": "um"}
    values = np.zeros((4, 16, 20), np.uint16)
    tifffile.imwrite(file, values, imagej=True, resolution=(2, 2), metadata=described)
    viewer = ViewerModel()
    with layer_source(path=str(file)):
        viewer.add_image(values, name="cells")
    return viewer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ZY", "3 letters, one for each axis of 4 × 16 × 20"),
        ("ZKX", "K is not an axis"),
        ("YYX", "Y is there twice"),
        ("TZX", "needs Y and X"),
    ],
)
def test_wrong_letters_are_refused(text, said):
    with pytest.raises(BadImage, match=said):
        checked_letters(text, stack())


@pytest.mark.parametrize("text", ["0", "-1", "wide", "inf", "nan"])
def test_wrong_sizes_are_refused(text):
    with pytest.raises(BadImage, match="along Z: type a number above 0"):
        checked_size("Z", text)


def test_a_decimal_comma_is_read():
    assert (checked_size("Z", "0,5"), checked_size("Z", " ")) == (0.5, None)


def test_letters_become_axis_labels():
    layer = stack(axis_labels=("stage", "y", "x"))
    set_letters(layer, "QYX")
    assert layer.axis_labels == ("stage", "y", "x")
    set_letters(layer, "TYX")
    assert layer.axis_labels == ("t", "y", "x")
    set_letters(layer, "QYX")
    assert shown_letters(layer) == "?YX"


def test_sizes_are_shown_in_one_unit():
    layer = stack(scale=(2, 500, 500), units=("um", "nm", "nm"), axis_labels="zyx")
    assert spacing_of(layer, "ZYX", "ZYX") == Spacing({"Z": 2, "Y": 0.5, "X": 0.5}, "µm")
    assert spacing_of(stack(), "ZYX", "ZYX").sizes == {}


def test_spacing_moves_layers_on_the_same_grid():
    image, other = stack(translate=(0, 4, 6)), stack(scale=(3, 1, 1))
    mask = Labels(np.zeros((16, 20), int), translate=(4, 6))
    outline = Shapes([[[0, 0], [3, 3]]], translate=(4, 6))
    layers = [image, mask, outline, other]
    before = image.data.copy()
    set_spacing(layers, image, "ZYX", Spacing({"Z": 2.0, "Y": 0.5, "X": 0.5}, "µm"))
    assert tuple(image.scale) == (2, 0.5, 0.5)
    assert {str(unit) for unit in image.units} == {"micrometer"}
    for moved in (mask, outline):
        np.testing.assert_array_equal(moved.scale, image.scale[-2:])
        np.testing.assert_array_equal(moved.translate, image.translate[-2:])
    np.testing.assert_array_equal(image.translate, (0, 2, 3))
    assert tuple(other.scale) == (3, 1, 1)
    np.testing.assert_array_equal(image.data, before)


def test_the_file_names_what_napari_did_not(viewer):
    layer = viewer.layers[0]
    assert shown_letters(layer) == "?YX"
    said = set_from_file(viewer.layers, layer)
    assert said == "Read from the file of 'cells': axes ZYX, pixel size 2 × 0.5 × 0.5 µm."
    assert layer.axis_labels == ("z", "y", "x")
    assert read_layer(layer).voxel == (2, 0.5, 0.5)
    assert set_from_file(viewer.layers, layer) == ""


def test_other_grids_in_pixels_keep_their_place(viewer):
    viewer.add_image(np.zeros((50, 50)))
    assert set_from_file(viewer.layers, viewer.layers[0]).endswith("axes ZYX.")
    assert tuple(viewer.layers[0].scale) == (1, 1, 1)


def test_cubes_need_a_known_voxel():
    layer = stack(axis_labels="zyx")
    with pytest.raises(BadSettings, match="type it under Axes"):
        match_settings(read_layer(layer), CUBES)
    set_spacing([], layer, "ZYX", Spacing({"Z": 2.0, "Y": 1.0, "X": 1.0}, "µm"))
    _, settings = match_settings(read_layer(layer), CUBES)
    assert settings.factors["Z"] == 2


def test_a_time_lapse_has_no_cubes():
    with pytest.raises(BadImage, match="its axes are TYX"):
        match_settings(read_layer(stack(axis_labels="tyx")), CUBES)


def test_the_title_tells_what_is_unknown():
    assert axes_text("??YX", Spacing({}, "µm")) == "Axes ??YX – name those with ?"
    assert axes_text("ZYX", Spacing({"Y": 0.5, "X": 0.5}, "µm")) == "Axes ZYX · ? × 0.5 × 0.5 µm"
