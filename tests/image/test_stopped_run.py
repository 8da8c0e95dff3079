"""A stopped run says which planes are restored, and leaves the others empty."""

import itertools

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.generators import finished

CPU = {"device": "cpu", "refinement": 0}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def stop_after(iterations):
    """Ask for a stop in an iteration, counted over all planes."""
    asked = itertools.count(1)
    return lambda: next(asked) >= iterations


@pytest.mark.parametrize("dtype", ["float32", "uint16", "bool"])
@pytest.mark.parametrize("task", ["denoise", "super-resolve", "inpaint"])
def test_a_stop_leaves_planes_not_begun_empty(task, dtype):
    values = np.random.default_rng(0).random((4, 9, 10))
    stack = values > 0.5 if dtype == "bool" else (values * 100).astype(dtype)
    mask = np.zeros((9, 10), bool)
    mask[3:5, 3:5] = True
    settings = Settings(task=task, iterations=4, noise="none", axes="CYX", **CPU)
    steps = restore(stack, settings, mask=mask, stop_requested=stop_after(6))
    _, result = finish(steps)
    assert result.stopped_by_user
    assert (result.restored, result.partial) == (({"C": 0},), ({"C": 1},))
    assert result.empty == ({"C": 2}, {"C": 3})
    fill = np.nan if dtype == "float32" else 0
    np.testing.assert_array_equal(result.image[2:], np.full_like(result.image[2:], fill))
    assert np.isfinite(result.image[:2]).all()
    said = result.provenance()["planes"]
    assert said["partial"] == [{"C": 1, "iterations": 2, "most_iterations": 4}]
    assert said["in_words"].endswith(
        "channel 2 stopped after 2 of 4 iterations; channels 3–4 are empty"
    )


def test_a_stopped_stack_of_volumes_names_both_axes():
    stack = np.random.default_rng(0).random((3, 2, 4, 9, 10)).astype(np.float32)
    settings = Settings(axes="TCZYX", ndim=3, iterations=2, at_once=1, **CPU)
    _, result = finish(restore(stack, settings, stop_requested=stop_after(5)))
    assert result.coverage.in_words() == (
        "frame 1, channels 1–2 (2 of 6) denoised; frame 2, channel 1 stopped after 1 of 2 "
        "iterations; frame 2, channel 2 and frame 3, channels 1–2 are empty"
    )
    assert np.isnan(result.image[1, 1]).all()
    assert np.isfinite(result.image[1, 0]).all()


def test_unfinished_planes_have_no_uncertainty(noisy):
    stack = np.stack([noisy[:16, :16], np.full((16, 16), 0.5), *[noisy[:16, :16]] * 3])
    settings = Settings(axes="CYX", uncertainty=True, iterations=2, at_once=1, **CPU)
    units = []
    stop = restore(stack, settings, stop_requested=lambda: 2 in units)
    result = finished(stop, lambda snapshot: units.append(snapshot.unit))
    assert result.restored == ({"C": 0}, {"C": 1})
    known = np.isfinite(result.uncertainty).all(axis=(1, 2))
    assert known.tolist() == [True, True, False, False, False]


def test_a_stop_leaves_later_windows_empty(noisy):
    clean = np.stack([noisy[:16, :16]] * 6)
    stack = clean + np.random.default_rng(0).normal(0, 0.2, clean.shape)
    settings = Settings(axes="ZYX", window=2, context=0, iterations=3, **CPU)
    snapshots, result = finish(restore(stack, settings, stop_requested=stop_after(4)))
    assert (snapshots[0].part, snapshots[-1].part) == ("planes 1–2 of 6", "planes 3–4 of 6")
    assert result.coverage.in_words() == (
        "planes 1–2 of 6 denoised; planes 3–4 stopped after 1 of 3 iterations; planes 5–6 are empty"
    )
    assert np.isnan(result.image).any(axis=(1, 2)).tolist() == [False] * 4 + [True] * 2


def test_empty_pixels_of_colours_are_transparent():
    stack = np.random.default_rng(0).random((3, 9, 10, 4)).astype(np.float32)
    settings = Settings(axes="ZYXS", iterations=2, at_once=1, **CPU)
    _, result = finish(restore(stack, settings, stop_requested=stop_after(1)))
    assert np.isnan(result.image[1:, ..., :3]).all()
    assert (result.image[1:, ..., 3] == 0).all()
