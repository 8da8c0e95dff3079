"""A run and its result: pause, show a frame, use it, blend, keep and continue."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari._qt.qthreading import wait_for_workers_to_quit
from napari.layers import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget

from napari_dip.plugin.controllers import session
from napari_dip.plugin.models.history import blend
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.views.run_view import RunView

TOOLS = ("use_this", "keep_as_layer", "history", "continue", "blend")


@pytest.fixture
def noisy():
    return Image(np.full((32, 32), 100, np.uint16), name="noisy", scale=(2, 3), translate=(5, 7))


@pytest.fixture
def running(open_panel, engine, noisy, qtbot):
    """A panel whose run has shown several previews."""
    engine.final = ""
    panel = open_panel("Denoise", noisy)
    panel.press("run")
    qtbot.waitUntil(lambda: panel["scrub"].maximum() >= 3, timeout=60_000)
    return panel


@pytest.fixture
def ended(running, engine):
    """The same panel at the end of its run."""
    engine.finish.set()
    running.wait_until_idle()
    return running


def value(layer):
    (one,) = np.unique(layer.data)
    return int(one)


def made(layer):
    return layer.metadata["napari-dip"]


def scrub(panel, place, qtbot, until):
    panel["scrub"].setValue(place)
    qtbot.waitUntil(until)


def test_the_curve_is_there_before_the_first_picture(open_panel, engine, noisy, qtbot, monkeypatch):
    monkeypatch.setattr(RunView, "_update", lambda view: None)  # no image arrives
    panel = open_panel("Denoise", noisy)
    assert panel["curve"] is None  # pyqtgraph is not loaded
    panel.press("run")
    qtbot.waitUntil(lambda: panel["curve"] is not None)
    assert panel.widget._run_view.isHidden()


def test_curve_and_status_show_progress(running, qtbot):
    curve = running["curve"]
    points = len(curve._loss.getData()[0])
    qtbot.waitUntil(lambda: len(curve._loss.getData()[0]) > points)
    assert "50 iterations/s; cpu" in running.said
    assert "GiB" in running.said
    assert not curve.best.isVisible()


def test_a_pause_holds_the_run(running, engine, qtbot):
    running.press("pause")
    assert "Paused" in running.said
    assert [running[name].isEnabled() for name in ("pause", "resume", "stop")] == [0, 1, 1]
    qtbot.wait(100)  # the iteration in progress
    layer = running.viewer.layers[-1]
    one = session.running_sessions.copy().pop()
    one._update()
    before = value(layer)
    engine.finish.set()  # no effect during the pause
    qtbot.wait(300)
    assert session.running_sessions
    assert value(layer) == before
    engine.finish.clear()
    running.press("resume")
    qtbot.waitUntil(lambda: value(layer) > before)
    assert "Paused" not in running.said


@pytest.mark.parametrize("button", ["stop", "discard"])
def test_a_paused_run_can_be_ended(running, button):
    running.press("pause")
    running.press(button)
    running.wait_until_idle()
    assert running["run"].isEnabled()
    assert not running["resume"].isEnabled()


def test_closing_the_viewer_ends_a_paused_run(running, engine, qtbot):
    running.press("pause")
    running.viewer.close()
    qtbot.waitUntil(lambda: not session.running_sessions, timeout=60_000)
    gc.collect()
    assert engine.ballast() is None


def test_quitting_ends_a_paused_run(running):
    running.press("pause")
    wait_for_workers_to_quit(20_000)  # napari waits without a limit; here it would raise
    running.wait_until_idle()


@pytest.fixture
def in_front(running, qtbot):
    """The same panel in an active window, which receives keys."""
    window = running.viewer.window._qt_window
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    return running


@pytest.mark.parametrize(("stop", "told"), [(Qt.Key.Key_F7, "F7"), (Qt.Key.Key_Escape, "Esc")])
def test_keys_press_buttons_of_the_focused_panel(in_front, qtbot, stop, told):
    assert told in in_front["stop"].toolTip()
    in_front["stop"].setFocus()
    qtbot.keyClick(in_front["stop"], Qt.Key.Key_F6)
    assert in_front["resume"].isEnabled()
    qtbot.keyClick(in_front["stop"], Qt.Key.Key_F6)
    assert in_front["pause"].isEnabled()
    qtbot.keyClick(in_front["stop"], stop)
    in_front.wait_until_idle()
    assert in_front.said.startswith("Stopped")


def test_a_click_gives_the_panel_its_keys(in_front, qtbot):
    panel = in_front.widget.native
    blank = in_front.dock.findChild(QScrollArea).widget()
    for clicked, heard in ((in_front["curve"].viewport(), in_front["scrub"]), (blank, panel)):
        in_front.viewer.window._qt_window.setFocus()
        qtbot.mouseClick(clicked, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
        assert heard.hasFocus()
    qtbot.keyClick(panel, Qt.Key.Key_F6)
    assert in_front["resume"].isEnabled()


def test_tab_visits_all_enabled_buttons(in_front, engine, qtbot):
    engine.finish.set()
    in_front.wait_until_idle()
    in_front["image"].setFocus()
    reached = []
    for _ in range(60):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget().objectName())
    assert {"image", "run", "try_here", "scrub", *TOOLS} <= {*reached}
    assert reached[reached.index("continue") + 1] == "more"


def test_the_focus_never_moves_to_discard(in_front, qtbot):
    in_front["pause"].setFocus()
    qtbot.keyClick(in_front["pause"], Qt.Key.Key_Space)
    assert in_front["resume"].hasFocus()
    qtbot.keyClick(in_front["resume"], Qt.Key.Key_Space)
    assert in_front["pause"].hasFocus()
    in_front["stop"].setFocus()
    qtbot.keyClick(in_front["stop"], Qt.Key.Key_Space)
    assert in_front.widget.native.isAncestorOf(QApplication.focusWidget())
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    in_front.wait_until_idle()
    assert in_front.said.startswith("Stopped")


def test_earlier_previews_do_not_pause_the_run(running, qtbot):
    layer = running.viewer.layers[-1]
    (one,) = session.running_sessions
    first = one.history.frames[0].iteration
    scrub(running, 0, qtbot, lambda: value(layer) == first)
    seen = one.history.latest.iteration
    qtbot.waitUntil(lambda: one.history.latest.iteration > seen)
    assert value(layer) == first
    scrub(running, running["scrub"].maximum(), qtbot, lambda: value(layer) > first)


def test_an_earlier_picture_can_be_made_the_result(ended, qtbot):
    layer = ended.viewer.layers[-1]
    result = value(layer)
    assert "picture" not in made(layer)
    scrub(ended, 0, qtbot, lambda: value(layer) < result)
    first = value(layer)
    assert made(layer)["picture"] == {"iteration": first, "chosen_by_user": False}
    ended.press("use_this")
    assert made(layer)["picture"] == {"iteration": first, "chosen_by_user": True}
    scrub(ended, 1, qtbot, lambda: value(layer) > first)
    ended.press("run")  # a frame that was only shown is not the result
    assert value(layer) == first
    assert made(layer)["picture"]["chosen_by_user"]


def test_a_curve_click_shows_the_nearest_preview(ended, qtbot):
    layer = ended.viewer.layers[-1]
    frames = ended.widget._run_view.finished.frames
    ended["curve"].clicked.emit(frames[1].iteration)
    qtbot.waitUntil(lambda: value(layer) == frames[1].iteration)
    assert ended["scrub"].value() == 1
    assert ended["curve"].shown.value() == frames[1].iteration


def test_previews_can_be_kept_as_layers(ended, qtbot):
    layer = ended.viewer.layers[-1]
    frames = ended.widget._run_view.finished.frames
    scrub(ended, 1, qtbot, lambda: value(layer) == frames[1].iteration)
    ended.press("keep_as_layer")
    ended.press("history")
    kept = ended.viewer.layers[f"noisy (denoised), iteration {frames[1].iteration}"]
    stack = ended.viewer.layers["noisy (denoised), history"]
    assert value(kept) == frames[1].iteration
    assert tuple(kept.scale) == (2, 3)
    assert made(kept)["picture"]["iteration"] == frames[1].iteration
    iterations = [frame.iteration for frame in frames]
    assert stack.metadata["iterations"] == iterations
    np.testing.assert_array_equal(stack.data.max((1, 2)), iterations)
    assert stack.axis_labels[0] == "iteration"
    np.testing.assert_allclose(stack.scale[1:], (2, 3))
    np.testing.assert_allclose(stack.translate, (iterations[0], 5, 7))
    assert stack.data_to_world((len(frames) - 1, 0, 0))[0] == pytest.approx(iterations[-1])
    assert ended.viewer.dims.point[0] == pytest.approx(
        iterations[-1]
    )  # the iteration that was shown before
    kept.data[:] = 0
    assert value(layer) == frames[1].iteration


def test_the_blend_is_live_and_told(ended, qtbot, noisy):
    layer = ended.viewer.layers[-1]
    result = value(layer)
    ended["blend"].setValue(25)
    qtbot.waitUntil(lambda: value(layer) == round(0.25 * result + 75))
    assert layer.data.dtype == np.uint16
    assert made(layer)["picture"] == {"blend": 0.25}
    ended["blend"].setValue(0)
    qtbot.waitUntil(lambda: value(layer) == 100)
    ended["blend"].setValue(100)
    qtbot.waitUntil(lambda: value(layer) == result)
    assert "picture" not in made(layer)
    assert value(noisy) == 100


def test_blending_repeats_pixels_of_the_input(open_panel, engine, noisy, qtbot):
    panel = open_panel("Super-resolution", noisy)
    panel.press("run")
    layer = panel.wait_for_preview()
    engine.finish.set()
    panel.wait_until_idle()
    result = value(layer)
    panel["blend"].setValue(50)
    qtbot.waitUntil(lambda: value(layer) == round(0.5 * result + 50))
    assert layer.data.shape == (64, 64)


def test_a_blend_keeps_filled_pixels():
    mask = np.zeros((4, 4), bool)
    mask[0] = True
    image = np.full((4, 4), 3.0)
    image[1] = np.nan
    source = read_layer(Image(np.nan_to_num(image)))
    object.__setattr__(source, "mask", mask)
    mixed = blend(np.full((4, 4), 1, "f4"), image, 0.5, source)
    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed.mean(1), [1, 1, 2, 2])


def test_a_continued_run_can_be_discarded(ended, engine, qtbot):
    layer = ended.viewer.layers[-1]
    result = value(layer)
    ended.press("continue")
    qtbot.waitUntil(lambda: value(layer) > result)
    ended.press("discard")
    ended.wait_until_idle()
    assert value(layer) == result
    assert list(ended.viewer.layers)[1:] == [layer]
    assert not ended["continue"].isEnabled()
    assert "a later run has changed its network" in ended["continue"].toolTip()
    assert max(frame.iteration for frame in ended.widget._run_view.finished.frames) == result


def test_what_cannot_be_continued_says_why(open_panel, engine, noisy):
    panel = open_panel("Denoise", noisy)
    engine.finish.set()
    panel.press("run")
    panel.wait_until_idle()
    assert not panel["continue"].isEnabled()
    assert "for a test" in panel["continue"].toolTip()
    assert not panel["scrub"].isEnabled()  # there are no frames
    assert "too short" in panel["scrub"].toolTip()


def test_deleting_the_layer_releases_the_network(ended, qtbot):
    ended["scrub"].setValue(0)
    ended.viewer.layers.remove(ended.viewer.layers[-1])
    assert ended.widget._run_view.finished is None
    assert ended.widget._run_view.isHidden()
    qtbot.wait(100)  # the frame of the slider comes too late
    assert len(ended.viewer.layers) == 1


def test_a_panel_in_full_fits_a_small_screen(ended):
    ended.widget._settings.native.parentWidget().expand(animate=False)
    size = ended.widget.native.sizeHint()
    assert size.width() <= 350
    assert size.height() <= 720
    for name in (*TOOLS, "scrub", "pause", "resume", "curve"):
        control = ended.dock.findChild(QWidget, name)
        assert control.toolTip() and control.accessibleName(), name


def test_the_real_engine_goes_on_with_its_network(open_panel):
    counts = np.random.default_rng(0).poisson(20, (32, 32)).astype(np.uint16)
    panel = open_panel("Denoise", Image(counts, name="cells"))
    panel["iterations"].setValue(4)
    panel["device"].setCurrentText("processor (cpu)")
    panel.press("run")
    panel.wait_until_idle()
    layer = panel.viewer.layers[-1]
    before = layer.data
    panel["more"].setValue(3)
    panel.press("continue")
    panel.wait_until_idle()
    assert made(layer)["continued_at"] == [4]
    assert made(layer)["units"][0]["iterations"] == 7
    assert not np.array_equal(layer.data, before)
    assert layer.data.dtype == np.uint16
    assert panel["continue"].isEnabled()
    network = weakref.ref(panel.widget._run_view.finished.result.more.restored)
    panel.viewer.layers.remove(layer)
    gc.collect()
    assert network() is None


def test_a_closed_panel_keeps_the_result(ended, qtbot):
    layer = ended.viewer.layers[-1]
    result = value(layer)
    scrub(ended, 0, qtbot, lambda: value(layer) < result)
    ended.dock.destroyOnClose()
    assert value(layer) == result
    qtbot.wait(50)
    ended.viewer.theme = "light"
    ended.viewer.layers.remove(layer)


def test_replaced_pixels_stay_when_a_result_is_continued(ended, engine, qtbot):
    edited = ended.viewer.layers[-1]
    edited.data = mine = np.ones((32, 32), np.uint16)
    ended.press("continue")
    qtbot.waitUntil(lambda: len(ended.viewer.layers) == 3, timeout=60_000)
    engine.finish.set()
    ended.wait_until_idle()
    assert edited.data is mine
    assert ended.viewer.layers[-1].name == "noisy (denoised) [1]"
    assert tuple(ended.viewer.layers[-1].scale) == (2, 3)
