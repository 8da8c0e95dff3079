"""The buttons and keys of a run, and its pauses."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from napari._qt.qthreading import wait_for_workers_to_quit
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_dip.plugin.controllers import session

TOOLS = ("use_this", "keep_as_layer", "history", "continue", "strength")


def value(layer):
    (one,) = np.unique(layer.data)
    return int(one)


def scrub(panel, place, qtbot, until):
    panel["scrub"].setValue(place)
    qtbot.waitUntil(until)


def test_a_pause_holds_the_run(advanced, engine, qtbot):
    advanced.press("pause")
    assert "Paused" in advanced.said
    assert [advanced[name].isEnabled() for name in ("pause", "resume", "stop")] == [0, 1, 1]
    qtbot.wait(100)  # the iteration in progress
    layer = advanced.viewer.layers[-1]
    one = session.running_sessions.copy().pop()
    one._update()
    before = value(layer)
    engine.finish.set()  # no effect during the pause
    qtbot.wait(300)
    assert session.running_sessions
    assert value(layer) == before
    engine.finish.clear()
    advanced.press("resume")
    qtbot.waitUntil(lambda: value(layer) > before)
    assert "Paused" not in advanced.said


@pytest.mark.parametrize("button", ["stop", "discard"])
def test_a_paused_run_can_be_ended(advanced, button):
    advanced.press("pause")
    advanced.press(button)
    advanced.wait_until_idle()
    assert advanced["run"].isEnabled()
    assert not advanced["resume"].isEnabled()


def test_closing_the_viewer_ends_a_paused_run(advanced, engine, qtbot):
    advanced.press("pause")
    advanced.viewer.close()
    qtbot.waitUntil(lambda: not session.running_sessions)
    gc.collect()
    assert engine.ballast() is None


def test_quitting_ends_a_paused_run(advanced):
    advanced.press("pause")
    wait_for_workers_to_quit(20_000)  # napari waits without a limit; here it would raise
    advanced.wait_until_idle()


@pytest.fixture
def in_front(advanced, qtbot):
    """The same panel in an active window, which receives keys."""
    window = advanced.viewer.window._qt_window
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    return advanced


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
    in_front.unfold("loss_curve")
    area = in_front.dock.findChild(QScrollArea)
    area.verticalScrollBar().setValue(0)  # a run scrolls to its tools
    blank = area.widget()
    for clicked, heard in ((in_front["curve"].viewport(), in_front["scrub"]), (blank, panel)):
        in_front.viewer.window._qt_window.setFocus()
        qtbot.mouseClick(clicked, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
        assert heard.hasFocus()
    qtbot.keyClick(panel, Qt.Key.Key_F6)
    assert in_front["resume"].isEnabled()


def test_tab_visits_all_enabled_buttons(in_front, engine, qtbot):
    engine.finish.set()
    in_front.wait_until_idle()
    for name in ("reuse", "trying"):
        in_front.unfold(name)
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


def test_earlier_previews_do_not_pause_the_run(advanced, qtbot):
    layer = advanced.viewer.layers[-1]
    (one,) = session.running_sessions
    first = one.history.frames[0].iteration
    scrub(advanced, 0, qtbot, lambda: value(layer) == first)
    seen = one.history.latest.iteration
    qtbot.waitUntil(lambda: one.history.latest.iteration > seen)
    assert value(layer) == first
    scrub(advanced, advanced["scrub"].maximum(), qtbot, lambda: value(layer) > first)
