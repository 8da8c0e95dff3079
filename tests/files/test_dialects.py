"""TIFF: what a file says of itself is used, kept, or refused in words, lazily and at once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, dropped_notes, read_image, write_image
from napari_dip.image.metadata import Channel

TABLES = [
    np.array([np.linspace(0, end, 256).round() for end in ends], "u1")
    for ends in ((255, 0, 0), (0, 128, 255))
]


def values(*shape: int, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def read(path: Path, **options) -> StoredImage:
    """Read a file lazily and at once, which must say the same."""
    whole, lazy = (read_image(path, lazy=lazy, **options) for lazy in (False, True))
    np.testing.assert_array_equal(lazy.image, whole.image)
    for name in ("axes", "pixel_size", "unit", "notes", "translate", "channels", "files"):
        assert getattr(lazy, name) == getattr(whole, name), name
    assert lazy.extras.keys() == whole.extras.keys()
    return whole


def refused(path: Path) -> str:
    """Give the reason for which a file is refused, lazily and at once."""
    reasons = []
    for lazy in (False, True):
        with pytest.raises(FileProblem) as caught:
            read_image(path, lazy=lazy)
        reasons.append(str(caught.value))
    assert reasons[0] == reasons[1]
    return reasons[0]


def ome(folder: Path, change=lambda xml: xml, name: str = "a.ome.tif", **said) -> Path:
    path = folder / name
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1} | said
    tifffile.imwrite(path, values(5, 16, 20), photometric="minisblack", metadata=metadata)
    tifffile.tiffcomment(path, change(tifffile.tiffcomment(path)).encode())
    return path


def imagej(path: Path, image: np.ndarray, *lines: str, **said) -> Path:
    resolution = said.pop("resolution", (4, 4))
    tifffile.imwrite(path, image, imagej=True, resolution=resolution, metadata=said)
    description = "\n".join([tifffile.tiffcomment(path), *lines, ""])
    tifffile.tiffcomment(path, description.encode())
    return path


# ---- samples ---------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_samples_that_are_grey_are_channels(tmp_path, samples, planar):
    shape = (16, 20, samples) if planar == "contig" else (samples, 16, 20)
    path, image = tmp_path / "a.tif", values(*shape, dtype="uint8")
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
def test_a_fourth_sample_beside_colours_keeps_its_meaning(tmp_path, kind, note, suffix):
    path, image = tmp_path / "a.tif", values(16, 20, 4, dtype="uint8")
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=[kind])
    stored = read(path)
    assert stored.axes == "YXS"
    assert note in " ".join(stored.notes)
    write_image(tmp_path / f"b{suffix}", stored)
    with tifffile.TiffFile(tmp_path / f"b{suffix}") as tif:
        assert [one.name for one in tif.pages.first.extrasamples] == [kind.upper()]


def test_inks_and_colours_with_more_samples_are_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", values(9, 9, 4, dtype="uint8"), photometric="separated")
    tifffile.imwrite(tmp_path / "b.tif", values(9, 9, 5, dtype="uint8"), photometric="rgb")
    assert read(tmp_path / "a.tif").channels[0].name == "Cyan"
    assert read(tmp_path / "b.tif").image.shape == (5, 9, 9)


# ---- OME-XML ---------------------------------------------------------------------------------


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
def test_xml_of_no_use_is_said_and_the_pages_are_taken(tmp_path, change, note):
    stored = read(ome(tmp_path, change))
    assert note in stored.notes[0]
    np.testing.assert_array_equal(stored.image, values(5, 16, 20))


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
def test_missing_planes_are_refused_and_not_zero(tmp_path, change, reason):
    assert reason in refused(ome(tmp_path, change))


@pytest.mark.parametrize("name", ["set.companion.ome", "set.ome.xml"])
def test_a_companion_describes_the_files_beside_it(tmp_path, name):
    path = ome(tmp_path)
    xml = re.sub('UUID="[^"]*"', 'UUID="urn:uuid:c"', tifffile.tiffcomment(path))
    where = '<TiffData PlaneCount="5"><UUID FileName="a.ome.tif">urn:uuid:b</UUID></TiffData>'
    companion = tmp_path / name
    companion.write_text(re.sub("<TiffData.*?/>", where, xml), "utf-8")
    tifffile.tiffcomment(
        path,
        '<?xml version="1.0"?><OME UUID="urn:uuid:b"><BinaryOnly UUID="urn:uuid:c" '
        f'MetadataFile="{name}"/></OME>'.encode(),
    )
    for opened in (companion, path):
        stored = read(opened)
        assert (stored.axes, dict(stored.pixel_size)) == ("ZYX", {"Y": 0.1, "X": 0.1})
    path.unlink()
    assert "names 'a.ome.tif', which does not exist" in refused(companion)


# ---- numbers that make no sense --------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "0,1", "-1", "INF", "x"])
@pytest.mark.parametrize("name", ["PhysicalSizeX", "TimeIncrement", "Color", "PositionY"])
def test_a_number_that_makes_no_sense_is_ignored_and_said(tmp_path, name, value):
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
def test_values_of_any_type_in_json_refuse_nothing(tmp_path, value):
    metadata = {"axes": "YX", "PhysicalSizeX": value, "PhysicalSizeY": 0.5}
    metadata |= {"PhysicalSizeXUnit": value, "TimeIncrement": value}
    tifffile.imwrite(tmp_path / "a.tif", values(16, 20), metadata=metadata)
    assert read(tmp_path / "a.tif").pixel_size == {"Y": 0.5}


def test_nonsense_of_imagej_is_ignored_and_said(tmp_path):
    lines = ("spacing=abc", "finterval=nan", "xorigin=1,5", "c0=x", "cf=0")
    stored = read(imagej(tmp_path / "a.tif", values(3, 16, 20), *lines, axes="ZYX", unit="um"))
    assert dict(stored.pixel_size) == {"X": 0.25, "Y": 0.25}
    assert all(f"{line.split('=')[0]}=" in " ".join(stored.notes) for line in lines[:4])


@pytest.mark.parametrize(
    ("resolution", "unit"), [(96, 2), (72, 2), (0, 2), (72 / 2.54, 3), (96 / 2.54, 3)]
)
def test_the_resolution_of_a_screen_is_no_pixel_size(tmp_path, resolution, unit):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values(16, 20), resolution=(resolution,) * 2, resolutionunit=unit)
    assert not read(path).pixel_size
    imagej(path, values(16, 20), unit="inch", resolution=(72, 72))
    assert not read(path).pixel_size


# ---- ImageJ ----------------------------------------------------------------------------------

SIGNED = ("cf=0", "c0=-32768.0", "c1=1.0", "vunit=Gray Value")


def test_the_calibration_of_grey_values_is_kept_with_the_dtype(tmp_path):
    stored = read(imagej(tmp_path / "a.tif", values(16, 20), *SIGNED))
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
    path = imagej(tmp_path / "a.tif", values(3, 16, 20), *lines, axes="ZYX", unit="micron")
    stored = read(path)
    assert {axis: stored.pixel_size[axis] for axis in size} == size
    assert {axis: stored.unit[axis] for axis in unit} == unit
    write_image(tmp_path / "b.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert str(tif.imagej_metadata["spacing"]) == written
    assert read(tmp_path / "b.tif").unit["Z"] in (unit["Z"], "µm")


@pytest.mark.parametrize(("unit", "seconds"), [("min", 120), ("ms", 0.002), ("hours", 7200)])
def test_times_are_in_their_own_unit(tmp_path, unit, seconds):
    lines = ("finterval=2", f"tunit={unit}")
    stored = read(imagej(tmp_path / "a.tif", values(3, 16, 20), *lines, axes="TYX"))
    assert stored.pixel_size["T"] == 2
    write_image(tmp_path / "b.tif", stored)
    assert read(tmp_path / "b.tif").pixel_size["T"] == pytest.approx(seconds)


def test_regions_are_kept_on_planes_of_the_same_size(tmp_path):
    stored = read(imagej(tmp_path / "a.tif", values(16, 20), ROI=b"region", Properties={"a": "b"}))
    write_image(tmp_path / "b.tif", stored)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.imagej_metadata["ROI"] == b"region"
        assert tif.imagej_metadata["Properties"] == {"a": "b"}
    assert "regions" in dropped_notes("b.tif", stored, "uint16", "YX", {"Y": 2, "X": 2})[0]


# ---- channels, orientation, several images ---------------------------------------------------

NAMED = (Channel("DAPI", "FF0000"), Channel("actin", "0080FF"))


@pytest.mark.parametrize("first", [".tif", ".ome.tif", ".zarr"])
@pytest.mark.parametrize("second", [".tif", ".ome.tif", ".zarr"])
def test_names_and_colours_of_channels_go_everywhere(tmp_path, first, second):
    if first == ".tif":
        said = {"Labels": ["DAPI", "actin"] * 3, "LUTs": TABLES, "mode": "composite"}
        imagej(tmp_path / "a.tif", values(3, 2, 16, 20), axes="ZCYX", **said)
    else:
        image = StoredImage(values(3, 2, 16, 20), "ZCYX", channels=NAMED)
        write_image(tmp_path / f"a{first}", image)
    stored = read_image(tmp_path / f"a{first}")
    assert stored.channels == NAMED
    larger = stored.whole().repeat(2, stored.axes.index("Z"))
    write_image(tmp_path / f"b{second}", stored.with_image(larger, stored.axes, {"Z": 2}))
    assert read_image(tmp_path / f"b{second}").channels == NAMED


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif"])
def test_the_orientation_tag_is_kept_and_said(tmp_path, suffix):
    tags = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", values(16, 20), extratags=tags)
    stored = read(tmp_path / "a.tif")
    assert "orientation tag (6)" in stored.notes[0]
    write_image(tmp_path / f"b{suffix}", stored)
    with tifffile.TiffFile(tmp_path / f"b{suffix}") as tif:
        assert tif.pages.first.tags.valueof("Orientation") == 6
    assert "orientation" in dropped_notes("b.zarr", stored, "uint16", "YX")[0]


def test_one_of_several_images_is_chosen_by_its_number(tmp_path):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(values(16, 20), metadata={"axes": "YX", "Name": "nuclei", "PhysicalSizeX": 0.1})
        said = {"axes": "ZYX", "Name": "actin", "PhysicalSizeX": 0.2}
        tif.write(values(3, 8, 9), photometric="minisblack", metadata=said)
    stored = read(path)
    assert (stored.axes, stored.pixel_size["X"]) == ("YX", 0.1)
    assert "0: 'nuclei', 16 x 20 YX, uint16; 1: 'actin', 3 x 8 x 9 ZYX" in stored.notes[0]
    stored = read(path, series=1)
    assert (stored.axes, stored.pixel_size["X"], stored.series) == ("ZYX", 0.2, 1)
    with pytest.raises(FileProblem, match=r"no image number 2.*1: 'actin'"):
        read_image(path, series=2)
    with pytest.raises(FileProblem, match="series='1': give a whole number"):
        read_image(path, series="1")
