"""Test that pyramidal OME-TIFF is one image with smaller copies."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from example_files import read, values

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, dropped_notes, read_provenance, write_image
from napari_dip.image.metadata import Channel


@pytest.mark.parametrize(
    ("axes", "shape"), [("YX", (600, 700)), ("CZYX", (2, 3, 530, 520)), ("ZYXS", (2, 530, 520, 3))]
)
def test_each_level_is_the_mean_of_four_pixels(tmp_path, axes, shape):
    image = values(shape, "uint8")
    named = (Channel("a", "FF0000"), Channel("b", "00FF00")) if "C" in axes else ()
    stored = StoredImage(image, axes, {"Y": 0.1, "X": 0.1}, {"Y": "µm", "X": "µm"}, channels=named)
    path = tmp_path / "a.ome.tif"
    write_image(path, stored, provenance={"seed": 0}, pyramid=True)
    with tifffile.TiffFile(path) as tif:
        (series,) = tif.series
        sizes = [
            (level.shape[axes.index("Y")], level.shape[axes.index("X")]) for level in series.levels
        ]
        second = series.levels[1].asarray()
        assert series.keyframe.is_tiled
    first = (shape[axes.index("Y")], shape[axes.index("X")])
    assert sizes[:2] == [first, tuple(-(-side // 2) for side in first)]
    assert min(sizes[-1]) < 256
    corner = tuple(slice(2) if letter in "YX" else 0 for letter in axes)
    mean = image[corner].mean()
    assert abs(second[(0,) * len(axes)] - mean) <= 0.5
    back = read(path)
    np.testing.assert_array_equal(back.image, image)
    assert (back.axes, back.pixel_size) == (axes, {"Y": 0.1, "X": 0.1})
    assert back.channels == named
    assert read_provenance(path) == {"seed": 0}


def test_small_image_has_one_level(tmp_path):
    write_image(tmp_path / "a.ome.tif", StoredImage(values((20, 30)), "YX"), pyramid=True)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        assert len(tif.series[0].levels) == 1


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_other_formats_hold_no_pyramid(tmp_path, name):
    stored = StoredImage(values((20, 30), "uint8"), "YX")
    for write in (dropped_notes, write_image):
        rest = ("uint8", "YX") if write is dropped_notes else ()
        with pytest.raises(FileProblem, match=rf"{name} cannot hold a pyramid.*\.ome\.tif"):
            write(tmp_path / name, stored, *rest, pyramid=True)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "pyramid", "told"),
    [
        ("b.ome.tif", False, True),
        ("b.png", False, True),
        ("b.ome.tif", True, False),
        ("b.ome.zarr", False, False),
    ],
)
def test_copies_that_are_not_written_are_told(tmp_path, name, pyramid, told):
    image = StoredImage(values((600, 700), "uint8"), "YX")
    write_image(tmp_path / "a.ome.tif", image, pyramid=True)
    notes = dropped_notes(
        tmp_path / name, read(tmp_path / "a.ome.tif"), "uint8", "YX", pyramid=pyramid
    )
    assert any("smaller copies" in note for note in notes) is told
