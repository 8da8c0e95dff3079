"""Snapshots go straight from the loop of a fit to the caller of a restoration."""

import inspect
import sys

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.dip import loop
from napari_dip.generators import finished
from napari_dip.image import unit
from napari_dip.progress import Monitor, Snapshot

QUICK = Settings(device="cpu", precision="float32", iterations=12, refinement=0, at_once=1)


def generators_on_the_stack():
    frame, found = sys._getframe(1), []
    while frame := frame.f_back:
        if frame.f_code.co_flags & inspect.CO_GENERATOR:
            found.append(frame.f_code.co_qualname)
    return found


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        pytest.param(QUICK, 6, id="a plane"),
        pytest.param(QUICK.replace(axes="TYX", share="none"), 6, id="one plane after another"),
        pytest.param(QUICK.replace(tile=64, overlap=8), 7, id="tiles"),
    ],
)
def test_few_generators_pass_a_snapshot_on(noisy, monkeypatch, settings, most):
    passed = []

    def recorded(**fields):
        passed.append(generators_on_the_stack())
        return Snapshot(**fields)

    monkeypatch.setattr(loop, "Snapshot", recorded)
    wide = np.tile(noisy, 2)[:24, :72]
    for _ in restore(np.stack([wide] * 2) if settings.axes else wide, settings):
        pass
    assert all(one[0] == "fit" and one[-1] == "run" for one in passed)
    assert max(map(len, passed)) == most


@pytest.mark.parametrize(("preview_every_s", "previews"), [(0, 12), (1e9, 0)])
def test_only_due_previews_are_converted(noisy, monkeypatch, preview_every_s, previews):
    converted, convert = [], unit.restored_values

    def counted(*parts):
        converted.append(parts)
        return convert(*parts)

    monkeypatch.setattr(unit, "restored_values", counted)
    snapshots = []
    finished(restore(noisy, QUICK.replace(preview_every_s=preview_every_s)), snapshots.append)
    assert sum(one.image is not None for one in snapshots) == previews
    assert len(converted) == previews + 1  # the result is converted too


def test_conversions_run_from_the_fit_outwards():
    monitor = Monitor(convert=str).through(lambda image: image + 1).through(lambda image: 2 * image)
    assert monitor.convert(10) == "21"
    assert monitor.through(lambda image: None).convert(10) is None


def test_iterations_of_earlier_fits_are_added():
    monitor = Monitor(iterations=99).after(20).after(3)
    assert (monitor.before, monitor.iterations) == (23, 99)
    snapshot = Snapshot(iteration=5, best_iteration=4).after(monitor.before)
    assert (snapshot.iteration, snapshot.best_iteration) == (28, 27)


def test_snapshot_without_a_preview_is_itself():
    plain = Snapshot(iteration=5)
    assert plain.without_image() is plain
    assert Snapshot(iteration=5, image=np.ones(2)).without_image() == plain
