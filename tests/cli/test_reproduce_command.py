"""The command `reproduce` compares, and its exit code is the verdict."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.files.image_io import read_image, read_provenance, write_image

QUICK = ("--device", "cpu", "--iterations", "3", "--quiet")


def call(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def clean(cells, hole):
    """A filled image."""
    done = call("inpaint", cells, hole, cells.with_name("clean.png"), *QUICK)
    assert done.exit_code == 0, done.output
    return cells.with_name("clean.png")


def test_the_same_bytes_exit_with_zero(clean):
    result = call("reproduce", clean)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{clean}: same bytes, restored again from ")


def test_other_pixels_exit_with_one(clean):
    stored, record = read_image(clean), read_provenance(clean)
    stored.image[9, 7] += 3
    del record["result"]
    write_image(clean, stored, provenance=record, overwrite=True)
    result = call("reproduce", clean, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["same"], found["different"], found["largest"]) == (False, 1, 3.0)
    assert found["changes"] == []


def test_a_missing_input_exits_with_two(clean, cells, hole):
    elsewhere = cells.rename(cells.with_name("elsewhere.tif"))
    result = call("reproduce", clean)
    assert result.exit_code == 2
    assert "give it with --input" in result.stderr
    given = ("--input", elsewhere, "--mask", hole, "--quiet")
    assert call("reproduce", clean, *given).exit_code == 0
