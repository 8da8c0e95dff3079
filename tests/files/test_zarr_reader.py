"""Images larger than memory: no more is read than what is asked for, and all is understood."""

from __future__ import annotations

import gc
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, read_image, read_mask, write_image
from napari_dip.files.zarr_reader import read_zarr

SPACE = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]


def values(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def foreign(
    path: Path, image: np.ndarray, version: str = "0.5", axes: list | None = None, **said
) -> Path:
    """Write OME-Zarr as others do, without this project's writer."""
    multiscale = {
        "axes": axes if axes is not None else SPACE,
        "datasets": [
            {
                "path": "full",
                "coordinateTransformations": [{"type": "scale", "scale": [0.5] * image.ndim}],
            }
        ],
    } | said.pop("multiscale", {})
    old = version == "0.4"
    attributes = (
        {"multiscales": [{"version": version} | multiscale]} | said
        if old
        else {"ome": {"version": version, "multiscales": [multiscale]} | said}
    )
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    group.create_array("full", data=image, chunks=(1,) * (image.ndim - 2) + image.shape[-2:])
    return path


@pytest.fixture
def chunks_read(monkeypatch) -> list[str]:
    """The chunk files that zarr reads from now on."""
    keys: list[str] = []
    get = zarr.storage.LocalStore.get

    async def watched(self, key, *rest, **options):
        if not key.endswith((".json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")):
            keys.append(key)
        return await get(self, key, *rest, **options)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", watched)
    return keys


# ---- OME-Zarr of others ----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_axes_sizes_units_and_places_are_understood(tmp_path, version):
    axes = [
        {"name": "t", "type": "time", "unit": "millisecond"},
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"),
    ]
    moved = [
        {"type": "scale", "scale": [20, 1, 300, 65, 65]},
        {"type": "translation", "translation": [0, 0, 900, 0, 130.5]},
    ]
    image = values((2, 3, 2, 8, 9))
    path = foreign(
        tmp_path / "a.zarr",
        image,
        version,
        axes,
        multiscale={"datasets": [{"path": "full", "coordinateTransformations": moved}]},
        omero={"channels": [{"label": "DAPI"}, {"label": "actin"}, {"label": "tubulin"}]},
    )
    stored = read_image(path)
    assert stored.axes == "TCZYX"
    assert stored.pixel_size == {"T": 20, "Z": 300, "Y": 65, "X": 65}
    assert stored.unit == {"T": "ms", "Z": "nm", "Y": "nm", "X": "nm"}
    assert stored.translate == {"Z": 900, "X": 130.5}
    assert stored.extras["ngff"]["omero"]["channels"][1]["label"] == "actin"
    assert not stored.notes
    np.testing.assert_array_equal(stored.image, image)


def test_a_scale_of_the_whole_image_comes_after_that_of_the_level(tmp_path):
    path = foreign(
        tmp_path / "a.zarr",
        values((8, 9)),
        multiscale={
            "coordinateTransformations": [
                {"type": "scale", "scale": [2, 4]},
                {"type": "translation", "translation": [1, 1]},
            ],
            "datasets": [
                {
                    "path": "full",
                    "coordinateTransformations": [
                        {"type": "scale", "scale": [0.5, 0.5]},
                        {"type": "translation", "translation": [3, 0]},
                    ],
                }
            ],
        },
    )
    stored = read_image(path)
    assert (stored.pixel_size, stored.translate) == ({"Y": 1, "X": 2}, {"Y": 7, "X": 1})


def test_axes_of_no_known_meaning_are_called_so(tmp_path):
    axes = [{"name": "angle", "type": "custom"}, *SPACE]
    assert read_image(foreign(tmp_path / "a.zarr", values((2, 8, 9)), axes=axes)).axes == "QYX"


def test_older_versions_whose_axes_are_names_alone_are_read(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((2, 8, 9)), "0.4", ["c", "y", "x"])
    assert read_image(path).axes == "CYX"


def test_channels_are_written_back_as_they_were(tmp_path):
    window = {"start": 0.0, "end": 90.0, "min": 0.0, "max": 100.0}
    omero = {"channels": [{"label": name, "color": "00FF00", "window": window} for name in "ab"]}
    axes = [{"name": "c", "type": "channel"}, *SPACE]
    path = foreign(tmp_path / "a.zarr", values((2, 8, 9)), "0.4", axes, omero=omero)
    stored = read_image(path)
    write_image(tmp_path / "b.zarr", stored.with_image(stored.whole() * 2, stored.axes))
    group = zarr.open_group(tmp_path / "b.zarr", mode="r")
    assert group.metadata.zarr_format == 2
    assert group.attrs["omero"] == omero


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plain_array_is_read_and_its_axes_are_guessed(tmp_path, zarr_format):
    image = values((2, 8, 9), ">u2")
    zarr.create_array(tmp_path / "a.zarr", data=image, zarr_format=zarr_format)
    stored = read_image(tmp_path / "a.zarr")
    assert stored.axes == "QYX"
    assert "axes are not named" in stored.notes[0]
    assert stored.image.dtype.isnative
    assert stored.image[0].dtype.isnative
    np.testing.assert_array_equal(stored.image, image)


def test_a_plain_array_may_name_its_axes(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=values((2, 8, 9)), dimension_names=["z", "y", "x"])
    stored = read_image(tmp_path / "a.zarr")
    assert (stored.axes, stored.notes) == ("ZYX", ())


# ---- lazily ----------------------------------------------------------------------------------


def test_only_the_planes_that_are_asked_for_are_read(tmp_path, chunks_read):
    image = values((50, 8, 9))
    stored = read_image(foreign(tmp_path / "a.zarr", image, axes=[{"name": "z"}, *SPACE]))
    assert not chunks_read
    np.testing.assert_array_equal(stored.image[7], image[7])
    np.testing.assert_array_equal(stored.image[20:22, 3:5], image[20:22, 3:5])
    assert sorted(chunks_read) == [f"c/{z}/0/0" for z in (20, 21, 7)]


def test_an_image_larger_than_memory_is_opened_at_once(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array(
        "0", shape=(1_000_000, 4096, 4096), chunks=(1, 4096, 4096), dtype="uint16"
    )  # 32 TiB, of which no chunk is written
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": [{"name": "z"}, *SPACE], "datasets": [{"path": "0"}]}],
    }
    stored = read_image(tmp_path / "a.zarr")
    assert stored.image.shape == (1_000_000, 4096, 4096)
    assert not stored.image[999_999, :2, :2].any()


def test_a_lazy_image_travels_to_a_worker(tmp_path):
    image = values((3, 8, 9))
    write_image(tmp_path / "a.zarr", StoredImage(image, "ZYX"))
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    for name in ("a.zarr", "a.tif", "?.tif"):
        stored = pickle.loads(pickle.dumps(read_image(tmp_path / name, lazy=True)))
        np.testing.assert_array_equal(stored.image, image)


def test_a_mask_may_be_a_zarr(tmp_path):
    hole = values((8, 9)) > 50
    write_image(tmp_path / "a.zarr", StoredImage(hole, "YX"))
    np.testing.assert_array_equal(read_mask(tmp_path / "a.zarr").missing, hole)


# ---- TIFF ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        pytest.param((5, 20, 24), {"imagej": True}, id="imagej"),
        pytest.param((5, 20, 24), {"ome": True, "metadata": {"axes": "ZYX"}}, id="ome"),
        pytest.param((5, 20, 24), {"byteorder": ">", "compression": "zlib"}, id="big endian"),
        pytest.param((5, 64, 80), {"tile": (32, 32), "compression": "lzw"}, id="tiled"),
        pytest.param((5, 20, 24), {"rowsperstrip": 3, "metadata": None}, id="strips"),
        pytest.param((5, 20, 24, 3), {"photometric": "rgb"}, id="colours"),
        pytest.param((20, 24), {}, id="a plane"),
        pytest.param((3, 20, 24), {"photometric": "rgb", "planarconfig": "separate"}, id="apart"),
        pytest.param((20, 24, 2), {"planarconfig": "contig"}, id="two samples"),
    ],
)
def test_tiff_says_the_same_lazily(tmp_path, shape, options):
    options = {"photometric": "minisblack", "resolution": (4, 4)} | options
    tifffile.imwrite(tmp_path / "a.tif", values(shape), **options)
    eager, lazy = read_image(tmp_path / "a.tif"), read_image(tmp_path / "a.tif", lazy=True)
    assert lazy.image.shape == eager.image.shape
    assert lazy.image.dtype == eager.image.dtype
    for name in ("axes", "pixel_size", "unit", "extras", "notes"):
        assert getattr(lazy, name) == getattr(eager, name)
    np.testing.assert_array_equal(lazy.image, eager.image)
    np.testing.assert_array_equal(lazy.image[0, 3:7], eager.image[0, 3:7])
    assert lazy.image[0].dtype.isnative


