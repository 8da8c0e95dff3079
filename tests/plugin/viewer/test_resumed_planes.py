"""The planes of a stack: their states, and the rest of a stopped or failed run."""

from __future__ import annotations

import numpy as np
import pytest

from napari_dip.errors import OutOfMemory
from napari_dip.image import restore as engine_module
from napari_dip.plugin.models.layer_record import record_of
from napari_dip.plugin.views.plane_strip import LOOKS

ITERATIONS = 20


@pytest.fixture
def channels(cells):
    """Three channels, each of which has a network of its own."""
    cells.axis_labels = "cyx"
    return cells


@pytest.fixture
def start(open_panel, channels):
    """Open a panel whose runs restore one channel after the other."""

    def open_one():
        panel = open_panel("Denoise", channels)
        panel["iterations"].setValue(ITERATIONS)
        panel["device"].setCurrentText("processor (cpu)")
        return panel

    return open_one


def strip(panel):
    return panel["planes"].states.states


def stop_after_one(panel, qtbot):
    panel.press("run")
    view = panel.widget._result.run_view

    def first_is_done():
        session = panel.widget.controller.session
        session._update_planes()
        return session.planes.states[0] == "done"

    qtbot.waitUntil(first_is_done)
    panel.press("stop")
    panel.wait_until_idle()
    return view.finished


@pytest.fixture
def one_at_once(monkeypatch):
    """Restore one unit after the other, so that a stop leaves some."""
    from napari_dip.image import plan

    monkeypatch.setattr(plan.Plan, "units_at_once", property(lambda plan: 1))


def test_resuming_in_memory_gives_the_same_bytes(start, qtbot, one_at_once):
    panel = start()
    panel.press("run")
    panel.wait_until_idle()
    whole = np.array(panel.viewer.layers[-1].data)
    assert strip(panel) == ("done",) * 3
    assert not panel["resume_rest"].isVisibleTo(panel.dock)

    finished = stop_after_one(panel, qtbot)
    layer, number = finished.layer, len(panel.viewer.layers)
    left = sum(state != "done" for state in strip(panel))
    assert 1 <= left <= 2
    assert panel["resume_rest"].text() == f"Resume {left} channel{'s' * (left > 1)}"
    panel.press("resume_rest")
    panel.wait_until_idle()
    assert len(panel.viewer.layers) == number
    np.testing.assert_array_equal(layer.data, whole)
    assert strip(panel) == ("done",) * 3
    assert record_of(layer)["planes"]["empty"] == []
    assert not panel["resume_rest"].isVisibleTo(panel.dock)


def test_discarding_a_resumed_run_restores_the_stopped_one(start, qtbot, one_at_once):
    panel = start()
    assert not panel["planes"].isVisibleTo(panel.dock)
    finished = stop_after_one(panel, qtbot)
    assert_strip_is_told(panel)
    before, record = finished.layer.data.copy(), record_of(finished.layer)
    panel.press("resume_rest")
    session = panel.widget.controller.session
    qtbot.waitUntil(lambda: session.history.latest is not None)
    panel.press("discard")
    panel.wait_until_idle()
    np.testing.assert_array_equal(finished.layer.data, before)
    assert record_of(finished.layer) == record
    assert panel["resume_rest"].isVisibleTo(panel.dock)


def test_a_stopped_run_on_disk_is_resumed(start, qtbot, one_at_once, tmp_path):
    panel = start()
    panel["save_to"].setCurrentText("save as OME-Zarr …")
    panel.widget._output.path.value = tmp_path / "out.ome.zarr"
    stop_after_one(panel, qtbot)
    panel.press("resume_rest")
    panel.wait_until_idle()
    assert strip(panel) == ("done",) * 3
    assert np.asarray(panel.viewer.layers[-1].data).min() > 0


def test_after_a_run_to_disk_history_stays(start, qtbot, tmp_path):
    panel = start()
    panel["iterations"].setValue(60)  # long enough for previews
    panel["save_to"].setCurrentText("save as OME-Zarr …")
    panel.widget._output.path.value = tmp_path / "out.ome.zarr"
    panel.press("run")
    qtbot.waitUntil(lambda: len(panel.viewer.layers) > 1)
    panel.wait_until_idle()
    finished = panel.widget._result.run_view.finished
    assert finished.has_frames
    assert "need a result in memory" in panel["file_note"].text()
    for name in ("scrub", "strength", "use_this", "keep_as_layer"):
        assert not panel[name].isEnabled()
        assert "file" in panel[name].toolTip()
    data = panel.viewer.layers[-1].data
    panel.press("history")
    assert panel.viewer.layers[-1].axis_labels[0] == "iteration"
    assert finished.layer.data is data
    panel.press("compare")
    assert panel.widget._result.run_view.compare._comparison is not None


@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_a_failure_keeps_the_complete_planes(
    start, qtbot, monkeypatch, one_at_once, tmp_path, on_disk
):
    panel = start()
    panel["iterations"].setValue(3)
    if on_disk:
        panel["save_to"].setCurrentText("save as OME-Zarr …")
        panel.widget._output.path.value = tmp_path / "out.ome.zarr"
    real, failing = engine_module.restore_unit, [True]

    def restore_unit(problem, unit, *args, **options):
        if unit.number == 1 and failing:
            raise OutOfMemory("no memory left")
        return (yield from real(problem, unit, *args, **options))

    monkeypatch.setattr(engine_module, "restore_unit", restore_unit)
    panel.press("run")
    panel.wait_until_idle()
    assert strip(panel) == ("done", "failed", "waiting")
    assert panel.said.startswith("no memory left")
    assert panel["resume_rest"].text() == "Resume 2 channels"
    failing.clear()
    panel.press("resume_rest")
    panel.wait_until_idle()
    assert strip(panel) == ("done",) * 3
    assert np.asarray(panel.viewer.layers[-1].data).min() > 0


def assert_strip_is_told(panel):
    planes = panel["planes"]
    assert planes.isVisibleTo(panel.dock)
    assert planes.text_at(1).startswith("channel 1 of 3: done\nAll planes: ")
    assert "waiting" in planes.text_at(planes.width() - 1)
    picture = planes.grab().toImage()
    colours = {picture.pixelColor(x, 7).name() for x in range(planes.width())}
    assert LOOKS["done"][0] in colours
