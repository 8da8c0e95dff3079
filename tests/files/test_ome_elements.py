"""Test that elements of OME-XML besides the image are kept, or named before the run."""

from __future__ import annotations

import ome_types
import pytest
import tifffile
from example_files import values
from ome_types.model import (
    OME,
    ROI,
    AnnotationRef,
    Channel,
    Experimenter,
    ExperimenterRef,
    Image,
    Instrument,
    InstrumentRef,
    MapAnnotation,
    Objective,
    ObjectiveSettings,
    Pixels,
    Plane,
    Point,
    ROIRef,
    StageLabel,
    StructuredAnnotations,
    TiffData,
)

from napari_dip.files.image_io import dropped_notes, read_image, write_image


def image(number, **more):
    pixels = Pixels(
        id=f"Pixels:{number}",
        dimension_order="XYZCT",
        type="uint16",
        size_x=20,
        size_y=16,
        size_z=3,
        size_c=1,
        size_t=1,
        channels=[Channel(id=f"Channel:{number}:0", samples_per_pixel=1)],
        planes=[Plane(the_t=0, the_c=0, the_z=z, exposure_time=0.25, delta_t=z) for z in (0, 2)],
        tiff_data_blocks=[TiffData(ifd=3 * number, plane_count=3)],
    )
    return Image(
        id=f"Image:{number}",
        pixels=pixels,
        instrument_ref=InstrumentRef(id=f"Instrument:{number}"),
        objective_settings=ObjectiveSettings(id=f"Objective:{number}", refractive_index=1.515),
        **more,
    )


def write(path, images=1):
    refs = {
        "experimenter_ref": ExperimenterRef(id="Experimenter:7"),
        "stage_label": StageLabel(name="B2"),
        "annotation_refs": [AnnotationRef(id="Annotation:0")],
        "roi_refs": [ROIRef(id="ROI:0")],
    }
    model = OME(
        instruments=[
            Instrument(
                id=f"Instrument:{n}", objectives=[Objective(id=f"Objective:{n}", lens_na=1.4 - n)]
            )
            for n in range(images)
        ],
        experimenters=[Experimenter(id="Experimenter:7", last_name="Müller")],
        structured_annotations=StructuredAnnotations(
            map_annotations=[MapAnnotation(id="Annotation:0", value={"dose": "3 µM"})]
        ),
        rois=[ROI(id="ROI:0", union=[Point(id="Shape:0", x=3, y=4)])],
        images=[image(0, **refs), *(image(n) for n in range(1, images))],
    )
    with tifffile.TiffWriter(path) as tif:
        described = model.to_xml().encode()
        for number in range(images):
            tif.write(
                values((3, 16, 20), "uint16"),
                description=None if number else described,
                metadata=None,
                photometric="minisblack",
            )
    return path


@pytest.mark.parametrize("pyramid", [False, True])
def test_microscope_annotations_and_regions_are_kept(tmp_path, pyramid):
    before = ome_types.from_tiff(write(tmp_path / "a.ome.tif"))
    path = tmp_path / "a.ome.tif"
    for name in ("b.ome.tif", "c.ome.tif"):  # a result can be restored again
        write_image(tmp_path / name, read_image(path), provenance={"seed": 0}, pyramid=pyramid)
        path = tmp_path / name
    after = ome_types.from_tiff(path)
    for part in ("instruments", "experimenters", "rois"):
        assert getattr(after, part) == getattr(before, part), part
    own, kept = sorted(
        after.structured_annotations.map_annotations, key=lambda one: "dose" in str(one)
    )
    assert kept == before.structured_annotations.map_annotations[0]
    assert own.namespace == "napari-dip"
    for part in ("instrument_ref", "objective_settings", "experimenter_ref", "stage_label"):
        assert getattr(after.images[0], part) == getattr(before.images[0], part), part
    ome_types.validate_xml(tifffile.tiffcomment(path))
    stored = read_image(path)
    assert stored.optics["na"] == 1.4
    assert (stored.image == values((3, 16, 20), "uint16")).all()


def test_times_of_some_planes_are_kept(tmp_path):
    write_image(tmp_path / "b.ome.tif", read_image(write(tmp_path / "a.ome.tif")))
    planes = ome_types.from_tiff(tmp_path / "b.ome.tif").images[0].pixels.planes
    assert [(one.the_z, one.delta_t, one.exposure_time) for one in planes] == [
        (0, 0.0, 0.25),
        (2, 2.0, 0.25),
    ]


def test_an_image_keeps_only_its_own(tmp_path):
    path = write(tmp_path / "a.ome.tif", images=2)
    write_image(tmp_path / "b.ome.tif", read_image(path, series=1))
    kept = ome_types.from_tiff(tmp_path / "b.ome.tif")
    assert [one.id for one in kept.instruments] == ["Instrument:1"]
    assert (kept.rois, kept.experimenters) == ([], [])


def test_refined_image_drops_the_regions(tmp_path):
    stored = read_image(write(tmp_path / "a.ome.tif"))
    refined = stored.with_image(values((3, 32, 40), "uint16"), "ZYX", {"Y": 2, "X": 2})
    write_image(tmp_path / "b.ome.tif", refined)
    assert ome_types.from_tiff(tmp_path / "b.ome.tif").rois == []
    notes = dropped_notes(tmp_path / "b.ome.tif", stored, stored.image.dtype, "ZYX", {"Y": 2})
    assert "regions of interest" in " ".join(notes)


@pytest.mark.parametrize("name", ["b.tif", "b.ome.zarr"])
def test_other_formats_name_what_they_drop(tmp_path, name):
    stored = read_image(write(tmp_path / "a.ome.tif"))
    notes = " ".join(dropped_notes(tmp_path / name, stored, stored.image.dtype, "ZYX"))
    for told in ("microscope", "experimenter", "stage label", "annotations", "regions"):
        assert told in notes


def test_elements_without_a_place_are_named(tmp_path):
    path = write(tmp_path / "a.ome.tif")
    said = ome_types.from_tiff(path).to_xml().replace("<Image ", '<Plate ID="Plate:0"/><Image ', 1)
    tifffile.imwrite(
        path,
        values((3, 16, 20), "uint16"),
        description=said.encode(),
        metadata=None,
        photometric="minisblack",
    )
    assert any("Plate" in note for note in read_image(path).notes)
