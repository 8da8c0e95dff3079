"""The status of the panel says how a run stands and how it ended."""

from pathlib import Path

import numpy as np
import pytest

from napari_dip import Settings
from napari_dip.image.result import Result
from napari_dip.image.unit_report import UnitReport
from napari_dip.plugin.models.status_text import ending_text, saved_text, status_text
from napari_dip.progress import Snapshot
from napari_dip.settings import Denoise, SuperResolve

LATEST = Snapshot(part="plane 1 of 2", iteration=5, iterations=10, loss=0.25, remaining_s=30)


def ended(*reports, task=None, stopped=False):
    settings = Settings(task=task or Denoise(), axes="YX")
    return Result(np.ones((2, 2)), "YX", settings, reports, "cpu", 62.0, stopped)


def test_a_status_has_speed_device_and_memory():
    assert status_text(LATEST, 30, 12.34, "cpu", 2**30) == (
        "iteration 5 of 10 · about 30 s left\n\nloss 0.25 · 12.3 iterations/s · cpu, 1.0 GiB"
    )


def test_a_status_begins_without_a_time():
    assert status_text(LATEST, None, None, "", 0).startswith("iteration 5 of 10\n\n")
    assert status_text(None, None, None, "", 0) == "\n\n"


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (ended(), "the image is constant and stays unchanged"),
        (ended(UnitReport((), "why", iterations=1, most_iterations=9)), "1 iteration, why"),
        (ended(UnitReport((), "why", iterations=9, most_iterations=9)), "9 of 9 iterations"),
        (
            ended(UnitReport((), "why", iterations=9, denoising=4), task=SuperResolve()),
            "denoised (4 iterations), then super-resolved (5)",
        ),
    ],
)
def test_an_ending_says_what_was_done(result, words):
    assert ending_text(result, "cells") == f"Done in 1 min: {words}. See 'cells'."


def test_a_stopped_run_is_said_to_stop():
    report = UnitReport((), "stopped", iterations=3, most_iterations=9, stopped_by_user=True)
    assert ending_text(ended(report, stopped=True), "") == "Stopped after 1 min: 3 of 9 iterations."


def test_a_saved_result_can_be_resumed():
    path = Path("a.ome.zarr")
    assert saved_text(path, resumable=False, in_sections=True) == "Saved to a.ome.zarr."
    text = saved_text(path, resumable=True, in_sections=True)
    assert "press Run to resume it; the file is empty until all sections" in text
