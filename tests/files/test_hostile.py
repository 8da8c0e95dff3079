"""Files that are hostile on purpose: bombs, code in disguise, names that lead elsewhere."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import struct
import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import google_crc32c
import numcodecs
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_dip.errors import BadImage, FileProblem
from napari_dip.files import read_errors
from napari_dip.files.file_conflicts import files_of
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_mask,
    read_provenance,
    write_image,
)
from napari_dip.files.resumable_output import existing_output
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.settings import Settings


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def write_tiff(path, **options):
    tifffile.imwrite(path, stack(), photometric="minisblack", **options)


def refused(path, says):
    """Make sure that opening a file, or reading it, is refused in words."""
    with pytest.raises(FileProblem, match=says) as refusal:
        read_image(path, lazy=True).whole()
    assert str(path.name) in str(refusal.value)


def test_the_cause_of_an_error_is_kept(tmp_path, monkeypatch):
    write_tiff(tmp_path / "a.tif")
    monkeypatch.setattr(tifffile.TiffFile, "series", property(lambda _: 1 // 0))
    with pytest.raises(FileProblem, match="ZeroDivisionError") as refusal:
        read_image(tmp_path / "a.tif")
    assert isinstance(refusal.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("raised", "expected"), [(KeyboardInterrupt, KeyboardInterrupt), (MemoryError, FileProblem)]
)
def test_ctrl_c_passes_and_lack_of_memory_is_told(tmp_path, monkeypatch, raised, expected):
    def fail(_):
        raise raised

    write_tiff(tmp_path / "a.tif")
    monkeypatch.setattr(tifffile.TiffFile, "series", property(fail))
    with pytest.raises(expected):
        read_image(tmp_path / "a.tif")


def test_pipes_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    refused(tmp_path / "a.tif", "is a pipe")
    refused(Path("/dev/zero"), "is a device")
    with pytest.raises(FileProblem, match="is a pipe"):
        read_mask(tmp_path / "a.tif")
    with pytest.raises(FileProblem, match="is a device"):
        read_provenance("/dev/zero")
    write_tiff(tmp_path / "b.tif")
    for image, mask in (("a.tif", None), ("b.tif", tmp_path / "a.tif")):
        with pytest.raises(FileProblem, match="is a pipe"):
            open_run(tmp_path / image, tmp_path / "o.tif", Settings(), mask=mask)


def test_metadata_that_lie_in_each_other_are_no_trap(tmp_path):
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
def test_zarr_metadata_name_nothing_outside(tmp_path, where):
    zarr.create_array(tmp_path / "other.zarr", data=stack((8, 9)))
    group = zarr.create_group(tmp_path / "a.zarr")
    axes = [{"name": name, "type": "space"} for name in "yx"]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": where}]}],
    }
    refused(tmp_path / "a.zarr", "not in its folder")


def ome(path, change):
    """Write an OME-TIFF, and change its XML."""
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(stack(), metadata={"axes": "ZYX"})
    xml = change(tifffile.tiffcomment(path))
    tifffile.tiffcomment(path, xml.encode())
    return path


@pytest.mark.parametrize(
    "where", ["../secret.tif", "/etc/passwd", "a/../../b.tif", "\\\\host\\a.tif"]
)
def test_ome_metadata_name_nothing_outside(tmp_path, where):
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
def test_absurdly_many_planes_are_refused_at_once(tmp_path, change):
    refused(ome(tmp_path / "a.ome.tif", change), "planes, and at most")


def test_xml_with_entities_is_refused(tmp_path):
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE OME [<!ENTITY l0 "lol">{lol}]>'
    path = ome(tmp_path / "a.ome.tif", lambda xml: xml.replace("<OME", f"{bomb}<OME", 1))
    refused(path, "document type")
    with pytest.raises(FileProblem, match="document type"):
        read_provenance(path)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize("dtype", ["|O", "<u2"])
def test_pickled_chunks_are_never_unpickled(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=stack((8, 9)), zarr_format=2, chunks=(8, 9), compressors=None)
    said = json.loads((path / ".zarray").read_text())
    said |= {"dtype": dtype, "filters": [{"id": "pickle", "protocol": 5}], "fill_value": 0}
    (path / ".zarray").write_text(json.dumps(said))
    (path / "0.0").write_bytes(pickle.dumps(Trap()))
    refused(path, "pickle|cannot be read as zarr")
    assert not Path("trapped").exists()


@pytest.mark.parametrize(
    ("version", "change", "says"),
    [
        (3, {"codecs": [{"name": "secret", "configuration": {}}]}, "cannot be read as zarr"),
        (3, {"storage_transformers": [{"name": "other"}]}, "cannot be read as zarr"),
        (2, {"compressor": {"id": "secret"}}, "cannot be read as zarr"),
        (2, {"chunks": [0, 9]}, "cannot be read as zarr|chunks of shape"),
        (2, {"chunks": [2**40, 2**40]}, "at once for a chunk"),
        (2, {"shape": [2**63, 9]}, "impossible shape"),
        (2, {"dtype": "<U5", "fill_value": ""}, "instead of numbers"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_are_refused(tmp_path, version, change, says):
    zarr.create_array(tmp_path / "a.zarr", data=stack((8, 9)), zarr_format=version)
    file = tmp_path / "a.zarr" / {2: ".zarray", 3: "zarr.json"}[version]
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    refused(tmp_path / "a.zarr", says)


@pytest.mark.parametrize("record", [[], "x", 3, None, {"finished": 3, "provenance": "x"}])
def test_our_own_record_may_be_nonsense(tmp_path, record):
    write_image(tmp_path / "a.zarr", StoredImage(stack(), "ZYX"))
    zarr.open_group(tmp_path / "a.zarr", mode="r+").attrs["napari-dip"] = record
    assert read_image(tmp_path / "a.zarr").axes == "ZYX"
    assert read_provenance(tmp_path / "a.zarr") is None
    assert existing_output(tmp_path / "a.zarr") == "an image"


BOMBS = {
    "zstd": lambda zeros: numcodecs.Zstd().encode(zeros),
    "zstd in frames": lambda zeros: numcodecs.Zstd().encode(zeros[: 2**20]) * 64,
    "blosc": lambda zeros: numcodecs.Blosc("zstd").encode(zeros),
    "lz4": lambda zeros: numcodecs.LZ4().encode(zeros),
    "bz2": lambda zeros: numcodecs.BZ2().encode(zeros),
    "lzma": lambda zeros: numcodecs.LZMA().encode(zeros),
    "gzip": lambda zeros: numcodecs.GZip(1).encode(zeros),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_chunk_that_unpacks_to_far_more_is_refused(tmp_path, name):
    compressor = numcodecs.get_codec({"id": name.split()[0]})
    zarr.create_array(
        tmp_path / "a.zarr",
        data=stack((8, 9)),
        zarr_format=2,
        chunks=(8, 9),
        compressors=compressor,
    )
    (tmp_path / "a.zarr/0.0").write_bytes(BOMBS[name](np.zeros(2**24, "u1")))
    refused(tmp_path / "a.zarr", "instead of 144")


def test_a_bomb_in_a_shard_is_refused(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=stack((8, 8)), shards=(8, 8), chunks=(8, 8))
    (chunk,) = (one for one in (tmp_path / "a.zarr").rglob("0") if one.is_file())
    bomb = numcodecs.Zstd().encode(np.zeros(2**26, "u1"))
    index = np.array([0, len(bomb)], "<u8").tobytes()
    chunk.write_bytes(bomb + index + google_crc32c.value(index).to_bytes(4, "little"))
    refused(tmp_path / "a.zarr", "instead of 128")


def test_a_large_zarr_of_few_chunks_is_read(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(10**9, 64, 64), chunks=(1, 64, 64), dtype="u2")
    assert not read_image(tmp_path / "a.zarr").image[10**9 - 1].any()


def test_more_planes_than_anybody_restores_are_refused(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(10**12, 64, 64), chunks=(1, 64, 64), dtype="u2")
    with pytest.raises(BadImage, match="1000000000000 planes are more than"):
        open_run(tmp_path / "a.zarr", tmp_path / "o.tif", Settings(axes="ZYX", device="cpu"))


def test_a_long_look_at_all_planes_is_announced(tmp_path):
    shape = (10**5, 64, 64)
    zarr.create_array(tmp_path / "a.zarr", shape=shape, chunks=(1, 64, 64), dtype="u2")

    class Said(Exception):
        pass

    def say(sentence):
        raise Said(sentence)

    with pytest.raises(Said, match=r"All planes of .*a.zarr are surveyed first, about 6 min"):
        open_run(tmp_path / "a.zarr", tmp_path / "o.tif", Settings(device="cpu"), say=say)


def test_more_than_fits_into_the_memory_is_not_read(tmp_path):
    shape = (10**6, 10**6)
    zarr.create_array(tmp_path / "a.zarr", shape=shape, chunks=(64, 64), dtype="u2")
    refused(tmp_path / "a.zarr", "GiB of memory are free")
    assert read_image(tmp_path / "a.zarr").image[:2, -3:].shape == (2, 3)


def test_a_series_larger_than_memory_is_not_read_whole(tmp_path, monkeypatch):
    for number in range(3):
        tifffile.imwrite(tmp_path / f"t{number}.tif", stack((64, 64)))
    stored = read_image(tmp_path / "t*.tif")
    monkeypatch.setattr(read_errors, "ALWAYS_ALLOWED_BYTES", 0)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=20_000))
    assert stored.image[1, 3:5].shape == (2, 64)
    with pytest.raises(FileProblem, match="the part of the series"):
        stored.whole()


def png(tmp_path, *extra, width=20, height=24):
    """Write a PNG with more chunks, and perhaps a false size."""
    path = tmp_path / "a.png"
    Image.fromarray(stack((24, 20), "uint8")).save(path)
    content = path.read_bytes()
    header = struct.pack(">II", width, height) + content[24:29]

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    path.write_bytes(
        content[:8]
        + chunk(b"IHDR", header)
        + b"".join(chunk(*each) for each in extra)
        + content[33:]
    )
    return path


@pytest.mark.parametrize(
    "extra",
    [
        (b"zTXt", b"napari-dip\0\0" + zlib.compress(bytes(2**26), 9)),
        (b"iCCP", b"icc\0\0" + zlib.compress(bytes(2**26), 9)),
        (b"iTXt", b"napari-dip\0\1\0\0\0" + zlib.compress(bytes(2**26), 9)),
        (b"pHYs", b"\0"),
        (b"tRNS", b"\0" * 900),
    ],
)
def test_a_png_with_an_odd_chunk_is_read_or_refused(tmp_path, extra):
    path = png(tmp_path, extra)
    for read in (read_image, read_provenance):
        try:
            read(path)
        except FileProblem as error:
            assert "a.png" in str(error)


def test_a_png_that_promises_too_much_is_refused(tmp_path):
    refused(png(tmp_path, width=60_000, height=60_000), "more than .* bytes can hold")
    many = (b"acTL", struct.pack(">II", 2**31 - 1, 0))
    refused(png(tmp_path, many), r"21474836\d\d images, more than")


def test_a_picture_larger_than_memory_is_refused(tmp_path):
    refused(png(tmp_path, width=2**31 - 1, height=2**31 - 1), "memory are free|damaged")


def test_the_log_of_tifffile_is_left_to_its_host(tmp_path, caplog):
    log = logging.getLogger("tifffile")
    before = (log.propagate, log.level, [*log.handlers], [*log.filters])
    write_tiff(tmp_path / "a.tif", metadata=None)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[:-600])
    ready, go_on = threading.Event(), threading.Event()

    def elsewhere():
        ready.wait()
        log.warning("of another thread")
        go_on.set()

    other = threading.Thread(target=elsewhere)
    other.start()
    with collect_tiff_warnings() as messages:
        ready.set()
        go_on.wait()
        log.warning("of this one")
    other.join()
    assert messages == ["of this one"]
    assert [record.getMessage() for record in caplog.records] == ["of another thread"]
    with pytest.raises(FileProblem):
        read_image(tmp_path / "b.tif", lazy=True).whole()
    assert (log.propagate, log.level, [*log.handlers], [*log.filters]) == before
