"""Test which images of a folder count, and where their results go."""

from __future__ import annotations

import pytest

from napari_dip.errors import FileProblem
from napari_dip.files.folder_plan import plan_files, plan_folder


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw").mkdir()
    for name in ("a_ch1.tif", "a_ch2.tif", "b_ch1.tif", "b_ch1.png", "notes.txt"):
        (tmp_path / "raw" / name).touch()
    return tmp_path / "raw"


def results(plan):
    return {item.name: item.output.name for item in plan.items}


def test_a_pattern_chooses_files(raw):
    everything = results(plan_folder(raw, raw.with_name("out")))
    first = results(plan_folder(raw, raw.with_name("out"), pattern="*_ch1.tif"))
    # The name of a result does not depend on the pattern.
    assert first == {name: everything[name] for name in ("a_ch1.tif", "b_ch1.tif")}
    assert first["b_ch1.tif"] == "b_ch1.tif.ome.tif"


def test_files_are_restored_in_their_order(raw):
    plan = plan_files([raw / "b_ch1.tif", raw / "a_ch2.tif"], raw.with_name("out"))
    assert [*results(plan).items()] == [
        ("b_ch1.tif", "b_ch1.ome.tif"),
        ("a_ch2.tif", "a_ch2.ome.tif"),
    ]


def test_invalid_choices_are_refused(raw):
    (raw.parent / "more").mkdir()
    (raw.parent / "more" / "a_ch1.tif").touch()
    out = raw.with_name("out")
    with pytest.raises(FileProblem, match="such a name; one of 4 is a_ch1"):
        plan_folder(raw, out, pattern="*_ch3.tif")
    for files, output, says in (
        ([raw / "a_ch1.tif", raw.parent / "more" / "a_ch1.tif"], out, "two images are named a_ch1"),
        ([raw / "a_ch1.tif"], raw, "holds the input"),
        ([raw / "a_ch1.tif"], raw / "a_ch2.tif", "is a file"),
        ([raw / "a_ch1.tif"], out / "absent", "does not exist"),
    ):
        with pytest.raises(FileProblem, match=says):
            plan_files(files, output)


def test_no_two_results_have_one_name(tmp_path):
    for name in ("i.tif", "i.png", "i.png.tif", "B.tif", "b.png"):
        (tmp_path / name).touch()
    assert results(plan_folder(tmp_path, tmp_path.with_name("out"))) == {
        "B.tif": "B.tif.ome.tif",  # some disks do not distinguish B from b
        "b.png": "b.png.ome.tif",
        "i.png": "i.png.ome.tif",
        "i.png.tif": "i.png.tif.ome.tif",
        "i.tif": "i.tif.ome.tif",
    }


def test_a_folder_that_cannot_be_made(raw, monkeypatch):
    plan = plan_folder(raw, raw.with_name("out"))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(FileProblem, match=r"out cannot be written .* check the name and the perm"):
        plan.prepare()
