"""Test the selection of an image in a TIFF file, and notes about its metadata."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile
from example_files import ome, read, refused_both_ways, values

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import (
    dropped_notes,
    read_image,
    write_image,
)


def test_first_of_several_images_is_used(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(values((16, 20), "uint8"))
        tif.write(values((24, 24), "uint16"))
    stored = read_image(tmp_path / "a.tif")
    assert stored.image.shape == (16, 20)
    assert "2 images" in stored.notes[0]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param(lambda xml: xml[: len(xml) // 2], "is incomplete or damaged", id="cut"),
        pytest.param(lambda xml: xml.replace("</Pixels>", ""), "incomplete or damaged", id="open"),
        pytest.param(
            lambda xml: re.sub("<TiffData.*?/>", "", xml),
            "does not locate",
            id="no TiffData",
        ),
        pytest.param(
            lambda xml: re.sub(
                "<TiffData.*?/>",
                '<TiffData PlaneCount="5"><UUID FileName="b.tif">urn:uuid:1</UUID></TiffData>',
                xml,
            ),
            "planes in 'b.tif', which is not in its folder",
            id="all elsewhere",
        ),
        pytest.param(
            lambda xml: (
                '<?xml version="1.0"?><OME UUID="a"><BinaryOnly '
                'MetadataFile="b.companion.ome" UUID="b"/></OME>'
            ),
            "b.companion.ome, which is not in its folder",
            id="no companion",
        ),
    ],
)
def test_unusable_ome_xml_gives_a_note(tmp_path, change, note):
    stored = read(ome(tmp_path, change))
    assert note in stored.notes[0]
    np.testing.assert_array_equal(stored.image, values((5, 16, 20)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda xml: xml.replace('SizeZ="5"', 'SizeZ="8"'), "8 planes, and 3 of them", id="more"
        ),
        pytest.param(
            lambda xml: re.sub(
                "<TiffData.*?/>", '<TiffData IFD="0"/><TiffData FirstZ="4" IFD="4"/>', xml
            ),
            "5 planes, and 3 of them",
            id="holes",
        ),
        pytest.param(
            lambda xml: xml.replace('SizeZ="5"', 'SizeZ="10"').replace(
                "</Pixels>",
                '<TiffData FirstZ="5" PlaneCount="5"><UUID FileName="b.tif">urn:uuid:1</UUID>'
                "</TiffData></Pixels>",
            ),
            "a part of its image in 'b.tif', which is not in its folder",
            id="half elsewhere",
        ),
    ],
)
def test_missing_planes_are_refused(tmp_path, change, reason):
    assert reason in refused_both_ways(ome(tmp_path, change))


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
def test_orientation_tag_is_kept_with_a_note(tmp_path, suffix):
    tags = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", values((16, 20)), extratags=tags)
    stored = read(tmp_path / "a.tif")
    assert "orientation tag (6)" in stored.notes[0]
    write_image(tmp_path / f"b{suffix}", stored)
    with tifffile.TiffFile(tmp_path / f"b{suffix}") as tif:
        assert tif.pages.first.tags.valueof("Orientation") == 6
    assert "orientation" in dropped_notes("b.zarr", stored, "uint16", "YX")[0]


def test_image_is_selected_by_its_number(tmp_path):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(values((16, 20)), metadata={"axes": "YX", "Name": "nuclei", "PhysicalSizeX": 0.1})
        said = {"axes": "ZYX", "Name": "actin", "PhysicalSizeX": 0.2}
        tif.write(values((3, 8, 9)), photometric="minisblack", metadata=said)
    stored = read(path)
    assert (stored.axes, stored.pixel_size["X"]) == ("YX", 0.1)
    assert "0: 'nuclei', 16 x 20 YX, uint16; 1: 'actin', 3 x 8 x 9 ZYX" in stored.notes[0]
    stored = read(path, series=1)
    assert (stored.axes, stored.pixel_size["X"], stored.series) == ("ZYX", 0.2, 1)
    with pytest.raises(FileProblem, match=r"no image number 2.*1: 'actin'"):
        read_image(path, series=2)
    with pytest.raises(FileProblem, match="series='1': give a whole number"):
        read_image(path, series="1")
