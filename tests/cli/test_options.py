"""Test the settings file and the options that override it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.settings import SensorNoise, Settings, SuperResolve


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def settings_of(cells: Path, command: str, *arguments: object) -> Settings:
    out = cells.with_name("out.tif")
    result = call(command, cells, out, *arguments, "--device", "cpu", "--json", "--overwrite")
    assert result.exit_code == 0, result.stderr
    return Settings(**json.loads(result.stdout)["settings"])


def test_options_override_the_settings_file(cells, tmp_path):
    stored = Settings(
        task=SuperResolve(factor=3, downsampler="box"),
        iterations=2,
        seed=5,
        prior={"code_noise": 0.01},
        stopping="fixed",
    )
    (tmp_path / "run.json").write_text(stored.to_json())
    used = settings_of(
        cells, "super-resolve", "--settings", tmp_path / "run.json", "--factor", 2,
        "--seed", 7, "--network", "hourglass", "--noise", "3.5",
    )  # fmt: skip
    assert used.task == SuperResolve(factor=2, downsampler="box")
    assert (used.iterations, used.seed, used.noise) == (2, 7, 3.5)
    assert (used.prior.network, used.prior.code_noise) == ("hourglass", 0.01)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("3.5", 3.5),
        ("gaussian", "gaussian"),
        ("auto", "auto"),
        ("2,1.5,3", SensorNoise(gain=2, offset=1.5, read=3)),
    ],
)
def test_noise_is_a_word_number_or_camera(cells, typed, meant):
    assert settings_of(cells, "denoise", "--noise", typed, "--iterations", 1).noise == meant


def test_the_same_rule_keeps_the_files_numbers(cells, tmp_path):
    (tmp_path / "run.json").write_text('{"stopping": {"rule": "es-wmv", "window": 7}}')
    options = ("--settings", tmp_path / "run.json", "--iterations", 2)
    assert settings_of(cells, "denoise", *options, "--stopping", "es-wmv").stopping.window == 7
    assert settings_of(cells, "denoise", *options, "--stopping", "fixed").stopping.rule == "fixed"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"task": {"kind": "inpaint"}}', "is for inpaint"),
        ('{"iterations": 0}', "iterations=0"),
        ('{"iteration": 5}', "iteration"),
        ("not json", "run.json"),
    ],
)
def test_an_invalid_settings_file_exits_with_2(cells, tmp_path, text, says):
    (tmp_path / "run.json").write_text(text)
    result = call("denoise", cells, tmp_path / "o.tif", "--settings", tmp_path / "run.json")
    assert result.exit_code == 2
    assert says in result.stderr