def test_one_page_of_a_long_tiff_is_read_alone(tmp_path, monkeypatch):
    tifffile.imwrite(
        tmp_path / "a.tif", values((50, 20, 24)), photometric="minisblack", compression="zlib"
    )
    stored = read_image(tmp_path / "a.tif", lazy=True)
    offsets = []
    read = tifffile.FileHandle.read_segments

    def watched(self, places, *rest, **options):
        offsets.extend(places)
        return read(self, places, *rest, **options)

    monkeypatch.setattr(tifffile.FileHandle, "read_segments", watched)
    assert stored.image[7].shape == (20, 24)
    assert len(offsets) == 1


def test_the_file_is_closed_when_it_is_no_longer_used(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", values((5, 20, 24)), photometric="minisblack")
    stored = read_image(tmp_path / "a.tif", lazy=True)
    close = stored.image._close
    del stored
    gc.collect()
    assert not close.alive


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9])
def test_a_tiff_that_was_cut_short_is_refused_lazily_too(tmp_path, part):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values((5, 40, 40)), metadata=None, photometric="minisblack")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FileProblem, match="damaged or incomplete"):
        read_image(path, lazy=True).whole()


# ---- a series of files -----------------------------------------------------------------------


def frames(folder: Path, name: str, numbers: range, shape=(8, 9)) -> np.ndarray:
    image = values((len(numbers), *shape))
    for number, frame in zip(numbers, image, strict=True):
        write_image(
            folder / name.format(number),
            StoredImage(frame, "ZYX"[-frame.ndim :], {"Y": 0.5, "X": 0.5}, {"Y": "µm", "X": "µm"}),
        )
    return image


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("frames_T{}.tif", "T"),
        ("img_{:04}.tif", "T"),
        ("stack_z{:03}.ome.tif", "Z"),
        ("A1 slice-{}.png", "Z"),
        ("t2_ch{}.tif", "C"),
    ],
)
def test_a_series_is_one_image_in_the_order_of_its_numbers(tmp_path, name, letter):
    image = frames(tmp_path, name, range(8, 12))
    stored = read_image(tmp_path / (name.partition("{")[0] + "*"))
    assert stored.axes == letter + "YX"
    assert stored.image.dtype == image.dtype
    assert dict(stored.pixel_size) == pytest.approx({"Y": 0.5, "X": 0.5}, rel=1e-3)
    np.testing.assert_array_equal(stored.image, image)
    np.testing.assert_array_equal(stored.image[1], image[1])
    np.testing.assert_array_equal(stored.image[-1, 2:4], image[-1, 2:4])
    np.testing.assert_array_equal(stored.image[1:3, 4], image[1:3, 4])
    assert "4 files" in stored.notes[0]


