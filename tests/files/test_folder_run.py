"""Test the restoration of folders and plates."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaozarrs
from example_plate import FIELDS, pixels, write_plate

from napari_dip import NapariDipError, Settings, restore_folder
from napari_dip.files.image_io import StoredImage, read_image, write_image

QUICK = Settings(prior="none", device="cpu", seed=1)


@pytest.fixture
def folder(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for number, name in enumerate(("a.tif", "b.ome.tif", "d.tif")):
        tifffile.imwrite(raw / name, pixels(number), photometric="minisblack")
    write_image(raw / "c.ome.zarr", StoredImage(pixels(7), "YX"))
    write_image(raw / "d.png", StoredImage(pixels(8), "YX"))
    (raw / "notes.txt").write_text("no image")
    (raw / ".a.tif").write_text("hidden")
    return raw


def states(found) -> list[tuple[str, str]]:
    return [(one.name, one.status) for one in found]


def test_all_images_are_restored_once(folder):
    out = folder.with_name("out")
    names = ["a.tif", "b.ome.tif", "c.ome.zarr", "d.png", "d.tif"]
    assert states(restore_folder(folder, out, QUICK)) == [(name, "restored") for name in names]
    results = ["a.ome.tif", "b.ome.tif", "c.ome.zarr", "d.png.ome.tif", "d.tif.ome.tif"]
    assert sorted(path.name for path in out.iterdir()) == results
    for name in results:
        assert read_image(out / name).image.shape == (24, 28)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert states(restore_folder(folder, out, QUICK)) == [(name, "skipped") for name in names]
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_other_settings_do_not_count_as_done(folder):
    out = folder.with_name("out")
    [*restore_folder(folder, out, QUICK)]
    other = QUICK.replace(seed=2)
    found = [*restore_folder(folder, out, other)]
    assert {one.status for one in found} == {"failed"}
    assert "exists" in found[0].reason
    assert {one.status for one in restore_folder(folder, out, other, overwrite=True)} == {
        "restored"
    }


def test_estimated_numbers_count_as_done(tmp_path):
    (tmp_path / "raw").mkdir()
    stack = np.random.default_rng(0).poisson(40, (4, 24, 24)).astype(np.uint16)
    write_image(tmp_path / "raw" / "a.tif", StoredImage(stack, "ZYX"))
    microscope = {"na": 0.8, "ri": 1.0, "wavelength": 520, "pixel_size": 0.15, "z_step": 0.4}
    asked = Settings(
        task={"kind": "deconvolve", **microscope, "estimate_aberrations": True},
        ndim=3, axes="ZYX", device="cpu", iterations=1,
    )  # fmt: skip
    found = [
        each.status
        for _ in range(2)
        for each in restore_folder(tmp_path / "raw", tmp_path / "out", asked)
    ]
    assert found == ["restored", "skipped"]


def test_a_changed_image_does_not_count_as_done(folder):
    out = folder.with_name("out")
    [*restore_folder(folder, out, QUICK)]
    tifffile.imwrite(folder / "a.tif", pixels(5), photometric="minisblack")
    found = dict(states(restore_folder(folder, out, QUICK)))
    assert found.pop("a.tif") == "failed"
    assert set(found.values()) == {"skipped"}
    assert dict(states(restore_folder(folder, out, QUICK, overwrite=True)))["a.tif"] == "restored"


def test_another_mask_does_not_count_as_done(folder, tmp_path):
    mask = np.zeros((24, 28), np.uint8)
    mask[5:9, 5:9] = 1
    for name in ("one.tif", "two.tif"):
        tifffile.imwrite(tmp_path / name, mask)
    out, filling = folder.with_name("out"), Settings(task="inpaint", iterations=2, device="cpu")
    [*restore_folder(folder, out, filling, mask=tmp_path / "one.tif")]
    again = restore_folder(folder, out, filling, mask=tmp_path / "one.tif")
    assert {one.status for one in again} == {"skipped"}
    other = restore_folder(folder, out, filling, mask=tmp_path / "two.tif")
    assert {one.status for one in other} == {"failed"}


def test_a_damaged_file_does_not_end_the_run(folder):
    (folder / "b.ome.tif").write_bytes((folder / "b.ome.tif").read_bytes()[:300])
    out = folder.with_name("out")
    found = {one.name: one for one in restore_folder(folder, out, QUICK)}
    assert found["b.ome.tif"].status == "failed"
    assert "b.ome.tif" in found["b.ome.tif"].reason
    assert [one.status for one in found.values()].count("restored") == 4
    tifffile.imwrite(folder / "b.ome.tif", pixels(1), photometric="minisblack")
    again = dict(states(restore_folder(folder, out, QUICK)))
    assert again.pop("b.ome.tif") == "restored"
    assert set(again.values()) == {"skipped"}


@pytest.mark.parametrize(
    ("source", "output", "says"),
    [
        ("empty", "out", "holds no image file"),
        ("raw", "raw", "is the input itself"),
        ("raw", "raw/out", "lies inside the input"),
        ("raw", "absent/out", "does not exist"),
        ("raw", "out.ome.zarr", "without .zarr"),
    ],
)
def test_invalid_folders_are_refused_at_once(folder, source, output, says):
    (folder.parent / "empty").mkdir()
    with pytest.raises(NapariDipError, match=says):
        restore_folder(folder.parent / source, folder.parent / output, QUICK)


def alone(number: int, tmp_path: Path) -> np.ndarray:
    """Return the result of a field that is restored by itself."""
    raw, out = tmp_path / "alone", tmp_path / "alone out"
    raw.mkdir()
    tifffile.imwrite(raw / "a.tif", pixels(number), photometric="minisblack")
    [*restore_folder(raw, out, QUICK)]
    return read_image(out / "a.ome.tif").whole()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_result_of_a_plate_is_a_plate(tmp_path, version):
    plate, out = write_plate(tmp_path / "plate.ome.zarr", version), tmp_path / "out.ome.zarr"
    found = restore_folder(plate, out, QUICK)
    assert not out.exists()
    assert states(found) == [(field, "restored") for field in FIELDS]
    yaozarrs.validate_zarr_store(out)
    said = yaozarrs.open_group(out).ome_metadata()
    assert [well.path for well in said.plate.wells] == ["A/1", "B/2"]
    assert said.plate.name == "drugs"
    np.testing.assert_array_equal(read_image(out / "B/2/1").whole(), alone(3, tmp_path))
    assert read_image(out / "B/2/1").pixel_size == {"Y": 0.5, "X": 0.5}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []


def test_result_of_a_well_has_that_well(tmp_path):
    plate, out = write_plate(tmp_path / "plate.ome.zarr"), tmp_path / "out.ome.zarr"
    assert len([*restore_folder(plate / "B" / "2", out, QUICK)]) == 2
    yaozarrs.validate_zarr_store(out)
    said = yaozarrs.open_group(out).ome_metadata()
    assert [well.path for well in said.plate.wells] == ["B/2"]
    assert not (out / "A").exists()


def test_a_plate_is_resumed_field_by_field(tmp_path):
    plate, out = write_plate(tmp_path / "plate.ome.zarr"), tmp_path / "out.ome.zarr"
    lost = plate / "A" / "1" / "1" / "full"
    shutil.move(lost, tmp_path / "kept")
    first = restore_folder(plate, out, QUICK)
    assert [status for _, status in states(first)] == ["restored", "failed", *["restored"] * 2]
    assert not out.exists()
    shutil.move(tmp_path / "kept", lost)
    second = restore_folder(plate, out, QUICK)
    assert [status for _, status in states(second)] == ["skipped", "restored", *["skipped"] * 2]
    yaozarrs.validate_zarr_store(out)
    with pytest.raises(NapariDipError, match="exists; choose another name"):
        restore_folder(plate, out, QUICK)
    assert {one.status for one in restore_folder(plate, out, QUICK, overwrite=True)} == {"restored"}


def test_a_kill_while_assembling_is_resumed(tmp_path, monkeypatch):
    plate, out = write_plate(tmp_path / "plate.ome.zarr"), tmp_path / "out.ome.zarr"

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("napari_dip.files.plate.swap_folder", fail)  # the last step
        [*restore_folder(plate, out, QUICK)]
    assert not out.exists()
    assert {one.status for one in restore_folder(plate, out, QUICK)} == {"skipped"}
    yaozarrs.validate_zarr_store(out)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_plate_without_some_fields_is_completed(tmp_path, version):
    plate, out = write_plate(tmp_path / "plate.ome.zarr", version), tmp_path / "out.ome.zarr"
    shutil.rmtree(plate / "A/1/1")
    shutil.rmtree(plate / "B")
    assert states(restore_folder(plate, out, QUICK)) == [("A/1/0", "restored")]
    yaozarrs.validate_zarr_store(out)
    said = yaozarrs.open_group(out).ome_metadata()
    assert [well.path for well in said.plate.wells] == ["A/1"]
    assert [one.path for one in yaozarrs.open_group(out / "A/1").ome_metadata().well.images] == [
        "0"
    ]
    shutil.rmtree(plate / "A")
    with pytest.raises(NapariDipError, match="holds none of the 2 images"):
        restore_folder(plate, tmp_path / "other.ome.zarr", QUICK)
