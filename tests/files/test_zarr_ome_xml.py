"""Test that the OME-XML of bioformats2raw is read and kept."""

from __future__ import annotations

import pytest
import zarr
from example_files import values
from example_zarr import foreign

from napari_dip.files.image_io import read_image, write_image

XML = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="1.4"/></Instrument>
<Image ID="Image:0" Name="other"><Pixels ID="Pixels:0"/></Image>
<Image ID="Image:1" Name="cells"><AcquisitionDate>2026-03-04T05:06:07</AcquisitionDate>
<InstrumentRef ID="Instrument:0"/><ObjectiveSettings ID="Objective:0"/>
<Pixels ID="Pixels:1" TimeIncrement="5" PhysicalSizeX="9" SizeY="8" SizeX="9">
<Channel ID="Channel:1:0" EmissionWavelength="520"/>
<Plane TheT="0" TheC="0" TheZ="0" DeltaT="0.5"/><Plane TheT="1" TheC="0" TheZ="0" DeltaT="5.5"/>
</Pixels></Image></OME>"""


def write(path, text):
    zarr.create_group(path, attributes={"ome": {"bioformats2raw.layout": 3}})
    axes = [{"name": "t", "type": "time"}, *({"name": name, "type": "space"} for name in "yx")]
    for number in range(2):
        foreign(path / f"{number}", values((2, 8, 9)), axes=axes)
    zarr.create_group(path / "OME", attributes={"ome": {"series": ["0", "1"]}})
    (path / "OME" / "METADATA.ome.xml").write_text(text)
    return path


def test_date_times_and_optics_are_read_and_kept(tmp_path):
    path = write(tmp_path / "a.zarr", XML.format(doctype=""))
    write_image(tmp_path / "b.ome.tif", read_image(path, series=1))
    for stored in (read_image(path, series=1), read_image(tmp_path / "b.ome.tif")):
        assert (stored.acquired, stored.times) == ("2026-03-04T05:06:07", (0.5, 5.5))
        assert stored.optics == {"na": 1.4, "wavelength": 520.0}
        assert stored.pixel_size["X"] == 0.5  # that of the zarr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (XML.format(doctype="<!DOCTYPE x>"), "document type"),
        (XML[:300], "not describe"),
        ("<OME/>", "not describe"),
    ],
)
def test_unusable_xml_is_noted(tmp_path, text, says):
    stored = read_image(write(tmp_path / "a.zarr", text), series=1)
    assert stored.image.shape == (2, 8, 9)
    assert says in " ".join(stored.notes)
