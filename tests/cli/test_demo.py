"""The demonstration: what it spoils, what it counts as a success, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from napari_dip.cli import demo
from napari_dip.cli.app import app
from napari_dip.cli.console import follow
from napari_dip.cli.demo import CASES, add_noise, bin_pixels, run_demo, scratch, truth
from napari_dip.image.result import Result, UnitReport


def oracle(shift: int = 0):
    """A stand-in for the engine: the truth itself, or a little beside it."""

    def fake(restoration, _doing):
        restoration.close()
        report = UnitReport(
            (), "fixed", "all 2 iterations done", 2, 2, 0.1, {}, 0, 1, "float32", ()
        )
        image = np.clip(truth().astype(int) + shift, 0, 255).astype(np.uint8)
        return Result(image, "YXS", CASES[0].settings, (report,), "cpu", 1.0, False)

    return fake


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(demo, "Console", lambda: Console(width=120))


def test_the_truth_is_a_real_micrograph_with_something_on_it():
    assert truth().shape == (128, 128, 3)
    assert truth().std() > 30


@pytest.mark.parametrize("spoil", [add_noise, bin_pixels, scratch])
def test_spoiling_is_repeatable_and_leaves_the_truth_alone(spoil):
    image = truth().copy()
    once, again = spoil(image), spoil(image)
    np.testing.assert_array_equal(once[0], again[0])
    np.testing.assert_array_equal(image, truth())
    assert once[0].dtype == np.uint8


def test_scratches_hide_a_tenth_and_change_nothing_else():
    spoilt, missing = scratch(truth())
    assert 0.05 < missing.mean() < 0.2
    np.testing.assert_array_equal(spoilt[~missing], truth()[~missing])


def test_every_case_is_shown_and_drawn(tmp_path, capsys):
    assert run_demo(tmp_path / "new" / "folder", oracle(shift=1))
    printed = capsys.readouterr().out
    for case in CASES:
        assert case.name in printed
        with Image.open(tmp_path / "new" / "folder" / f"{case.name}.png") as picture:
            assert picture.width > 3 * picture.height * 0.9
    assert "48.1" in printed  # the PSNR of an image that is 1 of 255 beside the truth


def test_a_restoration_that_is_no_nearer_to_the_truth_is_a_failure(tmp_path, capsys):
    assert not run_demo(tmp_path, oracle(shift=100), cases=CASES[:1])
    assert "no nearer to the truth" in capsys.readouterr().out


def test_a_file_in_the_place_of_the_folder_is_a_bad_call(tmp_path):
    (tmp_path / "demo").write_text("in the way")
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo")])
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


def test_two_iterations_of_the_engine_run_through(tmp_path):
    short = replace(CASES[1], settings=CASES[1].settings.replace(iterations=2, device="cpu"))
    assert run_demo(tmp_path, follow, cases=(short,)) in (True, False)
    assert (tmp_path / "super-resolve.png").exists()
