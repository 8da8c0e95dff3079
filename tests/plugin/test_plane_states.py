"""The states of planes are those of their units, and many planes share a cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_dip.generators import finished
from napari_dip.image.axes import Layout
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.plugin.models.plane_states import PlaneStates, plane_states, waiting_planes
from napari_dip.settings import Settings

CPU = {"device": "cpu", "noise": "none", "iterations": 3}


@pytest.mark.parametrize(
    ("options", "running"),
    [
        pytest.param({"at_once": 1}, 1, id="one at once"),
        pytest.param({"at_once": 2}, 2, id="two at once"),
        pytest.param(
            {"share": "Z", "window": 2, "at_once": 1, "noise": 0.1}, 2, id="windows of two planes"
        ),
    ],
)
def test_planes_are_running_until_they_are_stored(options, running):
    rng = np.random.default_rng(0)  # similar planes, which may share a network
    stack = (np.eye(24) + 0.1 * rng.normal(size=(6, 24, 24))).astype(np.float32)
    problem = make_problem(stack, Settings(axes="ZYX", **CPU | options), None, None)
    sink, seen = InMemory(problem), []
    finished(run(problem, sink), lambda _: seen.append(plane_states(problem, sink).states))
    # Of units at the same time, the second may be stored before the first reports.
    assert seen[0][0] == "running"
    assert seen[0].count("running") == running
    done = [states.count("done") for states in seen]
    assert done == sorted(done)
    assert plane_states(problem, sink).states == ("done",) * 6


def test_the_end_has_the_states_of_the_coverage():
    stack = np.random.default_rng(0).random((4, 9, 10)).astype(np.float32)
    stack[0] = np.nan
    problem = make_problem(stack, Settings(axes="CYX", at_once=1, **CPU), None, None)
    asked = itertools.count(1)
    result = finished(run(problem, InMemory(problem), lambda: next(asked) >= 5))
    states = waiting_planes(problem.layout).at_end(result.coverage)
    assert states.states == ("untouched", "done", "partial", "waiting")
    assert states.left == 2
    assert states.in_words().startswith("1 done, 1 unchanged")


def test_many_planes_share_a_cell():
    states = ["done"] * 1000
    states[503] = "failed"
    planes = PlaneStates(Layout("TZYX", (10, 100, 9, 9)), tuple(states))
    cells = planes.cells(50)
    assert len(cells) == 50
    assert [cell for cell, state in enumerate(cells) if state != "done"] == [25]
    assert planes.describe(*planes.bounds(50)[25]) == (
        "frame 6 of 10, plane 1 of 100 to frame 6 of 10, plane 20 of 100: 19 done, 1 failed"
    )


def test_a_failure_is_that_of_running_planes():
    planes = PlaneStates(Layout("ZYX", (3, 9, 9)), ("done", "running", "waiting"))
    assert planes.failed().states == ("done", "failed", "waiting")
    assert planes.describe(1, 2) == "plane 2 of 3: running"
