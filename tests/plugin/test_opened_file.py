"""Files become layers with axes, sizes, units, channel names and colours."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

import tifffile
from napari.layers import Image

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import write_image
from napari_dip.image.metadata import Channel, StoredImage
from napari_dip.plugin.models.layer_file import optics_of
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.opened_file import OpenedFile, get_reader, pattern_of

RANDOM = np.random.default_rng(0)
CHANNELS = (Channel("DAPI", "0000FF"), Channel("GFP", "00FF00"))


@pytest.fixture
def pyramid(tmp_path):
    """An OME-Zarr of two channels with smaller levels."""
    path = tmp_path / "cells.ome.zarr"
    values = RANDOM.integers(0, 99, (2, 3, 600, 560), np.uint16)
    described = {
        "pixel_size": {"Z": 2.0, "Y": 0.5, "X": 0.5},
        "unit": dict.fromkeys("ZYX", "µm"),
        "translate": {"X": 5.0},
    }
    write_image(path, StoredImage(values, "CZYX", **described, channels=CHANNELS))
    return path, values


def test_channels_become_layers_with_colours(pyramid):
    path, values = pyramid
    layers = OpenedFile.open(path).layers()
    assert [layer.name for layer in layers] == ["cells, DAPI", "cells, GFP"]
    for number, layer in enumerate(layers):
        np.testing.assert_array_equal(layer.data[0], values[number])
        assert layer.axis_labels == ("z", "y", "x")
        np.testing.assert_array_equal(layer.scale, (2, 0.5, 0.5))
        np.testing.assert_array_equal(layer.translate, (0, 0, 5))
        assert {str(unit) for unit in layer.units} == {"micrometer"}
        assert layer.colormap.name == f"#{CHANNELS[number].colour}"
        assert layer.source.path == str(path)
        source = read_layer(layer)
        assert source.voxel == (2, 0.5, 0.5)
        assert source.channels == (CHANNELS[number],)


def test_each_channel_has_its_wavelengths(tmp_path):
    path, values = tmp_path / "cells.ome.tif", RANDOM.integers(0, 99, (2, 16, 20), np.uint16)
    described = {"axes": "CYX", "Channel": {"EmissionWavelength": [450.0, 520.0]}}
    tifffile.imwrite(path, values, ome=True, metadata=described)
    layers = OpenedFile.open(path).layers()
    assert [optics_of(layer) for layer in layers] == [{"wavelength": 450}, {"wavelength": 520}]


def test_pyramids_are_lazy_and_have_levels(pyramid):
    layer = OpenedFile.open(pyramid[0]).layers()[0]
    assert layer.multiscale
    assert [level.shape for level in layer.data][:2] == [(3, 600, 560), (3, 300, 280)]
    assert not isinstance(layer.data[0], np.ndarray)


def test_files_of_a_series_become_one_stack(tmp_path):
    planes = RANDOM.integers(0, 99, (11, 16, 20), np.uint16)
    files = [tmp_path / f"cells_t{number:02}.tif" for number in range(11)]
    for file, plane in zip(files, planes, strict=True):
        tifffile.imwrite(file, plane)
    (layer,) = OpenedFile.open(pattern_of(files)).layers()
    assert (layer.name, layer.axis_labels) == ("cells_t", ("t", "y", "x"))
    np.testing.assert_array_equal(layer.data, planes)
    with pytest.raises(FileProblem, match="not a whole series"):
        pattern_of(files[:4])


def test_colours_are_one_layer(tmp_path):
    path, values = tmp_path / "cells.png", RANDOM.integers(0, 255, (16, 20, 3), np.uint8)
    write_image(path, StoredImage(values, "YXS"))
    (layer,) = OpenedFile.open(path).layers()
    assert (layer.rgb, layer.ndim, layer.name) == (True, 2, "cells")
    np.testing.assert_array_equal(layer.data, values)


def test_one_of_several_images_is_opened(tmp_path):
    path = tmp_path / "cells.tif"
    with tifffile.TiffWriter(path) as file:
        for side in (16, 24):
            file.write(np.zeros((side, side), np.uint8))
    assert len(OpenedFile.open(path).stored.images) == 2
    (layer,) = OpenedFile.open(path, 1).layers()
    assert (layer.data.shape, layer.name) == ((24, 24), "cells, image 1")


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", None)
    path = tmp_path / "cells.lif"
    path.touch()
    with pytest.raises(FileProblem, match=r"install napari-dip\[formats\] and bioio-lif"):
        OpenedFile.open(path)
    with pytest.raises(FileProblem, match="bioio-lif"):
        get_reader(str(path))(str(path))


def test_the_reader_returns_layer_data(pyramid):
    made = get_reader(str(pyramid[0]))(str(pyramid[0]))
    assert [Image(pixels, **keywords).name for pixels, keywords, _ in made] == [
        "cells, DAPI",
        "cells, GFP",
    ]


def test_an_image_far_from_origin_is_visible(tmp_path):
    path, values = tmp_path / "a.ome.tif", RANDOM.integers(5, 99, (3, 16, 20), np.uint16)
    described = {"pixel_size": {"Z": 1.0}, "unit": {"Z": "µm"}, "translate": {"Z": 4000.0}}
    write_image(path, StoredImage(values, "ZYX", **described))
    (layer,) = OpenedFile.open(path).layers()
    assert layer.translate[0] == 4000
    assert layer.contrast_limits == [values[1].min(), values[1].max()]
