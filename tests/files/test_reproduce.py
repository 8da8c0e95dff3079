"""A result is restored again from its record, and compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_dip import Settings, reproduce, restore
from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.generators import finished

QUICK = Settings(device="cpu", iterations=3, seed=5)
PLANE = np.random.default_rng(0).poisson(20, (24, 28)).astype(np.uint16)
STACK = np.random.default_rng(0).poisson(20, (3, 16, 20)).astype(np.uint16)


def made(folder: Path, name: str, image=PLANE, axes="YX", settings=QUICK, **keywords) -> Path:
    """Restore an image from one file into another."""
    source, path = folder / "noisy.tif", folder / name
    write_image(source, StoredImage(image, axes), overwrite=True)
    run = open_run(source, path, settings, **keywords)
    run.write(finished(run.steps()))
    run.close()
    return path


def rewritten(path: Path, change) -> Path:
    """Change the record of a file."""
    stored, record = read_image(path), read_provenance(path)
    change(record)
    write_image(path, replace(stored, files=()), provenance=record, overwrite=True)
    return path


def test_each_format_has_the_same_digests(tmp_path):
    names = ["a.tif", "a.ome.tif", "a.png", "a.ome.zarr"]
    records = [read_provenance(made(tmp_path, name)) for name in names]
    first = records[0]
    assert len(first["result"]["pixels"]) == len(first["input"]["pixels"]) == 32
    for record in records:
        assert record["result"] == first["result"]
        assert record["input"] == first["input"]
        assert record["machine"]["threads"] >= 1
        assert record["steps"]


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.png", "a.ome.zarr"])
def test_a_result_has_the_same_bytes(tmp_path, name):
    path = made(tmp_path, name)
    before = sorted(tmp_path.rglob("*"))
    again = reproduce(path)
    assert again.same and again.pixels == PLANE.size
    assert str(again).endswith(f"same bytes, restored again from {tmp_path / 'noisy.tif'}.")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr"])
@pytest.mark.parametrize(
    ("image", "axes", "settings"),
    [
        pytest.param(STACK, "ZYX", QUICK, id="window"),
        pytest.param(STACK[None], "TZYX", QUICK.replace(share="none"), id="planes"),
        pytest.param(STACK, "ZYX", QUICK.replace(ndim=3), id="volume"),
        pytest.param(np.moveaxis(STACK, 0, -1).astype(np.uint8), "YXS", QUICK, id="colours"),
        pytest.param(
            STACK,
            "ZYX",
            QUICK.replace(task={"kind": "super-resolve", "factor": 2, "axis": "Z"}),
            id="sections",
        ),
    ],
)
def test_stacks_have_the_same_bytes(tmp_path, name, image, axes, settings):
    assert reproduce(made(tmp_path, name, image, axes, settings)).same


def test_the_uncertainty_is_reproduced_too(tmp_path):
    spread = tmp_path / "spread.tif"
    path = made(tmp_path, "a.tif", settings=QUICK.replace(members=2), uncertainty=spread)
    assert read_provenance(spread)["shows"] == "uncertainty"
    assert reproduce(spread).same and reproduce(path).same


@pytest.fixture
def filled(tmp_path):
    """An inpainted image, and its mask."""
    mask = np.zeros(PLANE.shape, np.uint8)
    mask[5:9, 4:20] = 255
    write_image(tmp_path / "mask.png", StoredImage(mask, "YX"))
    settings = QUICK.replace(task="inpaint")
    return made(tmp_path, "a.tif", settings=settings, mask=tmp_path / "mask.png")


def test_a_mask_is_read_again(filled):
    assert reproduce(filled).same


def test_a_moved_mask_is_asked_for(filled, tmp_path):
    moved = (tmp_path / "mask.png").rename(tmp_path / "moved.png")
    with pytest.raises(FileProblem, match=r"its mask is not at .*; give it with --mask"):
        reproduce(filled)
    assert reproduce(filled, mask=moved).same


def test_another_mask_is_refused(filled, tmp_path):
    other = np.zeros(PLANE.shape, np.uint8)
    other[5:9, 4:21] = 255
    write_image(tmp_path / "mask.png", StoredImage(other, "YX"), overwrite=True)
    with pytest.raises(FileProblem, match="the missing pixels of"):
        reproduce(filled)


def test_moved_files_are_found_together(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    path = made(old, "a.tif")
    old.rename(new)
    assert reproduce(new / path.name).same


def test_a_moved_input_is_asked_for(tmp_path):
    path = made(tmp_path, "a.tif")
    moved = (tmp_path / "noisy.tif").rename(tmp_path / "moved.tif")
    with pytest.raises(FileProblem, match=r"its input is not at .*; give it with --input"):
        reproduce(path)
    assert reproduce(path, moved).same


@pytest.mark.parametrize("change", [lambda image: image + 1, lambda image: image[:-1]])
def test_a_changed_input_is_refused(tmp_path, change):
    path = made(tmp_path, "a.tif")
    write_image(tmp_path / "noisy.tif", StoredImage(change(PLANE), "YX"), overwrite=True)
    with pytest.raises(FileProblem, match=r"give the (input|right one) with --input"):
        reproduce(path)


def test_changed_pixels_of_a_result_are_told(tmp_path):
    path = made(tmp_path, "a.tif")
    changed = read_image(path).whole()
    changed[3, 4] += 7
    write_image(path, StoredImage(changed, "YX"), provenance=read_provenance(path), overwrite=True)
    with pytest.raises(FileProblem, match="it was changed after it was written"):
        reproduce(path)


def test_differences_and_changed_versions_are_measured(tmp_path):
    path = made(tmp_path, "a.tif")
    before = read_image(path).whole()

    def of_another_machine(record):
        record["settings"]["noise"] = 1.0
        record["versions"]["torch"] = "1.0"
        record["machine"]["processor"] = "AVX8"

    again = reproduce(rewritten(path, of_another_machine))
    settings = QUICK.replace(noise=1.0, axes="YX")
    now = finished(restore(PLANE, settings)).image
    gap = now.astype(float) - before
    assert not again.same
    assert again.different == np.count_nonzero(gap)
    assert again.largest == np.abs(gap).max()
    assert again.rms == pytest.approx(np.sqrt(np.square(gap).mean()))
    assert [change.split()[0] for change in again.changes] == ["torch", "processor"]
    assert "torch 1.0 then, " in str(again)
    assert "AVX8 then" in str(again)


def test_a_value_known_in_one_only_is_told(tmp_path):
    path = made(tmp_path, "a.tif", PLANE.astype(np.float32))
    changed = read_image(path).whole()
    changed[3, 4] = np.nan
    record = read_provenance(path)
    del record["result"]
    write_image(path, StoredImage(changed, "YX"), provenance=record, overwrite=True)
    again = reproduce(path)
    assert again.different == 1
    assert np.isnan([again.largest, again.rms]).all()
    assert "differs by unknown values (NaN) that only one of both has, in 1 of 672" in str(again)


def test_threads_and_precision_of_the_record_are_used(tmp_path):
    from napari_dip.compute.device import cpu_threads
    from napari_dip.files.reproduce import open_reproduction

    def of_three_threads(record):
        record["machine"]["threads"] = 3
        record["units"][0]["arithmetic"] = "float32, channels last, threads: 3"

    before = cpu_threads()
    again = open_reproduction(rewritten(made(tmp_path, "a.tif"), of_three_threads))
    result = finished(again.steps())
    assert result.reports[0].arithmetic == "float32, channels last, threads: 3"
    assert cpu_threads() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stopped_by_user": True}, "stopped before its end"),
        ({"continued_at": [3]}, "it was continued"),
        ({"picture": {"strength_percent": 50}}, "at a strength of 50 %"),
        ({"picture": {"iteration": 2}}, "the preview at iteration 2"),
    ],
    ids=str,
)
def test_manual_steps_are_not_repeated(tmp_path, change, message):
    path = rewritten(made(tmp_path, "a.tif"), lambda record: record.update(change))
    with pytest.raises(BadSettings, match=message):
        reproduce(path)


def test_unknown_settings_name_both_versions(tmp_path):
    def of_a_later_version(record):
        record["settings"]["sharpness"] = 3
        record["napari-dip"] = "99.1"

    path = rewritten(made(tmp_path, "a.tif"), of_a_later_version)
    with pytest.raises(BadSettings, match=r"sharpness.*99\.1 wrote them"):
        reproduce(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 5),
        ("device", None),
        ("versions", []),
        ("tiling", {"window": "many"}),
        ("machine", {"threads": "all"}),
        ("input", {"pixels": "a", "shape": "large"}),
        ("psf", ["bead.tif"]),
    ],
    ids=str,
)
def test_a_damaged_record_is_told(tmp_path, name, value):
    path = rewritten(made(tmp_path, "a.tif"), lambda record: record.update({name: value}))
    with pytest.raises(FileProblem, match=f"its record is damaged.*{name}"):
        reproduce(path)


def test_a_file_without_a_record_is_refused(tmp_path):
    write_image(tmp_path / "a.tif", StoredImage(PLANE, "YX"))
    with pytest.raises(FileProblem, match="has no record of how it was made"):
        reproduce(tmp_path / "a.tif")


def test_a_deconvolved_result_needs_its_psf(tmp_path):
    psf = np.outer([1, 2, 1], [1, 2, 1])
    result = finished(restore(PLANE, QUICK, psf=psf, axes="YX"))
    path, source = tmp_path / "a.tif", tmp_path / "noisy.tif"
    write_image(source, StoredImage(PLANE, "YX"))
    write_image(path, StoredImage(result.image, "YX"), provenance=result.provenance())
    with pytest.raises(BadSettings, match="give it with --psf"):
        reproduce(path, source)
    with pytest.raises(FileProblem, match="the psf for"):
        reproduce(path, source, psf=psf + 1)
    assert reproduce(path, source, psf=psf).same
