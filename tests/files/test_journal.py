"""Test the records of completed units."""

from __future__ import annotations

import json

import pytest
import zarr
from example_files import values
from example_zarr import RECORD, fill, make

from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files import journal
from napari_dip.files.resumable_zarr import ResumableZarr


def test_differing_record_is_refused_by_entry(tmp_path):
    make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX")
    other = {"settings": {"seed": 1, "task": {"kind": "denoise"}}, "input": "x", "mask": None}
    with pytest.raises(BadSettings) as refused:
        ResumableZarr.reopen(tmp_path / "a.zarr", other)
    for entry in (
        "settings.seed: 0 there, 1 here",
        "input: blake2b:00 there, x here",
        "mask: nothing there, null here",
    ):
        assert entry in str(refused.value)
    assert "kind" not in str(refused.value)


@pytest.mark.parametrize("what", ["absent", "empty", "of others"])
def test_folder_without_journal_is_not_resumed(tmp_path, what):
    if what == "empty":
        (tmp_path / "a.zarr").mkdir()
    elif what == "of others":
        zarr.create_array(tmp_path / "a.zarr", data=values((20, 24)))
    with pytest.raises(FileProblem, match=r"a\.zarr was not written by napari-dip"):
        ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)


def test_journal_is_plain_json(tmp_path):
    image = values((2, 20, 24))
    fill(make(tmp_path / "a.zarr", image, "TYX"), image, [1])
    entry = json.loads((tmp_path / "a.zarr/.napari-dip/units/001.json").read_text())
    assert entry["region"] == [[1, 2], [0, 20], [0, 24]]
    assert entry["report"] == {"iterations": 1}


@pytest.fixture
def gathered(tmp_path, monkeypatch):
    """Return the journal of a complete run whose records are in one file."""
    monkeypatch.setattr(journal, "MAX_SINGLE_RECORDS", 2)
    image = values((4, 20, 24))
    fill(sink := make(tmp_path / "a.zarr", image, "TYX"), image)
    sink.finish({})
    folder = tmp_path / "a.zarr/.napari-dip"
    assert not [*(folder / "units").iterdir()]
    assert len((folder / "units.jsonl").read_text().splitlines()) == 4
    return journal.Journal(folder)


def test_gathered_records_are_complete(gathered):
    assert [*gathered.entries()] == ["000", "001", "002", "003"]
    assert gathered.entries()["002"]["report"] == {"iterations": 2}
    assert gathered.has("002")
    assert not gathered.has("004")
    assert gathered.count == 4


def test_gathered_record_is_forgotten_and_written_again(gathered):
    entry = gathered.entries()["001"]
    gathered.forget("001")
    assert not gathered.has("001")
    assert [*gathered.entries()] == ["000", "002", "003"]
    assert gathered.discard_damaged() == 0
    gathered.write("001", entry | {"report": {"iterations": 7}})
    assert gathered.has("001")
    assert gathered.entries()["001"]["report"] == {"iterations": 7}
    gathered.gather()
    gathered.forget("003")
    gathered.gather()
    assert [*gathered.entries()] == ["000", "001", "002"]


def test_damaged_line_of_gathered_records_loses_its_unit(gathered, tmp_path):
    file = tmp_path / "a.zarr/.napari-dip/units.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1][:40], *lines[2:]]))
    sink = ResumableZarr.reopen(tmp_path / "a.zarr", RECORD)
    assert sink.redone == 1
    assert not sink.has("001")
    assert gathered.discard_damaged() == 0
