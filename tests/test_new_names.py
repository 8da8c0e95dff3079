"""Another package adds a stopping rule and a network: those of docs/examples."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip import Settings, denoise, restore
from napari_dip.cli.app import app
from napari_dip.cli.settings_options import settings_parameters
from napari_dip.errors import BadSettings
from napari_dip.generators import finished
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import NETWORKS, RULES

EXAMPLES = Path(__file__).parents[1] / "docs/examples"
QUICK = {"device": "cpu", "axes": "YX", "refinement": 0}


@pytest.fixture(autouse=True, scope="module")
def examples():
    """Import both modules, as another package would, and remove their names afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        yield [importlib.import_module(name) for name in ("plateau_rule", "dilated_network")]
    del RULES["plateau"], NETWORKS["dilated"]


@pytest.fixture
def noisy():
    y, x = np.mgrid[:32, :32] / 5
    noise = np.random.default_rng(0).normal(0, 10, (32, 32))
    return (100 + 50 * np.sin(x) * np.cos(y) + noise).astype(np.float32)


def test_a_new_rule_ends_a_fit(noisy):
    settings = Settings(stopping="plateau", iterations=400, **QUICK)
    (report,) = finished(restore(noisy, settings)).reports
    assert report.rule == "plateau"
    assert report.reason == "no new minimum for 5 iterations"
    assert report.iterations < 400


def test_a_new_network_denoises(noisy):
    settings = {"stopping": "fixed", "iterations": 40, **QUICK}
    restored = denoise(noisy, prior="dilated", **settings)
    assert restored.std() > 5
    assert np.abs(np.diff(restored)).mean() < 0.7 * np.abs(np.diff(noisy)).mean()
    assert not np.array_equal(restored, denoise(noisy, **settings))


def test_a_new_network_changes_the_recipe():
    chosen = recipe(Settings(prior="dilated"))
    assert type(chosen.network).__name__ == "Dilated"
    assert chosen.learning_rate == 0.005
    assert recipe(Settings(prior={"network": "dilated", "learning_rate": 0.1})).learning_rate == 0.1


def test_new_names_are_written_and_read(examples):
    settings = Settings(stopping={"rule": "plateau", "patience": 7}, prior="dilated")
    assert json.loads(settings.to_json())["stopping"] == {"rule": "plateau", "patience": 7}
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.stopping == examples[0].Plateau(patience=7)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"stopping": "plato"}, "stopping='plato': choose one of .*'fixed', 'plateau'"),
        ({"prior": "dilatd"}, "network='dilatd': choose one of .*'none', 'dilated'"),
        ({"stopping": {"rule": "plateau", "patience": 0}}, "patience=0: give a value greater"),
    ],
)
def test_errors_list_the_new_names(keywords, says):
    with pytest.raises(BadSettings, match=says):
        Settings(**keywords)


def test_the_command_line_takes_new_names(tmp_path, noisy):
    tifffile.imwrite(tmp_path / "in.tif", noisy)
    files = [str(tmp_path / name) for name in ("in.tif", "out.tif")]
    options = "--stopping plateau --network dilated --iterations 3 --device cpu --json".split()
    result = CliRunner().invoke(app, ["denoise", *files, *options])
    assert result.exit_code == 0, result.stderr
    used = Settings(**json.loads(result.stdout)["settings"])
    assert (used.stopping.rule, used.prior.network) == ("plateau", "dilated")


def test_help_lists_the_new_names():
    shown = {each.name: each.annotation.__metadata__[0].help for each in settings_parameters()}
    assert "plateau" in shown["stopping"]
    assert "dilated" in shown["network"]
