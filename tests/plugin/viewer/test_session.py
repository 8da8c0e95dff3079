"""A run from start to end, with a fake engine that the test ends."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from napari.utils.progress import progress
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import QLabel

from napari_dip.errors import OutOfMemory
from napari_dip.image import restore as engine_module
from napari_dip.plugin.controllers import session


def test_the_curve_counts_in_whole_iterations(make_napari_viewer, qtbot):

    viewer = make_napari_viewer()
    from napari_dip.plugin.views.curve import CurvePlot

    curve = CurvePlot(viewer, viewer.window._qt_window)
    for last in (3, 30, 3000):
        ticks = [
            tick for _, ticks in curve.getAxis("bottom").tickValues(1, last, 250) for tick in ticks
        ]
        assert len(ticks) > 1
        assert all(tick == round(tick) for tick in ticks)


def test_one_iteration_is_said_as_one(open_panel, engine, noisy, monkeypatch):
    engine.finish.set()
    monkeypatch.setattr(
        engine_module, "run", lambda problem, _, stop, **__: engine._steps(problem, stop, 1)
    )
    panel = open_panel("Denoise", noisy)
    panel.press("run")
    panel.wait_until_idle()
    assert ": 1 iteration, fixed." in panel.said


def test_only_run_can_be_pressed_before_and_after(open_panel, engine, noisy):
    panel = open_panel("Denoise", noisy)
    names = ("run", "stop", "discard")
    assert [panel[name].isEnabled() for name in names] == [True, False, False]
    panel.press("run")
    assert [panel[name].isEnabled() for name in names] == [False, True, True]
    engine.finish.set()
    panel.wait_until_idle()
    assert [panel[name].isEnabled() for name in names] == [True, False, False]


def test_a_second_run_is_impossible_while_one_runs(running, engine):
    assert engine.thread != threading.get_ident()
    running.press("run")
    running.widget._run.buttons.run.changed.emit(True)
    assert engine.calls == 1
    assert len(session.running_sessions) == 1


def test_another_run_can_follow(running, engine, noisy):
    engine.finish.set()
    running.wait_until_idle()
    before = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    np.testing.assert_array_equal(noisy.data, before)  # the input stays as it is
    assert (noisy.name, noisy.metadata) == ("noisy", {})
    running.press("run")
    running.wait_until_idle()
    assert engine.calls == 2
    assert len(running.viewer.layers) == 3


def test_stop_keeps_the_best_so_far(running, engine):
    output = running.viewer.layers[-1]
    running.press("stop")
    running.wait_until_idle()
    assert output in running.viewer.layers
    assert output.metadata["napari-dip"]["stopped_by_user"]
    assert running.said.startswith("Stopped")
    assert_released(engine)


def test_discard_removes_the_output_at_once(running, engine):
    running.press("discard")
    assert [layer.name for layer in running.viewer.layers] == ["noisy"]
    running.wait_until_idle()
    assert [layer.name for layer in running.viewer.layers] == ["noisy"]
    assert running["run"].isEnabled()
    assert_released(engine)


def assert_released(engine):
    gc.collect()
    assert engine.closed == 1
    assert engine.ballast() is None


def test_deleting_the_input_does_not_stop_the_run(running, engine, noisy):
    output = running.viewer.layers[-1]
    running.viewer.layers.remove(noisy)
    engine.finish.set()
    running.wait_until_idle()
    assert list(running.viewer.layers) == [output]
    assert "napari-dip" in output.metadata


def test_closing_the_panel_keeps_the_best_so_far(running, engine, notifications):
    output = running.viewer.layers[-1]
    running.dock.destroyOnClose()
    running.wait_until_idle()
    gc.collect()
    assert output.metadata["napari-dip"]["stopped_by_user"]
    assert engine.ballast() is None
    assert "best result" in notifications[-1].message


def test_hiding_the_panel_does_not_end_the_run(running, engine, qtbot):
    output = running.viewer.layers[-1]
    running.dock.close()
    first = int(output.data[0, 0])
    qtbot.waitUntil(lambda: int(output.data[0, 0]) > first)
    assert engine.closed == 0


@pytest.mark.parametrize("show", [False, True], ids=["hidden", "shown"])
def test_closing_the_viewer_ends_the_run(
    make_napari_viewer, engine, noisy, notifications, qtbot, show
):
    viewer = make_napari_viewer(show=show)
    viewer.add_layer(noisy)
    _, widget = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
    widget._run.buttons.run.native.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2)
    viewer.close()
    qtbot.waitUntil(lambda: not session.running_sessions)
    gc.collect()
    assert engine.closed == 1
    assert engine.ballast() is None
    assert not notifications


def test_closing_the_viewer_at_once_ends_the_run(make_napari_viewer, engine, noisy, qtbot):
    viewer = make_napari_viewer()
    viewer.add_layer(noisy)
    _, widget = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
    widget._run.buttons.run.native.click()
    viewer.close()
    qtbot.waitUntil(lambda: not session.running_sessions)
    gc.collect()
    assert engine.ballast() is None


def test_an_error_is_told_and_leaves_nothing_behind(running, engine, notifications):
    for number, error in enumerate(
        (
            OutOfMemory("Too little memory: try a smaller image."),
            RuntimeError("CUDA error: launch failure"),
            ZeroDivisionError("by zero"),
            StopIteration("stray"),
        )
    ):
        engine.fail = lambda error=error: type(error)(*error.args)
        if number:
            running.press("run")
        running.wait_until_idle()
        gc.collect()
        assert [note.severity.value for note in notifications] == ["error"] * (number + 1)
        assert "smaller" in notifications[-1].message
        assert running.said == notifications[-1].message
        assert running["run"].isEnabled()
        assert [layer.name for layer in running.viewer.layers] == ["noisy"]
        assert engine.ballast() is None


def test_panel_and_activity_dock_tell_the_stage(running, qtbot):
    bars = progress._all_instances
    qtbot.waitUntil(lambda: any("Fitting" in bar.desc for bar in bars))
    (bar,) = bars
    assert bar.total == 100
    qtbot.waitUntil(lambda: bar.n > 1)
    assert running["stage"].text().startswith("Fitting")
    qtbot.waitUntil(lambda: running["progress"].value() > 10)
    running.press("stop")
    running.wait_until_idle()
    assert not bars


def test_a_busy_viewer_gets_the_latest_preview(running, engine, qtbot):
    (one,) = session.running_sessions
    before, _ = one._channel.take()
    qtbot.waitUntil(lambda: one._channel._latest_image is not None)
    points, picture = one._channel.take()
    assert not before or points[-1].iteration > before[-1].iteration
    assert picture.without_image() == points[-1]


def test_the_spinner_costs_no_time(open_panel, engine, noisy, qtbot):
    panel = open_panel("Denoise", noisy)
    window = panel.viewer.window._qt_window
    window.show()
    panel.press("run")
    (movie,) = [one.movie() for one in window.findChildren(QLabel) if one.movie() is not None]
    qtbot.waitUntil(lambda: movie.state() == QMovie.MovieState.Paused)
