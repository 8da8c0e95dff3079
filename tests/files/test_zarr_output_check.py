"""Test that no other data are deleted when a zarr is replaced."""

from __future__ import annotations

import pytest
from example_files import values
from example_zarr import calibrated, make
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import FileProblem
from napari_dip.files.image_io import write_image

QUICK = ("--iterations", "4", "--device", "cpu", "--noise", "5", "--share", "none", "--axes", "ZYX")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_other_contents_of_a_zarr_are_kept(stack, older):
    (older / "labels").mkdir()
    (older / "labels" / "cells.txt").write_text("years of work")
    result = call("denoise", stack, older, *QUICK, "--overwrite")
    assert result.exit_code == 2
    assert "labels" in result.stderr
    assert (older / "labels" / "cells.txt").exists()


def test_other_folder_is_never_replaced(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.txt").write_text("years")
    with pytest.raises(FileProblem, match="is not a zarr"):
        make(tmp_path / "a.zarr", values((3, 20, 24)), "TYX", overwrite=True)
    with pytest.raises(FileProblem, match="is not a zarr"):
        write_image(tmp_path / "a.zarr", calibrated("YX"), overwrite=True)
    assert (tmp_path / "a.zarr" / "thesis.txt").read_text() == "years"


def test_missing_parent_folder_is_not_created(tmp_path):
    with pytest.raises(FileProblem, match="does not exist; create it first"):
        make(tmp_path / "absent" / "a.zarr", values((3, 20, 24)), "TYX")
    assert not (tmp_path / "absent").exists()