def test_files_of_volumes_are_a_time_lapse(tmp_path):
    image = frames(tmp_path, "z_{}.tif", range(3), (4, 8, 9))
    stored = read_image(tmp_path / "z_*.tif")
    assert stored.axes == "TZYX"
    np.testing.assert_array_equal(stored.image[:, 2], image[:, 2])


def test_a_file_of_another_shape_is_named(tmp_path):
    frames(tmp_path, "a{}.tif", range(3))
    write_image(tmp_path / "a10.tif", StoredImage(values((8, 10)), "YX"))
    with pytest.raises(FileProblem, match=r"a10\.tif is \(8, 10\).*a0\.tif is \(8, 9\)"):
        read_image(tmp_path / "a*.tif")


def test_a_pattern_without_files_is_told(tmp_path):
    with pytest.raises(FileProblem, match=r"no file matches .*b\*\.tif"):
        read_image(tmp_path / "b*.tif")


# ---- what cannot be read ---------------------------------------------------------------------


@pytest.mark.parametrize("address", ["https://a.org/b.zarr", "s3://bucket/b.zarr"])
def test_an_address_is_refused(address):
    with pytest.raises(FileProblem, match="download it"):
        read_image(address)


def test_what_is_no_zarr_is_refused(tmp_path):
    with pytest.raises(FileProblem, match="is a folder but not a zarr"):
        read_image(tmp_path)
    with pytest.raises(FileProblem, match="is not a zarr array or group"):
        read_zarr(tmp_path)
    with pytest.raises(FileProblem, match="does not exist"):
        read_zarr(tmp_path / "absent.zarr")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({}, "without an image"),
        ({"ome": {"plate": {}}}, "plate.*A/1/0"),
        ({"bioformats2raw.layout": 3}, "several images, but none is named 0"),
        ({"ome": {"multiscales": []}}, "metadata .* are damaged"),
        ({"ome": {"multiscales": [{"axes": SPACE, "datasets": []}]}}, "metadata .* are damaged"),
        ({"ome": {"multiscales": [{"axes": 3, "datasets": [{"path": "0"}]}]}}, "are damaged"),
        ({"ome": "nonsense"}, "without an image"),
        ({"ome": {"multiscales": [{"axes": SPACE, "datasets": [{"path": "9"}]}]}}, "9 does not"),
        ({"ome": {"multiscales": [{"axes": [*"zyx"], "datasets": [{"path": "0"}]}]}}, "axes ZYX"),
        (
            {"ome": {"multiscales": [{"axes": [{"name": "i"}] * 2, "datasets": [{"path": "0"}]}]}},
            "its axes are QQ",
        ),
    ],
)  # fmt: skip
def test_metadata_that_make_no_sense_are_refused(tmp_path, attributes, says):
    group = zarr.create_group(tmp_path / "a.zarr", attributes=attributes)
    group.create_array("0", data=values((8, 9)))
    with pytest.raises(FileProblem, match=says):
        read_image(tmp_path / "a.zarr")


