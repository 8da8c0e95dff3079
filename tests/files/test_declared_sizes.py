"""Test that impossible sizes and references to other folders are refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile
import zarr
from example_files import refused

from napari_dip.errors import FileProblem
from napari_dip.files.file_conflicts import files_of
from napari_dip.files.image_io import (
    read_image,
    read_provenance,
)


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def ome(path, change):
    """Write an OME-TIFF with changed XML."""
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(stack(), metadata={"axes": "ZYX"})
    xml = change(tifffile.tiffcomment(path))
    tifffile.tiffcomment(path, xml.encode())
    return path


def test_circular_references_are_followed_once(tmp_path):
    for name, other in (("a", "b"), ("b", "a"), ("c", "c")):
        tag = f'<BinaryOnly MetadataFile="{other}.ome.tif" UUID="urn:uuid:1"/>'
        xml = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        ome(tmp_path / f"{name}.ome.tif", lambda _, tag=tag, xml=xml: f"{xml}{tag}</OME>")
    for name in "abc":
        assert tmp_path / f"{name}.ome.tif" in files_of(tmp_path / f"{name}.ome.tif")
        assert read_image(tmp_path / f"{name}.ome.tif").image.shape == (3, 20, 24)


@pytest.mark.parametrize(
    "where", ["../other.zarr", "/other.zarr", "full/../../other.zarr", "C:\\a"]
)
def test_zarr_reference_outside_the_folder_is_refused(tmp_path, where):
    zarr.create_array(tmp_path / "other.zarr", data=stack((8, 9)))
    group = zarr.create_group(tmp_path / "a.zarr")
    axes = [{"name": name, "type": "space"} for name in "yx"]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": where}]}],
    }
    refused(tmp_path / "a.zarr", "not in its folder")


@pytest.mark.parametrize(
    "where", ["../secret.tif", "/etc/passwd", "a/../../b.tif", "\\\\host\\a.tif"]
)
def test_ome_reference_outside_the_folder_is_refused(tmp_path, where):
    tag = f'<TiffData IFD="0" PlaneCount="1"><UUID FileName="{where}">urn:uuid:1</UUID></TiffData>'
    path = ome(
        tmp_path / "a.ome.tif",
        lambda xml: re.sub("<TiffData.*?/>|<TiffData.*?</TiffData>", lambda _: tag, xml),
    )
    refused(path, "not in its folder")


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace('SizeZ="3"', 'SizeZ="100000000"'),
        lambda xml: xml.replace('PlaneCount="3"', 'PlaneCount="3000000000"'),
        lambda xml: xml.replace('SizeT="1"', f'SizeT="{10**30}"'),
    ],
)
def test_too_many_declared_planes_are_refused(tmp_path, change):
    refused(ome(tmp_path / "a.ome.tif", change), "planes, and at most")


def test_xml_with_entities_is_refused(tmp_path):
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE OME [<!ENTITY l0 "lol">{lol}]>'
    path = ome(tmp_path / "a.ome.tif", lambda xml: xml.replace("<OME", f"{bomb}<OME", 1))
    refused(path, "document type")
    with pytest.raises(FileProblem, match="document type"):
        read_provenance(path)
