"""The command `assess` prints sentences or JSON, and writes reports."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app


def call(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def clean(cells):
    out = cells.with_name("clean.ome.tif")
    options = ("--device", "cpu", "--iterations", "3", "--quiet")
    assert call("denoise", cells, out, *options).exit_code == 0
    return out


def test_sentences_are_printed(cells, clean):
    result = call("assess", cells, clean)
    assert result.exit_code == 0, result.output
    assert "residual" in result.stdout.lower()


def test_json_is_one_record(cells, clean):
    assert "Residual" in json.loads(call("assess", cells, clean, "--json").stdout)


@pytest.mark.parametrize("suffix", [".html", ".json"])
def test_a_report_is_written(cells, clean, suffix):
    path = cells.with_name(f"report{suffix}")
    result = call("assess", cells, clean, "--report", path)
    assert result.exit_code == 0, result.output
    text = path.read_text("utf-8")
    assert "cells.tif" in text and "clean.ome.tif" in text
    assert "0.5 µm" in text


def test_an_input_is_never_overwritten(cells, clean):
    before = clean.read_bytes()
    renamed = clean.rename(clean.with_name("clean.json"))
    result = call("assess", cells, renamed, "--report", renamed)
    assert result.exit_code == 2
    assert renamed.read_bytes() == before


def test_a_wrong_name_fails_before_the_work(cells, clean):
    result = call("assess", cells, clean, "--report", cells.with_name("a.pdf"))
    assert result.exit_code == 2
    assert ".html or .json" in result.stderr


def test_a_result_without_a_record_is_refused(cells):
    result = call("assess", cells, cells)
    assert result.exit_code == 2
    assert "has no record" in result.stderr
