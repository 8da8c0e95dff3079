"""A panel fits its window, and its keys, icons and help work."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.settings import get_settings
from qtpy.QtCore import QBuffer, QPoint, QPointF, Qt
from qtpy.QtGui import QIcon, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QApplication,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_dip.plugin.views.panel_frame import HelpLink
from napari_dip.plugin.views.returning_focus import ReturningFocus
from napari_dip.settings.task import TASKS

PANELS = ("Denoise", "Super-resolution", "Inpaint", "Deconvolve")

# Super-resolution is laid out like Denoise.
DIFFERENT = tuple(
    pytest.param(name, marks=pytest.mark.slow) if name == "Super-resolution" else name
    for name in PANELS
)

MICROSCOPE = {"na": 1.4, "ri": 1.518, "wavelength": 520}

PLACED = {"scale": (0.1, 0.1), "units": "um", "metadata": {"optics": MICROSCOPE}}


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_leaves_room_for_the_canvas(open_panel, name):
    image = Image(np.zeros((32, 32)), name="a very long name " * 9)
    panel = open_panel(name, image, Labels(np.eye(32, dtype=int)))
    panel["status"].setText("a very long message " * 30)
    for seldom_seen in (panel["scrub"].parent(), panel["copy_python"].parent()):
        seldom_seen.parent().show()
        seldom_seen.show()
    for fold in panel.dock.findChildren(QCollapsible):
        fold.expand(animate=False)
    area = panel.dock.findChild(QScrollArea)
    widest = area.widget().minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width()
    assert widest <= panel.widget.native.maximumWidth() <= 350


def test_help_leads_to_a_page_that_is_there(open_panel, qtbot):
    shown = open_panel("Inpaint")["help"].text()
    assert TASKS["inpaint"].page in shown
    for task in TASKS.values():
        link = HelpLink(task.page, ViewerModel())
        qtbot.addWidget(link)
        (address,) = re.findall(r'href="(.*?)"', link.text())
        assert link.openExternalLinks()
        assert address in link.toolTip()
        site = metadata("napari-dip").get_all("Project-URL")
        page = next(
            address.removeprefix(start)
            for one in site
            if address.startswith(start := one.removeprefix("Documentation, "))
        )
        pages = Path(__file__).parents[3] / "docs"
        assert (pages / f"{page.rstrip('/')}.md").is_file()


def test_icons_and_link_follow_the_theme(open_panel):
    panel = open_panel("Inpaint", Image(np.zeros((32, 32))))
    fold = panel.dock.findChild(QCollapsible, "advanced").toggleButton()

    def picture(icon, mode):
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        icon.pixmap(16, 16, mode).save(buffer, "PNG")
        return bytes(buffer.data())

    def looks():
        pictures = [
            picture(button.icon(), mode)
            for button in (fold, panel["queue_clear"], panel["new_mask"])
            for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled)
        ]
        return [*pictures, panel["help"].text()]

    panel.viewer.theme = "dark"
    dark = looks()
    assert len({*dark}) == len(dark)
    panel.viewer.theme = "light"
    assert not {*dark} & {*looks()}
    panel.viewer.theme = "dark"
    assert looks() == dark


def test_a_fold_that_opens_by_itself_looks_open(open_panel):
    fold = open_panel("Denoise").dock.findChild(QCollapsible, "placing")
    closed = fold.toggleButton().icon().cacheKey()
    fold.expand(animate=False)
    assert fold.toggleButton().icon().cacheKey() != closed


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_scrolling_panel_cuts_nothing_off(open_panel, qtbot, engine, name):
    image = Image(np.ones((32, 32)), name="cells", **PLACED)
    panel = open_panel(name, image, Labels(np.eye(32, dtype=int), name="mask", scale=(0.1, 0.1)))
    window = panel.viewer.window._qt_window
    window.resize(1000, 500)
    window.show()
    panel.press("run")  # shows the widest row of buttons
    panel.wait_for_preview()
    engine.finish.set()
    panel.wait_until_idle()
    area = panel.dock.findChild(QScrollArea)
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)
    qtbot.waitUntil(lambda: area.widget().width() <= area.viewport().width())


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_high_panel_scrolls_unsqueezed(open_panel, qtbot, name):
    panel = open_panel(name)
    window = panel.viewer.window._qt_window
    window.resize(1000, 500)
    window.show()
    height = window.height()
    for fold in panel.dock.findChildren(QCollapsible):
        fold.expand(animate=False)
    bar = panel.dock.findChild(QScrollArea).verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    preset = panel["preset"]
    qtbot.waitUntil(lambda: preset.height() >= preset.minimumSizeHint().height())
    assert window.height() == height


def test_tab_skips_folded_controls(open_panel, qtbot):
    panel = open_panel("Denoise", Image(np.eye(32), name="cells"))
    window = panel.viewer.window._qt_window
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)

    def reached():
        panel["run"].setFocus()
        names = []
        for _ in range(18):
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
            names.append(QApplication.focusWidget().objectName())
        return names

    assert not {"machines", "iterations", "queue", "copy_python"} & {*reached()}
    advanced = panel.dock.findChild(QCollapsible, "advanced")
    advanced.toggleButton().click()
    assert {"iterations", "seed"} <= {*reached()}
    assert advanced.isExpanded()
    advanced.toggleButton().click()
    assert "iterations" not in reached()


def test_the_wheel_changes_no_setting(open_panel):
    panel = open_panel("Denoise")
    seed, where = panel["seed"], QPointF(5, 5)
    before = seed.value()
    turn = QWheelEvent(
        where,
        seed.mapToGlobal(where),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(seed, turn)
    assert seed.value() == before


@pytest.mark.parametrize("name", DIFFERENT)
def test_nothing_moves_during_a_run(open_panel, engine, qtbot, name):
    mask = Labels(np.eye(32, dtype=int), scale=(0.1, 0.1))
    panel = open_panel(name, Image(np.ones((32, 32)), name="cells", **PLACED), mask)
    panel.viewer.window._qt_window.show()
    above = ("image", "preset", "estimate", "run", "stop", "discard", "progress", "status")
    below = ("reuse", "loss_curve", "trying", "placing", "advanced", "queueing")

    def places(names):
        qtbot.wait(50)
        return [panel[one].mapTo(panel.widget.native, QPoint(0, 0)) for one in names]

    qtbot.waitUntil(panel["run"].isEnabled)
    width = panel.dock.width()
    panel.press("run")  # which scrolls a high panel to the tools of the result
    before, started = places(above), places(below)
    qtbot.waitUntil(lambda: panel["scrub"].maximum() > 0)
    for state in ("", "pause", "resume"):
        if state:
            panel.press(state)
        assert places(above) == before
        assert places(below) == started
    engine.finish.set()
    panel.wait_until_idle()
    assert places(above) == before
    assert places(below) == started
    assert panel.dock.width() == width


def test_a_long_message_is_cut_and_told(open_panel):
    panel = open_panel("Denoise", Image(np.ones((32, 32)), name="cells"))
    status, message = panel["status"], "a long <b>message</b> " * 30
    height = status.height()
    panel.widget.controller.say(message)
    assert status.height() == height
    assert "&lt;b&gt;" in status.toolTip()
    assert len(QLabel.text(status)) < len(message)
    assert panel.said == message


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_keyboard_reaches_all_with_a_frame(open_panel, qtbot, name):
    mask = Labels(np.eye(32, dtype=int), scale=(0.1, 0.1))
    panel = open_panel(name, Image(np.eye(32), name="cells", **PLACED), mask)
    window = panel.viewer.window._qt_window
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.waitUntil(panel["run"].isEnabled)
    for fold in panel.dock.findChildren(QCollapsible):
        fold.expand(animate=False)
    ring, reached = panel["focus_ring"], []
    panel["image"].setFocus()
    for _ in range(80):
        focused = QApplication.focusWidget()
        if panel["image"].window() is focused.window() and ring.parent().isAncestorOf(focused):
            corner = focused.mapTo(ring.parent(), QPoint(0, 0))
            assert ring.isVisible()
            assert ring.geometry().contains(focused.rect().translated(corner))
            reached.append(focused.objectName())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert {"preset", "run", "try_here", "iterations", "seed", "save_to", "machines"} <= {*reached}
    assert reached.index("preset") < reached.index("run") < reached.index("iterations")
    panel["run"].setFocus()
    QTest.keyClick(panel["run"], Qt.Key.Key_Space)
    assert panel.widget.controller.session is not None
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F9)
    panel.wait_until_idle()


@pytest.mark.parametrize("font", [10, 14])
def test_cut_texts_end_with_an_ellipsis(open_panel, qtbot, font):
    get_settings().appearance.font_size = font
    panel = open_panel("Denoise", Image(np.ones((32, 32)), name="cells"))
    panel.viewer.window._qt_window.show()
    plan = panel["estimate"]
    qtbot.waitUntil(lambda: plan.width() > 100)
    text = "12 planes, fitted together · 7 s to 49 s, depending on neighbours · 0.4 GiB " * 3
    plan.show_text(text)
    lines = QLabel.text(plan).split("\n")
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert lines[-1].removesuffix("…").split()[-1] in text.split()
    widest = max(map(plan.fontMetrics().horizontalAdvance, lines))
    assert widest <= plan.width() - 10  # beside the padding


def test_the_scroll_bar_moves_no_control(open_panel, qtbot):
    panel = open_panel("Denoise", Image(np.ones((32, 32)), name="cells"))
    window = panel.viewer.window._qt_window
    window.resize(1000, 900)
    window.show()
    area = panel.dock.findChild(QScrollArea)
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: area.widget().width() > 300 and bar.maximum() == 0)
    before = panel["preset"].mapToGlobal(QPoint(0, 0)).x(), panel["preset"].width()
    for fold in panel.dock.findChildren(QCollapsible):
        fold.expand(animate=False)
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    qtbot.wait(50)
    after = panel["preset"].mapToGlobal(QPoint(0, 0)).x(), panel["preset"].width()
    assert after == before


def test_the_focus_returns_to_a_busy_button(qtbot):
    place = QWidget()
    column = QVBoxLayout(place)
    button, following, other = QPushButton("Save"), QPushButton("next"), QPushButton("other")
    for one in (button, following, other):
        column.addWidget(one)
    qtbot.addWidget(place)
    ReturningFocus(button)
    place.show()
    place.activateWindow()
    qtbot.waitUntil(place.isActiveWindow)
    for moves, expected in ((False, button), (True, other)):
        button.setFocus()
        button.setEnabled(False)
        assert QApplication.focusWidget() is following
        if moves:  # by the user
            other.setFocus()
        button.setEnabled(True)
        assert QApplication.focusWidget() is expected


def test_another_dock_leaves_room_to_run(open_panel, qtbot):
    panel = open_panel("Denoise", Image(np.eye(32), name="cells"))
    window = panel.viewer.window._qt_window
    window.resize(1000, 700)
    window.show()
    neighbour = QLabel("another plugin")
    panel.viewer.window.add_dock_widget(neighbour, name="neighbour")
    area = panel.dock.findChild(QScrollArea)
    qtbot.waitUntil(neighbour.isVisible)
    qtbot.wait(100)
    button = panel["run"]
    assert button.mapTo(area, QPoint(0, button.height())).y() <= area.viewport().height()
