"""Test that progress over several workers never decreases."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("distributed")

from napari_dip.cluster.total_progress import TotalProgress
from napari_dip.image.problem import make_problem
from napari_dip.image.unit_report import UnitReport
from napari_dip.progress import Snapshot
from napari_dip.settings import Settings


@pytest.fixture
def plan():
    """Three planes, each a unit."""
    settings = Settings(axes="TYX", share="none", device="cpu")
    stack = np.random.default_rng(0).poisson(30, (3, 16, 16)).astype(np.uint8)
    return make_problem(stack, settings, None, None).plan


def step(iteration):
    return Snapshot(iteration=iteration, iterations=10, loss=0.5, metric=0.1)


def test_progress_adds_up_all_units(plan):
    first, second, _ = plan.units
    progress = TotalProgress(plan, 0)
    assert progress.update(first, step(5)).iteration == 5
    snapshot = progress.update(second, step(7))
    assert (snapshot.unit, snapshot.units, snapshot.iteration) == (1, 3, 2)
    assert snapshot.part == "frame 2 of 3"


def test_progress_never_decreases(plan):
    first, second, third = plan.units
    progress = TotalProgress(plan, 0)
    report = UnitReport((0,), "done")
    snapshots = [
        progress.update(first, step(4)),
        progress.update(second, step(6)),
        progress.update(first, step(1)),  # another worker begins the unit again
        progress.end(second, report),
        progress.update(first, step(9)),
        progress.end(first, report),
        progress.end(third, report),
    ]
    places = [(snapshot.unit, snapshot.iteration) for snapshot in snapshots]
    assert all(before <= after for before, after in pairwise(places))
    assert places[-1] == (2, 10)
    assert snapshots[-1].remaining_s == 0
    assert all(snapshot.remaining_s >= 0 for snapshot in snapshots)


def test_resumed_units_count_as_done(plan):
    snapshot = TotalProgress(plan, 2).update(plan.units[2], step(5))
    assert (snapshot.unit, snapshot.iteration) == (2, 5)
    assert snapshot.remaining_s == pytest.approx(snapshot.elapsed_s)


def test_preview_before_the_fit_is_no_iteration(plan):
    snapshot = TotalProgress(plan, 0).update(plan.units[0], step(0))
    assert (snapshot.unit, snapshot.part) == (0, "frame 1 of 3")
    assert snapshot.remaining_s >= 0
