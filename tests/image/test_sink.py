"""A stopped run in memory is resumed with the same pixels as one that was not stopped."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.settings import Settings

STACK = np.random.default_rng(0).random((4, 9, 10)).astype(np.float32)


def run_until(problem, iterations):
    """Stop in an iteration, counted over all planes; return the sink and the result."""
    asked, sink = itertools.count(1), InMemory(problem)
    return sink, finished(run(problem, sink, lambda: next(asked) >= iterations))


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "uint16"])
@pytest.mark.parametrize(
    ("options", "stop"),  # the iteration in which the second unit has begun
    [
        pytest.param({}, 6, id="planes"),
        pytest.param({"at_once": 2}, 8, id="two at once"),
        pytest.param({"members": 2}, 10, id="several fits"),
        pytest.param({"uncertainty": True}, 14, id="with its uncertainty"),
        pytest.param({"axes": "ZYX", "share": "Z", "window": 2, "noise": 30.0}, 13, id="windows"),
        pytest.param({"task": "super-resolve"}, 10, id="finer pixels"),
    ],
)
def test_resuming_gives_the_bytes_without_stop(options, stop, dtype):
    stack = (STACK * 100).astype(dtype)
    common = {"axes": "CYX", "iterations": 4, "noise": "none", "device": "cpu", "at_once": 1}
    problem = make_problem(stack, Settings(**common | options), None, None)
    whole = finished(run(problem, InMemory(problem)))
    sink, result = next(
        (sink, result)
        for sink, result in (run_until(problem, iterations) for iterations in range(stop, 40))
        if result.restored and result.partial
    )
    before = result.image.copy()

    again = make_problem(stack, problem.settings, None, None, problem.device, sink.tiling)
    assert again.plan == problem.plan
    resumed, units = InMemory(again, sink), set()
    done = set(resumed.done())
    assert problem.plan.window == options.get("window", 1)
    assert done
    outcome = finished(run(again, resumed), lambda snapshot: units.add(snapshot.unit))
    assert len(units) == len(again.plan.units) - len(done)
    assert outcome.coverage.complete
    np.testing.assert_array_equal(outcome.image, whole.image)
    if options.get("uncertainty"):
        np.testing.assert_array_equal(outcome.uncertainty, whole.uncertainty)
    np.testing.assert_array_equal(result.image, before)


def test_planes_stopped_early_are_empty_again():
    settings = Settings(axes="CYX", iterations=4, noise="none", device="cpu", at_once=1)
    problem = make_problem(STACK, settings, None, None)
    sink, result = run_until(problem, 6)
    assert result.partial == ({"C": 1},)
    resumed = InMemory(problem, sink)
    assert [resumed.holds(unit) for unit in problem.plan.units] == [True, False, False, False]
    assert np.isnan(resumed.image[1]).all()
    assert np.isfinite(result.image[1]).all()
