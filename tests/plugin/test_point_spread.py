"""A point spread function is found, checked, described and shown for a layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

from napari.layers import Image
from napari.layers._source import layer_source

from napari_dip.errors import BadImage, BadSettings
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.optics.psf import gaussian_psf
from napari_dip.plugin.models import point_spread
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.pixel_sizes import with_pixel_sizes
from napari_dip.plugin.models.point_spread import check_point_spread, psf_layer, read_bead
from napari_dip.plugin.models.psf_text import describe_point_spread
from napari_dip.settings import Settings

OPTICS = {"kind": "deconvolve", "na": 1.4, "ri": 1.518, "wavelength": 520}


def stack(**placed):
    return read_layer(Image(np.zeros((4, 5, 16, 20)), axis_labels=("c", "z", "y", "x"), **placed))


def volume(task):
    return Settings(task=task, ndim=3, axes="CZYX")


def test_pixel_sizes_come_from_the_layer():
    source = stack(scale=(1, 300, -100, 100), units=("pixel", "nm", "nm", "nm"))
    task = with_pixel_sizes(source, volume(OPTICS)).task
    assert (task.pixel_size, task.z_step) == (pytest.approx(0.1), pytest.approx(0.3))
    typed = volume({**OPTICS, "pixel_size": 0.2})
    assert with_pixel_sizes(source, typed).task.pixel_size == 0.2
    assert with_pixel_sizes(source, volume("denoise")) == volume("denoise")


def test_a_volume_needs_the_distance_of_planes():
    source = stack(scale=(1, 1, 0.1, 0.1), units=("pixel", "pixel", "um", "um"))
    settings = with_pixel_sizes(source, volume(OPTICS))
    with pytest.raises(BadSettings, match=r"distance of the planes of .* is not known"):
        check_point_spread(source, settings)
    check_point_spread(source, settings.replace(ndim=2))
    with pytest.raises(BadSettings, match="distance of the planes"):
        width = volume({"kind": "deconvolve", "fwhm": "250 nm"})
        check_point_spread(source, with_pixel_sizes(source, width))
    check_point_spread(source, volume({"kind": "deconvolve", "fwhm": 3}))
    with pytest.raises(BadSettings, match="has 2 widths; give one"):
        check_point_spread(source, volume({"kind": "deconvolve", "fwhm": (3, 4)}))


def test_a_layer_that_is_no_bead_is_refused(monkeypatch):
    with pytest.raises(BadImage, match="has the axes TYX"):
        read_bead(Image(np.ones((3, 8, 8)), name="film", axis_labels=("t", "y", "x")))
    monkeypatch.setattr(point_spread, "MAX_BEAD_VALUES", 100)
    with pytest.raises(BadImage, match="'big' has 11 × 11 pixels, too many for one bead"):
        read_bead(Image(np.ones((11, 11)), name="big"))


def test_a_copied_bead_does_not_change():
    layer = Image(np.ones((9, 9)), name="bead")
    kept, shared = (read_bead(layer, copy=copy).stored.image for copy in (True, False))
    layer.data[4, 4] = 7
    assert (kept[4, 4], shared[4, 4]) == (1, 7)


def test_the_layer_of_a_volume_lacks_other_axes():
    source = stack(scale=(1, 0.3, 0.1, 0.1), units=("pixel", "um", "um", "um"))
    psf = gaussian_psf((2.0, 3.0, 3.0))
    pixels, keywords, _ = psf_layer(psf, source, volume({"kind": "deconvolve", "fwhm": "2,3,3"}))
    assert pixels.shape == psf.values.shape
    assert keywords["axis_labels"] == ("z", "y", "x")
    np.testing.assert_allclose(keywords["scale"], (0.3, 0.1, 0.1))


def test_widths_are_those_of_the_kernel():
    source = stack(scale=(1, 0.3, 0.1, 0.1), units=("pixel", "um", "um", "um"))
    psf = replace(gaussian_psf((2.0, 4.0, 4.0)), source="measured")
    said = describe_point_spread(psf, source, volume("deconvolve"))
    assert said.startswith("PSF: measured, 0.41 µm wide, 0.64 µm along Z.")  # with that of a pixel


def test_sizes_of_the_file_count_without_napari(tmp_path):
    sizes = {"Z": 0.3, "Y": 0.1, "X": 0.1}, dict.fromkeys("ZYX", "µm")
    write_image(tmp_path / "a.ome.tif", StoredImage(np.ones((5, 9, 9), "u1"), "ZYX", *sizes))
    with layer_source(path=str(tmp_path / "a.ome.tif")):
        layer = Image(np.ones((5, 9, 9), "u1"), name="a")
    assert read_bead(layer).stored.pixel_size == sizes[0]
    settings = Settings(task=OPTICS, axes="ZYX", ndim=3)
    assert with_pixel_sizes(read_layer(layer), settings).task.pixel_size == pytest.approx(0.1)
    layer.scale, layer.units = (1, 2, 2), "um"  # the user knows better
    assert read_bead(layer).stored.pixel_size == {"Z": 1, "Y": 2, "X": 2}
