"""Test resolution, colours and samples in the tags of TIFF pages."""

from __future__ import annotations

import pytest
import tifffile
from example_files import imagej, read, values

from napari_dip.files.image_io import (
    read_image,
    write_image,
)


def test_resolution_per_centimetre_is_a_pixel_size(tmp_path):
    image = values((16, 20), "uint8")
    tifffile.imwrite(
        tmp_path / "a.tif", image, resolution=(5000, 5000), resolutionunit="CENTIMETER"
    )
    tifffile.imwrite(tmp_path / "b.tif", image, resolution=(72, 72), resolutionunit="INCH")
    stored = read_image(tmp_path / "a.tif")
    assert dict(stored.pixel_size) == pytest.approx({"Y": 2e-4, "X": 2e-4})
    assert set(stored.unit.values()) == {"cm"}
    assert not read_image(tmp_path / "b.tif").pixel_size


@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_grey_samples_become_channels(tmp_path, samples, planar):
    shape = (16, 20, samples) if planar == "contig" else (samples, 16, 20)
    path, image = tmp_path / "a.tif", values(shape, dtype="uint8")
    tifffile.imwrite(path, image, photometric="minisblack", planarconfig=planar)
    stored = read(path)
    assert (stored.axes, stored.image.shape) == ("CYX", (samples, 16, 20))
    assert f"its {samples} samples are read as channels" in stored.notes[0]
    write_image(tmp_path / "b.tif", stored)
    assert read(tmp_path / "b.tif").axes == "CYX"


@pytest.mark.parametrize(
    ("kind", "note"), [("unassalpha", ""), ("assocalpha", ""), ("unspecified", "fourth sample")]
)
@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
def test_fourth_colour_sample_keeps_its_meaning(tmp_path, kind, note, suffix):
    path, image = tmp_path / "a.tif", values((16, 20, 4), dtype="uint8")
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=[kind])
    stored = read(path)
    assert stored.axes == "YXS"
    assert note in " ".join(stored.notes)
    write_image(tmp_path / f"b{suffix}", stored)
    with tifffile.TiffFile(tmp_path / f"b{suffix}") as tif:
        assert [one.name for one in tif.pages.first.extrasamples] == [kind.upper()]


def test_inks_and_extra_samples_become_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", values((9, 9, 4), dtype="uint8"), photometric="separated")
    tifffile.imwrite(tmp_path / "b.tif", values((9, 9, 5), dtype="uint8"), photometric="rgb")
    assert read(tmp_path / "a.tif").channels[0].name == "Cyan"
    assert read(tmp_path / "b.tif").image.shape == (5, 9, 9)


@pytest.mark.parametrize(
    ("resolution", "unit"), [(96, 2), (72, 2), (0, 2), (72 / 2.54, 3), (96 / 2.54, 3)]
)
def test_screen_resolution_is_not_a_pixel_size(tmp_path, resolution, unit):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values((16, 20)), resolution=(resolution,) * 2, resolutionunit=unit)
    assert not read(path).pixel_size
    imagej(path, values((16, 20)), unit="inch", resolution=(72, 72))
    assert not read(path).pixel_size
