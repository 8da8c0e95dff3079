"""Test that a whole image is written as OME-Zarr."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from example_files import values

from napari_dip.errors import NapariDipError
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image


def test_failed_write_leaves_no_zarr(tmp_path, monkeypatch):
    async def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zarr.storage.LocalStore, "set", full)
    with pytest.raises(NapariDipError, match=r"a\.zarr could not be written: No space left"):
        write_image(tmp_path / "a.zarr", StoredImage(values((20, 24)), "YX"))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float16", "float32", "float64"])
def test_written_zarr_is_read_back(tmp_path, version, dtype):
    image = values((3, 20, 24), dtype)
    stored = StoredImage(
        image,
        "ZYX",
        {"Z": 0.5, "Y": 0.13, "X": 0.13},
        dict.fromkeys("ZYX", "µm"),
        {"ngff": {"version": version}},
        translate={"Y": 3.0},
    )
    write_image(tmp_path / "a.ome.zarr", stored, provenance={"seed": 3})
    back = read_image(tmp_path / "a.ome.zarr")
    assert back.image.dtype == image.dtype
    np.testing.assert_array_equal(back.image, image)
    assert (back.axes, back.unit) == ("ZYX", stored.unit)
    assert (back.pixel_size, back.translate) == (stored.pixel_size, stored.translate)
    assert back.extras["ngff"]["version"] == version
    assert read_provenance(tmp_path / "a.ome.zarr") == {"seed": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["a.ome.zarr"]
    assert not (tmp_path / "a.ome.zarr" / ".napari-dip").exists()


def test_unknown_pixel_size_stays_unknown(tmp_path):
    write_image(tmp_path / "a.zarr", StoredImage(values((20, 24)), "YX"))
    back = read_image(tmp_path / "a.zarr")
    assert not (back.pixel_size or back.unit or back.translate)


def test_refined_image_covers_the_same_area(tmp_path):
    coarse = StoredImage(
        values((20, 24)), "YX", {"Y": 0.4, "X": 0.4}, {"Y": "µm", "X": "µm"}, translate={"X": 10.0}
    )
    fine = coarse.with_image(values((80, 96)), "YX", {"Y": 4, "X": 4})
    write_image(tmp_path / "a.zarr", fine)
    back = read_image(tmp_path / "a.zarr")
    assert dict(back.pixel_size) == pytest.approx({"Y": 0.1, "X": 0.1})
    assert dict(back.translate) == pytest.approx({"Y": -0.15, "X": 9.85})
    for axis, pixels in (("Y", 20), ("X", 24)):
        edges = [
            (
                one.translate.get(axis, 0) - one.pixel_size[axis] / 2,
                one.translate.get(axis, 0) + one.pixel_size[axis] * (count - 0.5),
            )
            for one, count in ((coarse, pixels), (back, 4 * pixels))
        ]
        assert edges[0] == pytest.approx(edges[1])
