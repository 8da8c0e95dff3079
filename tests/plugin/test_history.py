"""The history of a run: evenly spaced frames within a limit, and a thinned curve."""

import math

import numpy as np

from napari_dip.plugin.models.history import Frame, History
from napari_dip.progress import Snapshot


def snapshot(iteration, image=None, unit=0, metric=0.1):
    index = (unit,)
    return Snapshot(unit, 2, index, iteration, 99, 0.5, metric, iteration / 20, 1.0, image)


def followed(count, max_bytes=10**6, size=10, **keywords):
    history = History(max_bytes)
    for iteration in range(1, count + 1):
        one = snapshot(iteration, np.full(size, iteration % 256, np.uint8), **keywords)
        history.add_points([one])
        history.add_preview(one)
    return history


def test_pictures_are_thinned_evenly_to_the_max_bytes():
    history = followed(1000, max_bytes=100)
    kept = [frame.iteration for frame in history.frames]
    assert 5 <= len(kept) <= 10
    assert set(np.diff(kept)) == {128}
    assert all((frame.image == frame.iteration % 256).all() for frame in history.frames)


def test_a_picture_above_the_budget_is_not_kept():
    assert not followed(3, max_bytes=9).frames


def test_few_points_are_drawn_without_previews():
    history = followed(5000)
    curve = history.curve()
    assert history.latest.image is None
    assert 200 <= len(curve.iterations) <= 400
    assert curve.iterations[-1] == 5000


def test_what_has_no_logarithm_is_not_drawn():
    history = History()
    history.add_points(
        snapshot(n, metric=m) for n, m in enumerate([math.inf, math.nan, -3.0, 0.2], 1)
    )
    np.testing.assert_array_equal(history.curve().criterion, [np.nan] * 3 + [0.2])


def test_the_next_unit_begins_anew():
    history = followed(5)
    history.add_points([snapshot(1, unit=1)])
    assert (len(history.curve().iterations), history.frames) == (1, [])
    history.add_preview(snapshot(6, np.zeros(3)))  # a late image of the previous unit
    assert not history.frames


def test_the_speed_is_that_of_late():
    assert History().per_second is None
    assert round(followed(200).per_second) == 20


def test_what_came_after_an_iteration_can_be_forgotten():
    history = followed(5)
    history.add_frame(Frame(9, (), np.zeros(3), result=True))
    history.truncate(3)
    assert history.latest.iteration == history.frames[-1].iteration == 3