def test_files_that_are_damaged_are_named(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    shutil.copytree(path, tmp_path / "b.zarr")
    (tmp_path / "b.zarr/zarr.json").write_text('{"zarr_format": 3, "node')
    with pytest.raises(FileProblem, match=r"b\.zarr.* damaged"):
        read_image(tmp_path / "b.zarr")
    described = json.loads((path / "full/zarr.json").read_text())
    del described["data_type"]
    (path / "full/zarr.json").write_text(json.dumps(described))
    with pytest.raises(FileProblem, match=r"a\.zarr/full cannot be read as zarr"):
        read_image(path)


def test_a_chunk_that_is_damaged_is_told_when_it_is_read(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    (path / "full/c/0/0").write_bytes(b"no chunk")
    stored = read_image(path)
    with pytest.raises(FileProblem, match=r"a\.zarr is damaged"):
        stored.whole()
    with pytest.raises(IndexError):
        stored.image[0, 0, 0]


def test_pictures_have_no_lazy_reading(tmp_path):
    Image.fromarray(values((8, 9), "uint8")).save(tmp_path / "a.png")
    assert isinstance(read_image(tmp_path / "a.png", lazy=True).image, np.ndarray)


# ---- zip files, several images, numbers that make no sense -----------------------------------


def zipped(folder: Path, name: str, inside: str = "") -> Path:
    """Pack a folder of zarr into a zip file."""
    path = folder.with_name(name)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, inside + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize(
    ("name", "inside"), [("a.zarr.zip", ""), ("a.ozx", ""), ("a.zip", "a.zarr/")]
)
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_zip_file_of_zarr_is_read(tmp_path, name, inside, version):
    image = values((8, 9))
    path = zipped(foreign(tmp_path / "a.zarr", image, version), name, inside)
    stored = pickle.loads(pickle.dumps(read_image(path)))
    np.testing.assert_array_equal(stored.image, image)
    assert (stored.pixel_size, stored.files) == ({"Y": 0.5, "X": 0.5}, (path,))


def test_a_zip_file_of_no_zarr_is_refused(tmp_path):
    (tmp_path / "a.zarr.zip").write_bytes(b"PK\3\4 and no more")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("notes.txt", "no image")
    for name in ("a.zarr.zip", "b.zip"):
        with pytest.raises(FileProblem, match="not a zip file of a zarr, or is damaged"):
            read_image(tmp_path / name)


def test_a_file_inside_a_zarr_says_what_to_open(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    for inside in ("zarr.json", "full/zarr.json", "full/c/0/0"):
        with pytest.raises(FileProblem, match=r"part of a zarr; open the zarr itself: .*a\.zarr$"):
            read_image(path / inside)


def test_images_that_lie_side_by_side_are_chosen_by_number(tmp_path):
    zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"bioformats2raw.layout": 3}})
    for number in range(2):
        foreign(tmp_path / f"a.zarr/{number}", values((8, 9 + number)))
    stored = read_image(tmp_path / "a.zarr")
    assert stored.image.shape == (8, 9)
    assert "0: 8 x 9, uint16; 1: 8 x 10, uint16" in stored.notes[0]
    assert read_image(tmp_path / "a.zarr", series=1).image.shape == (8, 10)
    with pytest.raises(FileProblem, match="no image number 2"):
        read_image(tmp_path / "a.zarr", series=2)


