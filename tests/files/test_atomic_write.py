"""Test that files and folders are written atomically, and that names are checked before."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files import atomic_write, file_run
from napari_dip.files.atomic_write import (
    atomic_file,
    check_writable,
    complete_swap,
    filled_folder,
    hidden_sibling,
    swap_folder,
    write_atomically,
)
from napari_dip.files.image_io import StoredImage, write_image


def folder_with(path, text):
    path.mkdir()
    (path / "a.txt").write_text(text)
    return path


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write, "sync_to_disk", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_file_has_its_name_only_when_complete(tmp_path):
    path = tmp_path / "a.tif"
    with atomic_file(path) as partial:
        partial.write_bytes(b"values")
        assert not path.exists()
    assert path.read_bytes() == b"values"
    with pytest.raises(ZeroDivisionError), atomic_file(path) as partial:
        partial.write_bytes(b"half")
        1 / 0  # noqa: B018 - the error is what is tested
    assert path.read_bytes() == b"values"
    assert [*tmp_path.iterdir()] == [path]


def test_failed_rename_names_the_file(tmp_path):
    (tmp_path / "a.tif").mkdir()
    with (
        pytest.raises(NapariDipError, match=r"a\.tif could not be written"),
        atomic_file(tmp_path / "a.tif") as partial,
    ):
        partial.write_bytes(b"values")


def test_folder_is_replaced_only_when_filled(tmp_path):
    path = folder_with(tmp_path / "a", "old")
    with pytest.raises(ZeroDivisionError), filled_folder(path) as hidden:
        folder_with(hidden, "half")
        1 / 0  # noqa: B018 - the error is what is tested
    assert (path / "a.txt").read_text() == "old"
    with filled_folder(path) as hidden:
        folder_with(hidden, "new")
    assert (path / "a.txt").read_text() == "new"
    assert [*tmp_path.iterdir()] == [path]


def test_killed_swap_is_completed(tmp_path):
    path = folder_with(tmp_path / "a", "old")
    path.rename(hidden_sibling(path, "old"))  # the first half of a swap
    complete_swap(path)
    assert (path / "a.txt").read_text() == "old"
    swap_folder(folder_with(hidden_sibling(path, "new"), "new"), path)
    complete_swap(path)
    assert (path / "a.txt").read_text() == "new"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("suffix", [".tif", ".ome.zarr"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("x" * 244, "too long; shorten it"),
        ("x" * 300, "too long"),
        ("dangling", "a broken link"),
        ("loop", "a broken link"),
        ("pipe", "pipe"),
        ("folder", "folder|not a zarr"),
        ("absent/out", "does not exist"),
        ("other.tif/out", "does not exist"),
        ("/sys/out", "is not writable"),
    ],
)
def test_unwritable_name_is_refused_before_work(tmp_path, monkeypatch, name, suffix, says):
    monkeypatch.chdir(tmp_path)
    for image in ("in.tif", "other.tif"):
        write_image(image, StoredImage(np.eye(16, dtype=np.uint16), "YX"))
    for target, link in (("nowhere/file", "dangling"), (f"loop{suffix}", "loop")):
        os.symlink(target, f"{link}{suffix}")
    os.mkfifo(f"pipe{suffix}")
    os.mkdir(f"folder{suffix}")
    monkeypatch.setattr(file_run, "make_problem", None)  # a call would raise a TypeError
    before = sorted(tmp_path.rglob("*"))
    options = ("--overwrite", "--device", "cpu")
    result = CliRunner().invoke(app, ["denoise", "in.tif", f"{name}{suffix}", *options])
    assert result.exit_code == 2, result.output
    assert re.search(says, " ".join(result.stderr.split()))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["con.tif", "LPT1.ome.zarr", "a:b.tif", "a?.tif"])
def test_reserved_windows_name_is_refused_on_windows(tmp_path, name):
    with pytest.raises(FileProblem, match="Windows"):
        check_writable(tmp_path / name, windows=True)
    check_writable(tmp_path / name, windows=False)
