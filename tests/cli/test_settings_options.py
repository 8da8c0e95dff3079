"""Test that an option gives a setting or an error that names it."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.cli.settings_options import change_settings, settings_parameters
from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.settings import Denoise, Inpaint, Settings, SuperResolve

WITHOUT_OPTION = {"task", "prior", "averaging", "precision", "preview_every_s", "uncertainty"}
"""The command is the task, --network sets one field of the prior, --uncertainty names a file."""

NUMBERS = (
    "iterations", "members", "refinement", "ndim", "window", "context", "tile", "overlap",
    "at_once", "seed",
)  # fmt: skip
TEXTS = ("noise", "voxel", "memory", "axes", "device")
ODD = (
    "", "0", "-1", "nan", "inf", "1e400", "1e400GB", "nanGB", "-1GB", "0GB", "9" * 400 + "TB",
    "9" * 5000 + "GB", "1,2", "1,2,3", "nan,1,1", "inf,1,1", "1e308,1e-308,1e-308", "5e-324,1,1",
    "cuda:" + "9" * 30, "\x1b[2J", "٣", "²", "\ud800", "YX\n", "ZYXZYX",
)  # fmt: skip
numbers = st.integers() | st.sampled_from([10**12, 10**30, -(10**400), 10**5000])
odd = st.sampled_from(ODD) | st.text(max_size=20)


def test_every_setting_has_an_option():
    names = {parameter.name for parameter in settings_parameters()}
    assert names - {"network"} | WITHOUT_OPTION == set(Settings.model_fields)


def test_help_shows_choices_and_defaults():
    parameters = {parameter.name: parameter.annotation for parameter in settings_parameters()}
    kind, option = get_args(parameters["dtype"])
    assert {*get_args(kind)} == {Literal["keep", "float32"], type(None)}
    assert (option.metavar, option.show_default) == ("keep|float32", "keep")
    kind, option = get_args(parameters["overlap"])
    assert {*get_args(kind)} == {int, type(None)}
    assert (option.metavar, option.show_default) == ("N", "32")


@given(
    st.dictionaries(st.sampled_from(NUMBERS), numbers, max_size=3),
    st.dictionaries(st.sampled_from(TEXTS), odd, max_size=3),
    st.sampled_from([(Denoise, {}), (Inpaint, {}), (SuperResolve, {"factor": "isotropic"})]),
)
def test_any_option_gives_settings_or_its_name(whole, texts, task):
    kind, asked = task
    try:
        settings = change_settings(Settings(task=kind(**asked)), whole | texts)
        assert Settings.from_json(settings.to_json()) == settings
        assert settings.memory_bytes is None or settings.memory_bytes >= 0
        assert dict(settings.factors)
    except NapariDipError as error:
        assert any(name in str(error) for name in (*whole, *texts, *asked)), error
        assert len(str(error)) < 3000


@given(numbers | odd | st.floats() | st.fractions() | st.decimals(), st.sampled_from(TEXTS))
def test_any_value_gives_settings_or_its_name(value, name):
    try:
        Settings(**{name: value}).to_json()
    except BadSettings as error:
        assert name in str(error)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--memory", "9" * 400 + "TB"), "memory='999"),
        (("--memory", "1e400GB"), "memory='1e400GB'"),
        (("--memory", "0GB"), "memory='0GB': give more than 0"),
        (("--seed", str(10**30)), "seed=1000"),
        (("--window", str(10**9)), "window=1000000000"),
        (("--tile", "0"), "tile=0"),
        (("--voxel", "nan,1,1"), "voxel.0=nan: give a finite number"),
        (("--noise", "nan"), "noise=nan"),
        (("--noise", "inf"), "noise=inf"),
        (("--iterations", str(10**12)), "iterations=1000000000000"),
        (("--settings", "/dev/zero"), "/dev/zero is a device"),
    ],
)
def test_absurd_options_are_named(tmp_path, options, says):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((16, 16), np.uint8))
    command = ["denoise", str(tmp_path / "a.tif"), str(tmp_path / "o.tif"), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("factor", ["99999999999999999999", "9" * 5000, "--5", "²", "nan", "0"])
def test_absurd_factors_are_named(tmp_path, factor):
    command = ["super-resolve", "a.tif", "o.tif", f"--factor={factor}"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "factor=" in result.stderr


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, 10**400, 5e-324])
def test_absurd_sensor_noise_is_named(value):
    try:
        Settings(noise={"gain": value})
    except BadSettings as error:
        assert "gain" in str(error)
