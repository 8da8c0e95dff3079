"""What the main thread takes from the worker thread."""

import numpy as np
import pytest

from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.progress import Snapshot


def snapshot(iteration, iterations, unit=0):
    image = np.full((8, 8), iteration)
    return Snapshot(unit, 2, (), iteration, iterations, 0.5, 0.1, iteration / 50, 2.0, image)


@pytest.mark.parametrize(
    ("before", "iterations", "shown"),
    [
        pytest.param([], 100, False, id="random start"),
        pytest.param([0], 100, True, id="starts from an estimate"),
        pytest.param([], 20, True, id="short fit"),
    ],
)
def test_no_image_of_the_random_start(before, iterations, shown):
    channel = WorkerChannel()
    for iteration in before:
        channel.post(snapshot(iteration, iterations))
        channel.take()
    channel.post(snapshot(3, iterations))
    points, image = channel.take()
    assert [point.iteration for point in points] == [3]
    assert (image is not None) == shown
    channel.post(snapshot(10, iterations))
    assert channel.take()[1].iteration == 10


def test_each_unit_needs_an_estimate_of_its_own():
    channel = WorkerChannel()
    channel.post(snapshot(0, 100, unit=0))
    assert channel.take()[1] is not None
    channel.post(snapshot(2, 100, unit=1))
    assert channel.take()[1] is None
