"""Test that ImageJ metadata are read, written and kept."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from example_files import imagej, in_micrometres, read, values

from napari_dip.files.image_io import (
    StoredImage,
    dropped_notes,
    read_image,
    read_provenance,
    write_image,
)

RECORD = {"seed": 3, "settings": {"task": {"kind": "denoise"}}, "note": 'a "µ" & <b>'}


SIGNED = ("cf=0", "c0=-32768.0", "c1=1.0", "vunit=Gray Value")


def test_tif_is_an_imagej_hyperstack(tmp_path):
    write_image(tmp_path / "a.tif", in_micrometres(values((3, 2, 16, 20), "uint16"), "ZCYX"))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        said = tif.imagej_metadata
        assert tif.is_imagej
    assert (said["slices"], said["channels"]) == (3, 2)
    assert (said["unit"], said["spacing"]) == ("micron", 0.5)


def test_imagej_info_ranges_and_mode_are_kept(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        values((2, 16, 20), "uint16"),
        imagej=True,
        resolution=(4, 4),
        metadata={
            "axes": "CYX",
            "unit": "\\u00B5m",
            "mode": "composite",
            "finterval": 1.5,
            "Info": "Objective 63x",
            "Ranges": (0.0, 80.0, 5.0, 90.0),
        },
    )
    stored = read_image(tmp_path / "a.tif")
    assert dict(stored.pixel_size) == {"Y": 0.25, "X": 0.25, "T": 1.5}
    assert dict(stored.unit) == {"Y": "µm", "X": "µm", "T": "s"}
    write_image(tmp_path / "b.tif", stored, provenance=RECORD)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        said = tif.imagej_metadata
    assert said["mode"] == "composite"
    assert said["Ranges"] == (0.0, 80.0, 5.0, 90.0)
    assert said["finterval"] == 1.5
    assert "Objective 63x" in said["Info"]
    assert read_provenance(tmp_path / "b.tif") == RECORD


def test_different_length_units_are_converted_for_imagej(tmp_path):
    stored = StoredImage(
        values((3, 16, 20), "uint8"),
        "ZYX",
        {"Z": 0.5, "Y": 130.0, "X": 130.0},
        {"Z": "µm", "Y": "nm", "X": "nm"},
    )
    write_image(tmp_path / "a.tif", stored)
    back = read_image(tmp_path / "a.tif")
    assert dict(back.pixel_size) == pytest.approx({"Z": 500.0, "Y": 130.0, "X": 130.0})
    assert set(back.unit.values()) == {"nm"}


def test_invalid_imagej_numbers_are_ignored_with_a_note(tmp_path):
    lines = ("spacing=abc", "finterval=nan", "xorigin=1,5", "c0=x", "cf=0")
    stored = read(imagej(tmp_path / "a.tif", values((3, 16, 20)), *lines, axes="ZYX", unit="um"))
    assert dict(stored.pixel_size) == {"X": 0.25, "Y": 0.25}
    assert all(f"{line.split('=')[0]}=" in " ".join(stored.notes) for line in lines[:4])


def test_grey_value_calibration_is_kept_with_the_dtype(tmp_path):
    stored = read(imagej(tmp_path / "a.tif", values((16, 20)), *SIGNED))
    assert "-32768 + 1 x" in stored.notes[0]
    write_image(tmp_path / "b.tif", stored)
    assert set(SIGNED) <= set(tifffile.tiffcomment(tmp_path / "b.tif").splitlines())
    assert not dropped_notes("b.tif", stored, "uint16", "YX")
    real = stored.with_image(stored.whole().astype("float32"), "YX")
    write_image(tmp_path / "c.tif", real)
    assert "cf=" not in tifffile.tiffcomment(tmp_path / "c.tif")
    for path, dtype in (("c.tif", "float32"), ("c.ome.tif", "uint16"), ("c.zarr", "uint16")):
        assert "grey value calibration" in dropped_notes(path, stored, dtype, "YX")[0]


@pytest.mark.parametrize(
    ("lines", "size", "unit", "written"),
    [
        (["spacing=-500", "zunit=nm", "yunit=nm"], {"Z": 500}, {"Z": "nm", "Y": "nm"}, "-0.5"),
        (["spacing=3", "zunit=section"], {"Z": 3}, {"Z": "section"}, "3.0"),
    ],
)
def test_each_axis_may_have_its_own_unit(tmp_path, lines, size, unit, written):
    path = imagej(tmp_path / "a.tif", values((3, 16, 20)), *lines, axes="ZYX", unit="micron")
    stored = read(path)
    assert {axis: stored.pixel_size[axis] for axis in size} == size
    assert {axis: stored.unit[axis] for axis in unit} == unit
    write_image(tmp_path / "b.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert str(tif.imagej_metadata["spacing"]) == written
    assert read(tmp_path / "b.tif").unit["Z"] in (unit["Z"], "µm")


@pytest.mark.parametrize(("unit", "seconds"), [("min", 120), ("ms", 0.002), ("hours", 7200)])
def test_time_unit_is_converted_to_seconds(tmp_path, unit, seconds):
    lines = ("finterval=2", f"tunit={unit}")
    stored = read(imagej(tmp_path / "a.tif", values((3, 16, 20)), *lines, axes="TYX"))
    assert stored.pixel_size["T"] == 2
    write_image(tmp_path / "b.tif", stored)
    assert read(tmp_path / "b.tif").pixel_size["T"] == pytest.approx(seconds)


def test_regions_are_kept_on_planes_of_equal_size(tmp_path):
    stored = read(
        imagej(tmp_path / "a.tif", values((16, 20)), ROI=b"region", Properties={"a": "b"})
    )
    write_image(tmp_path / "b.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.imagej_metadata["ROI"] == b"region"
        assert tif.imagej_metadata["Properties"] == {"a": "b"}
    assert "regions" in dropped_notes("b.tif", stored, "uint16", "YX", {"Y": 2, "X": 2})[0]


@pytest.mark.parametrize("palette", [False, True])
def test_colour_of_a_single_channel_is_kept(tmp_path, palette):
    table = np.outer((0, 255, 0), np.linspace(0, 1, 256)).astype(np.uint8)
    options = {"imagej": True, "metadata": {"axes": "ZYX", "LUTs": [table]}}
    if palette:  # as ImageJ writes 8-bit images
        options = {"photometric": "palette", "colormap": table.astype(np.uint16) << 8}
    pixels = np.arange(3 * 16 * 20, dtype=np.uint8).reshape(3, 16, 20)
    tifffile.imwrite(tmp_path / "a.tif", pixels[0] if palette else pixels, **options)
    stored = read_image(tmp_path / "a.tif")
    assert [one.colour for one in stored.channels] == ["00FF00"]
    assert stored.notes == ()


def test_other_colour_tables_are_named_or_kept(tmp_path):
    fire = np.stack([np.arange(256), np.arange(256) ** 2 % 256, np.arange(256)[::-1]])
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((16, 20), np.uint8),
        imagej=True,
        metadata={"LUTs": [fire.astype(np.uint8)], "Labels": ["slide 4"]},
    )
    stored = read_image(tmp_path / "a.tif")
    notes = dropped_notes(tmp_path / "b.ome.tif", stored, np.uint8, "YX")
    assert "look-up tables, plane labels" in " ".join(notes)
    write_image(tmp_path / "b.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.imagej_metadata["Labels"] == "slide 4"
        np.testing.assert_array_equal(tif.imagej_metadata["LUTs"], fire)
