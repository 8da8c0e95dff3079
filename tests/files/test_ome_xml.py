"""Test that OME-XML metadata are read, written and kept."""

from __future__ import annotations

import pytest
import tifffile
from example_files import ome, read, values

from napari_dip.files.image_io import (
    read_image,
    write_image,
)
from napari_dip.files.ome_xml import ome_root, read_ome
from napari_dip.files.tolerant_parsing import TolerantParser


def test_ome_keeps_units_channel_names_and_description(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        values((2, 16, 20), "uint16"),
        metadata={
            "axes": "CYX",
            "PhysicalSizeX": 65.0,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 65.0,
            "PhysicalSizeYUnit": "nm",
            "Channel": {"Name": ["DAPI", "actin"]},
            "Description": "Plate 4",
        },
    )
    stored = read_image(tmp_path / "a.ome.tif")
    assert dict(stored.unit) == {"Y": "nm", "X": "nm"}
    write_image(tmp_path / "b.ome.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as tif:
        for said in ('Name="DAPI"', 'Name="actin"', "Plate 4", 'PhysicalSizeX="65.0"'):
            assert said in tif.ome_metadata
        assert tif.ome_metadata.count('Unit="nm"') == 2


@pytest.mark.parametrize("value", ["", "0,1", "-1", "INF", "x"])
@pytest.mark.parametrize("name", ["PhysicalSizeX", "TimeIncrement", "Color", "PositionY"])
def test_invalid_ome_number_is_ignored_with_a_note(tmp_path, name, value):
    said = {
        "PhysicalSizeX": lambda xml: xml.replace('SizeX="0.1"', f'SizeX="{value}"'),
        "TimeIncrement": lambda xml: xml.replace("<Pixels", f'<Pixels TimeIncrement="{value}"'),
        "Color": lambda xml: xml.replace("<Channel", f'<Channel Color="{value}"', 1),
        "PositionY": lambda xml: xml.replace(
            "</Pixels>", f'<Plane PositionY="{value}" PositionYUnit="mm"/></Pixels>'
        ),
    }[name]
    stored = read(ome(tmp_path, said))
    assert stored.pixel_size["Y"] == 0.1
    assert stored.unit["Y"] == "µm"
    if not (value == "-1" and name in ("Color", "PositionY")):
        assert any(f"{name}={value!r}" in note for note in stored.notes)


@pytest.mark.parametrize("value", [{}, None, [1], "x", True, -1, 1e999])
def test_invalid_json_sizes_are_ignored(tmp_path, value):
    metadata = {"axes": "YX", "PhysicalSizeX": value, "PhysicalSizeY": 0.5}
    metadata |= {"PhysicalSizeXUnit": value, "TimeIncrement": value}
    tifffile.imwrite(tmp_path / "a.tif", values((16, 20)), metadata=metadata)
    assert read(tmp_path / "a.tif").pixel_size == {"Y": 0.5}


OPTICS = """<OME><Instrument><Objective ID="Objective:0" LensNA="1.2" Immersion="Water"/>
<Objective ID="Objective:1" LensNA="1.4" Immersion="Oil"/></Instrument>
<Image><ObjectiveSettings ID="Objective:1"/><Pixels PhysicalSizeX="0.1" PhysicalSizeY="0.1">
<Channel EmissionWavelength="520" ExcitationWavelength="0.488" ExcitationWavelengthUnit="µm"
AcquisitionMode="LaserScanningConfocalMicroscopy"/>{more}</Pixels></Image></OME>"""


def optics_of(more=""):
    root = ome_root(OPTICS.format(more=more))
    return read_ome(root.find("Image"), TolerantParser(), root).optics


def test_the_microscope_is_read():
    found = {"na": 1.4, "ri": 1.518, "wavelength": 520, "excitation": 488, "modality": "confocal"}
    assert optics_of() == pytest.approx(found)


def test_wavelengths_that_differ_are_those_of_channels():
    found = optics_of('<Channel EmissionWavelength="610"/>')
    assert sorted(found) == ["excitation", "na", "ri", "wavelength"]
    assert found["wavelength"] == (520, 610)
    assert "wavelength" not in optics_of('<Channel EmissionWavelength="610"/><Channel/>')
