"""Test what the demo degrades, what it counts as a success, and what it writes."""

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
from napari_dip.cli.demo import CASES, add_noise, bin_pixels, ground_truth, run_demo, scratch
from napari_dip.image.result import Result
from napari_dip.image.unit_report import UnitReport


def oracle(shift: int = 0):
    """Stand in for a restoration: return the original plus a shift."""

    def fake(begin, _doing):
        begin(lambda stage, done: None).close()
        report = UnitReport(
            (), "fixed", "all 2 iterations done", 2, 2, 0.1, {}, 0, 1, "float32", ()
        )
        image = np.clip(ground_truth().astype(int) + shift, 0, 255).astype(np.uint8)
        return Result(image, "YXS", CASES[0].settings, (report,), "cpu", 1.0, False)

    return fake


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(demo, "Console", lambda: Console(width=120))


def test_the_original_has_contrast():
    assert ground_truth().shape == (128, 128, 3)
    assert ground_truth().std() > 30


@pytest.mark.parametrize("degrade", [add_noise, bin_pixels, scratch])
def test_degradation_is_repeatable_and_copies(degrade):
    image = ground_truth().copy()
    once, again = degrade(image), degrade(image)
    np.testing.assert_array_equal(once[0], again[0])
    np.testing.assert_array_equal(image, ground_truth())
    assert once[0].dtype == np.uint8


def test_scratches_change_only_masked_pixels():
    degraded, missing = scratch(ground_truth())
    assert 0.05 < missing.mean() < 0.2
    np.testing.assert_array_equal(degraded[~missing], ground_truth()[~missing])


def test_every_case_is_printed_and_drawn(tmp_path, capsys):
    assert run_demo(tmp_path / "new" / "folder", oracle(shift=1))
    printed = capsys.readouterr().out
    for case in CASES:
        assert case.name in printed
        with Image.open(tmp_path / "new" / "folder" / f"{case.name}.png") as picture:
            assert picture.width > 3 * picture.height * 0.9
    assert "48.1" in printed  # PSNR of an error of 1 in 255


def test_a_worse_result_is_a_failure(tmp_path, capsys):
    assert not run_demo(tmp_path, oracle(shift=100), cases=CASES[:1])
    assert "no closer to the original" in capsys.readouterr().out


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "demo").write_text("a file")
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo")])
    assert result.exit_code == 2
    assert "cannot be created" in result.stderr


def test_a_short_real_run_writes_its_picture(tmp_path):
    short = replace(CASES[1], settings=CASES[1].settings.replace(iterations=2, device="cpu"))
    assert run_demo(tmp_path, follow, cases=(short,)) in (True, False)
    assert (tmp_path / "super-resolve.png").exists()
