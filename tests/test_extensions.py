"""Installed extensions work everywhere without an import."""

import sys

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip.cli.app import make_app
from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.extensions import is_registered, load_extensions
from napari_dip.image.restoration_plan import plan
from napari_dip.settings import RULES, Settings

MODULES = "plateau_rule", "dilated_network", "sharpen"


@pytest.fixture
def own(installed):
    """Install the rule, the network and the task of docs/examples."""
    installed(*MODULES)
    assert "plateau" not in RULES


@pytest.mark.parametrize(
    "settings",
    [
        {"stopping": "plateau"},
        {"stopping": {"rule": "plateau"}},
        {"prior": "dilated"},
        {"task": "sharpen"},
        {"task": {"kind": "sharpen"}},
    ],
    ids=str,
)
def test_an_unknown_name_loads_extensions(own, settings):
    read = Settings(**settings)
    assert {*MODULES} <= {*sys.modules}
    assert Settings.from_json(read.to_json()) == read


def test_a_known_name_loads_no_extension(own):
    Settings(stopping="fixed", prior="unet", task="denoise")
    assert not {*MODULES} & {*sys.modules}


@pytest.mark.parametrize("value", [{"stopping": {"rule": []}}, {"noise": {"kind": []}}], ids=str)
def test_a_name_is_a_text(value):
    with pytest.raises(BadSettings, match="choose"):
        Settings(**value)


def test_the_table_is_asked_again(own):
    assert is_registered("plateau", RULES)
    assert not is_registered("no such rule", RULES)


def test_the_command_has_installed_extensions(own, tmp_path):
    app = make_app()
    image = np.random.default_rng(0).normal(5, 1, (16, 16)).astype(np.float32)
    tifffile.imwrite(tmp_path / "in.tif", image)
    options = "--task sharpen --width 1.5 --stopping plateau --network dilated --device cpu"
    result = CliRunner().invoke(app, ["plan", str(tmp_path / "in.tif"), *options.split()])
    assert result.exit_code == 0, result.output
    assert "Sharpening (width 1.5)" in result.output
    assert "sharpen" in CliRunner().invoke(app, ["--help"]).output
    assert str(plan(image, Settings(task="sharpen"))).startswith("Task: Sharpening")


def test_broken_extension_is_named(installed):
    installed("no_such_module")
    with pytest.raises(NapariDipError, match=r"extension 'no_such_module' .* cannot be imported"):
        load_extensions()


def test_the_command_names_a_broken_extension(installed):
    installed("no_such_module")
    result = CliRunner().invoke(make_app(), ["info"])
    assert result.exit_code == 1
    assert "the extension 'no_such_module' (no_such_module) cannot be imported" in result.stderr
