"""Test that an output is checked before and written atomically."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from example_files import imagej, in_micrometres, values

from napari_dip.errors import FileProblem, NapariDipError, OutputExists
from napari_dip.files import image_io
from napari_dip.files.formats import Tiff
from napari_dip.files.image_io import (
    StoredImage,
    check_output,
    read_image,
    read_provenance,
    write_image,
)
from napari_dip.image.metadata import Channel

RECORD = {"seed": 3, "settings": {"task": {"kind": "denoise"}}, "note": 'a "µ" & <b>'}


TABLES = [
    np.array([np.linspace(0, end, 256).round() for end in ends], "u1")
    for ends in ((255, 0, 0), (0, 128, 255))
]


NAMED = (Channel("DAPI", "FF0000"), Channel("actin", "0080FF"))


def test_check_output_leaves_no_files(tmp_path):
    check_output(tmp_path / "a.tif", "uint8", "YX")
    with pytest.raises(NapariDipError):
        check_output(tmp_path / "absent" / "a.tif", "uint8", "YX")
    assert not [*tmp_path.iterdir()]
    assert image_io.write_image is write_image


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".ome.tiff", ".png"])
def test_write_image_stores_provenance(tmp_path, suffix):
    write_image(
        tmp_path / f"a{suffix}", in_micrometres(values((16, 20), "uint8"), "YX"), provenance=RECORD
    )
    assert read_provenance(tmp_path / f"a{suffix}") == RECORD


def test_provenance_is_strict_json(tmp_path):
    image = StoredImage(values((16, 20), "uint8"), "YX")
    write_image(tmp_path / "a.png", image, provenance={"metric": [float("inf"), float("nan"), 1.0]})
    assert read_provenance(tmp_path / "a.png") == {"metric": [None, None, 1.0]}


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".png"])
def test_pixel_size_is_divided_along_scaled_axes_only(tmp_path, suffix):
    axes = "YX" if suffix == ".png" else "ZYX"
    small = in_micrometres(values((3, 16, 20)[-len(axes) :], "uint8"), axes)
    large = values((3, 64, 80)[-len(axes) :], "uint8")
    write_image(tmp_path / f"a{suffix}", small.with_image(large, axes, {"Y": 4, "X": 4}))
    back = read_image(tmp_path / f"a{suffix}")
    wanted = {"Z": 0.5, "Y": 0.0325, "X": 0.0325}
    assert dict(back.pixel_size) == pytest.approx({a: wanted[a] for a in axes}, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "dtype", "axes", "says"),
    [
        ("a.png", "uint16", "ZYX", "one grey plane.*write .tif"),
        ("a.png", "float32", "YX", "float32.*write .tif"),
        ("a.png", "uint16", "YXS", "8-bit colours.*write .tif"),
        ("a.ome.tif", "int64", "YX", "int64.*write .tif"),
        ("a.ome.tif", "float16", "YX", "float16.*write .tif"),
        ("a.jpg", "uint8", "YX", "no known suffix"),
        ("a", "uint8", "YX", "no known suffix"),
        ("absent/a.tif", "uint8", "YX", "does not exist"),
        ("", "uint8", "YX", "is a folder"),
    ],
)
def test_check_output_refuses_what_a_format_cannot_hold(tmp_path, name, dtype, axes, says):
    with pytest.raises(FileProblem, match=says):
        check_output(tmp_path / name, dtype, axes)


def test_existing_file_is_replaced_only_on_request(tmp_path):
    old, new = (StoredImage(values((16, 20), "uint8") + n, "YX") for n in (0, 1))
    write_image(tmp_path / "a.tif", old)
    with pytest.raises(OutputExists, match="--overwrite"):
        write_image(tmp_path / "a.tif", new)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").image, old.image)
    write_image(tmp_path / "a.tif", new, overwrite=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").image, new.image)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_leaves_no_files(tmp_path, monkeypatch, failure):
    def fail(_, file, *rest):
        file.write(b"half")
        if not isinstance(file, io.BytesIO):  # the test in memory succeeds
            raise failure

    monkeypatch.setattr(Tiff, "write", fail)
    monkeypatch.setattr(Tiff, "verify", lambda *_: None)
    expected = NapariDipError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_image(tmp_path / "a.tif", StoredImage(values((16, 20), "uint8"), "YX"))
    assert not list(tmp_path.iterdir())


def test_killed_write_leaves_no_output(tmp_path):
    code = (
        "import sys, time, numpy as np\n"
        "from napari_dip.files import image_io, formats\n"
        "formats.Tiff.test_write = lambda *_: None\n"
        "def halfway(_, file, *rest):\n"
        "    file.write(b'half'); print('now', flush=True); time.sleep(60)\n"
        "formats.Tiff.write = halfway\n"
        "image_io.write_image(sys.argv[1], image_io.StoredImage(np.eye(16), 'YX'))\n"
    )
    target = tmp_path / "a.tif"
    command = [sys.executable, "-c", code, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        process.wait(timeout=60)
    assert not target.exists()


@pytest.mark.parametrize("first", [".tif", ".ome.tif", ".zarr"])
@pytest.mark.parametrize("second", [".tif", ".ome.tif", ".zarr"])
def test_channel_names_and_colours_are_kept_everywhere(tmp_path, first, second):
    if first == ".tif":
        said = {"Labels": ["DAPI", "actin"] * 3, "LUTs": TABLES, "mode": "composite"}
        imagej(tmp_path / "a.tif", values((3, 2, 16, 20)), axes="ZCYX", **said)
    else:
        image = StoredImage(values((3, 2, 16, 20)), "ZCYX", channels=NAMED)
        write_image(tmp_path / f"a{first}", image)
    stored = read_image(tmp_path / f"a{first}")
    assert [one[:2] for one in stored.channels] == [one[:2] for one in NAMED]
    larger = stored.whole().repeat(2, stored.axes.index("Z"))
    write_image(tmp_path / f"b{second}", stored.with_image(larger, stored.axes, {"Z": 2}))
    kept = read_image(tmp_path / f"b{second}").channels
    assert [one[:2] for one in kept] == [one[:2] for one in NAMED]