def test_one_of_several_multiscales_is_chosen_by_number(tmp_path):
    path = foreign(tmp_path / "a.zarr", values((8, 9)))
    group = zarr.open_group(path)
    group.create_array("other", data=values((4, 5)))
    images = [
        {"name": name, "axes": SPACE, "datasets": [{"path": name}]} for name in ("full", "other")
    ]
    group.attrs["ome"] = {"version": "0.5", "multiscales": images}
    assert "0: 'full', 8 x 9, uint16; 1: 'other', 4 x 5" in read_image(path).notes[0]
    assert read_image(path, series=1).image.shape == (4, 5)


@pytest.mark.parametrize(
    ("multiscale", "said", "ignored"),
    [
        ({"coordinateTransformations": [{"type": "scale", "scale": [1]}]}, {}, "coordinateTr"),
        ({"coordinateTransformations": [{"type": "scale", "scale": ["a", 1]}]}, {}, "scale of Y"),
        ({"coordinateTransformations": {"type": "scale"}}, {}, "coordinateTransformations"),
        ({"coordinateTransformations": [{"type": "affine", "affine": []}]}, {}, "affine"),
        ({"coordinateTransformations": [{"type": "scale", "scale": [-1, 1]}]}, {}, "scale of Y=-1"),
        ({}, {"omero": [1]}, "omero"),
        ({}, {"omero": {"channels": "x"}}, "omero"),
        ({}, {"omero": {"channels": [{"label": 3, "color": "red"}]}}, "color='red'"),
    ],
)
def test_nonsense_beside_the_image_is_ignored_and_said(tmp_path, multiscale, said, ignored):
    path = foreign(tmp_path / "a.zarr", values((8, 9)), multiscale=multiscale, **said)
    stored = read_image(path)
    assert stored.pixel_size == {"Y": 0.5, "X": 0.5}
    assert ignored in stored.notes[0]
    write_image(tmp_path / "b.zarr", stored)
    assert read_image(tmp_path / "b.zarr").pixel_size == {"Y": 0.5, "X": 0.5}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_chunks_that_are_gone_are_told(tmp_path, version):
    axes = [{"name": "z", "type": "space"}, *SPACE]
    path = foreign(tmp_path / "a.ome.zarr", np.ones((3, 8, 8), "uint8"), version, axes)
    assert not any("stored" in note for note in read_image(path).notes)
    (path / ("full/2.0.0" if version == "0.4" else "full/c/2/0/0")).unlink()
    assert read_image(path).notes[-1] == "1 of 3 chunks is not stored and is read as 0."
