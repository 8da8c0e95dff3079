"""Test that `plan` prints the steps and runs nothing."""

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip.cli.app import app


@pytest.fixture
def image(tmp_path):
    """A file with two noisy planes."""
    values = np.random.default_rng(0).poisson(30, (2, 32, 32)).astype(np.uint16)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "ZYX"})
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def test_steps_and_time_are_printed(image):
    before = sorted(image.parent.iterdir())
    result = run(image, "--device", "cpu", "--iterations", "50")
    assert result.exit_code == 0, result.output
    for words in ("2 planes", "Noise: Gaussian", "at most 50 iterations", "Time: about"):
        assert words in result.stdout
    assert sorted(image.parent.iterdir()) == before


def test_json_has_the_same_steps(image):
    result = run(image, "--device", "cpu", "--task", "super-resolve", "--factor", "2", "--json")
    record = json.loads(result.stdout)
    assert record["settings"]["task"]["factor"] == 2
    assert record["seconds"] > 0
    assert any("Fit a network" in step for step in record["steps"])


def test_a_mask_is_used(image, tmp_path):
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, np.pad(np.full((4, 4), 255, np.uint8), 14))
    result = run(image, "--device", "cpu", "--task", "inpaint", "--mask", mask)
    assert "Fill the gaps" in result.stdout, result.output


def test_inpainting_without_a_mask_is_refused(image):
    result = run(image, "--device", "cpu", "--task", "inpaint")
    assert result.exit_code == 2
    assert "nothing is missing" in result.output


def test_options_of_the_task_are_used(image):
    options = ("--task", "super-resolve", "--factor", "isotropic", "--voxel", "4,1,1", "--json")
    result = run(image, "--device", "cpu", "--downsampler", "box", *options)
    task = json.loads(result.stdout)["settings"]["task"]
    assert (task["factor"], task["downsampler"]) == ("isotropic", "box")


def test_an_option_of_another_task_is_refused(image):
    result = run(image, "--factor", "2")
    assert result.exit_code == 2
    assert "factor" in result.output


def test_uncertainty_is_planned_only_if_asked(image):
    options = (image, "--device", "cpu", "--preset", "best")
    assert "uncertainty" not in run(*options).stdout
    assert "measure the uncertainty" in run(*options, "--uncertainty").stdout
