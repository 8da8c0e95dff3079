"""Options with absurd values: an error that names the option, and never a traceback."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.cli.options import RunOptions
from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.settings import Denoise, Inpaint, Settings, SuperResolve

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


@given(
    st.dictionaries(st.sampled_from(NUMBERS), numbers, max_size=3),
    st.dictionaries(st.sampled_from(TEXTS), odd, max_size=3),
    st.sampled_from([(Denoise, {}), (Inpaint, {}), (SuperResolve, {"factor": "isotropic"})]),
)
def test_options_make_settings_or_an_error_that_names_them(whole, texts, task):
    kind, asked = task
    try:
        settings = RunOptions(**whole, **texts).build(kind, **asked)
        assert Settings.from_json(settings.to_json()) == settings
        assert settings.memory_bytes is None or settings.memory_bytes >= 0
        assert dict(settings.factors)
    except NapariDipError as error:
        assert any(name in str(error) for name in (*whole, *texts, *asked)), error
        assert len(str(error)) < 3000


@given(numbers | odd | st.floats() | st.fractions() | st.decimals(), st.sampled_from(TEXTS))
def test_so_do_values_in_python(value, name):
    try:
        Settings(**{name: value}).to_json()
    except BadSettings as error:
        assert name in str(error)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--memory", "9" * 400 + "TB"), "memory='999"),
        (("--memory", "1e400GB"), "memory='1e400GB'"),
        (("--memory", "0GB"), "memory='0GB': give more than nothing"),
        (("--seed", str(10**30)), "seed=1000"),
        (("--window", str(10**9)), "window=1000000000"),
        (("--tile", "0"), "tile=0"),
        (("--voxel", "nan,1,1"), "voxel.0=nan: Input should be a finite number"),
        (("--noise", "nan"), "noise=nan"),
        (("--noise", "inf"), "noise=inf"),
        (("--iterations", str(10**12)), "iterations=1000000000000"),
        (("--settings", "/dev/zero"), "/dev/zero is a device"),
    ],
)
def test_absurd_values_on_the_shell_are_named(tmp_path, options, says):
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
def test_absurd_noise_of_a_sensor_is_named(value):
    try:
        Settings(noise={"gain": value})
    except BadSettings as error:
        assert "gain" in str(error)
