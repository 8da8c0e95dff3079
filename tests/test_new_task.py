"""A task outside the package works everywhere: its settings and its row are enough."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from napari_dip import Settings, plan, restore
from napari_dip.cli.app import make_app
from napari_dip.errors import BadSettings
from napari_dip.generators import finished
from napari_dip.settings import TASKS

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs/examples/sharpen.py"
QUICK = {"device": "cpu", "iterations": 30, "axes": "YX"}
FEW = "--device", "cpu", "--iterations", "3"
WIDTH = 1.5


@pytest.fixture(scope="module")
def example():
    """Import the module, as another package would, and remove its task afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLE.parent)
        yield importlib.import_module(EXAMPLE.stem)
    del TASKS["sharpen"]


@pytest.fixture(scope="module")
def truth():
    """Bright discs, 40 x 44."""
    y, x = np.mgrid[:40, :44]
    return np.where((y % 20 - 10) ** 2 + (x % 22 - 11) ** 2 < 30, 200.0, 40.0)


@pytest.fixture(scope="module")
def blurred(truth):
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    return (gaussian_filter(truth, WIDTH, mode="nearest") + noise).astype(np.float32)


@pytest.fixture(scope="module")
def settings(example):
    return Settings(task=example.Sharpen(width=WIDTH), noise=1.0, **QUICK)


def call(*arguments):
    result = CliRunner().invoke(make_app(), list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def test_the_example_is_short():
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 60


def test_a_new_task_restores(settings, truth, blurred):
    result = finished(restore(blurred, settings.replace(iterations=90)))
    before, after = (np.abs(image - truth).mean() for image in (blurred, result.image))
    assert after < 0.7 * before
    assert "Model the image as blurred by a Gaussian of 1.5 pixels." in result.reports[0].steps


def test_its_function_gives_the_same_pixels(example, settings, blurred):
    image = finished(restore(blurred, settings)).image
    asked = {"width": WIDTH, "noise": 1.0, **QUICK}
    np.testing.assert_array_equal(example.sharpen(blurred, **asked), image)


def test_the_plan_names_a_new_task(settings, blurred):
    text = str(plan(blurred, settings))
    assert text.startswith("Task: Sharpening (width 1.5), preset fast.\n")
    assert "1. Model the image as blurred by a Gaussian of 1.5 pixels." in text
    assert "Filter groups" not in text


def test_the_command_restores_a_file(example, blurred, tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", blurred)
    files = tmp_path / "cells.tif", tmp_path / "out.tif"
    result = call("sharpen", *files, "--width", "1.5", *FEW)
    assert f"Sharpening (width 1.5) {files[0]} (40 x 44" in result.stderr
    assert tifffile.imread(files[1]).shape == blurred.shape
    text = call("plan", files[0], "--task", "sharpen", "--width", "1.5", *FEW).stdout
    assert text.startswith("Task: Sharpening (width 1.5), preset fast.\n")
    assert "Remove the blur of a Gaussian from an image." in call("sharpen", "--help").stdout


def test_a_layer_has_its_words(settings, blurred):
    layers = pytest.importorskip("napari.layers", reason="the layers are napari's")
    from napari_dip.plugin.models.layer_input import read_layer
    from napari_dip.plugin.models.layer_output import to_layer_data
    from napari_dip.plugin.models.layer_record import record_of
    from napari_dip.plugin.models.provenance import python_code, shell_command

    source = read_layer(layers.Image(blurred, name="cells"))
    result = finished(restore(source.data, settings))
    pixels, keywords, _ = to_layer_data(result, source)
    assert keywords["name"] == "cells (sharpened)"
    record = record_of(layers.Image(pixels, **keywords))
    code = python_code(record, "cells")
    assert "from sharpen import sharpen\n" in code
    assert "restored = sharpen(image, width=1.5, iterations=30, " in code
    command = shlex.split(shell_command(record, "cells").splitlines()[-1])
    assert command[:2] == ["napari-dip", "sharpen"]
    assert command[command.index("--width") + 1] == "1.5"


def test_its_settings_pass_through_json(example, settings):
    assert Settings.from_json(settings.to_json()) == settings
    assert Settings(task="sharpen").task == example.Sharpen()
    with pytest.raises(BadSettings, match="width=9"):
        Settings(task={"kind": "sharpen", "width": 9})


def test_a_preset_without_recipe_is_refused(settings, blurred):
    with pytest.raises(BadSettings, match="preset='paper': nothing is published for sharpen"):
        plan(blurred, settings.replace(preset="paper"))
