"""The three panels in a viewer with the real engine, from Run to the result."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import weakref
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.layers import Image, Labels
from qtpy.QtCore import QBuffer, QPoint, QPointF, Qt
from qtpy.QtGui import QIcon, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QWidget,
)
from superqt import QCollapsible

from napari_dip import plugin
from napari_dip.errors import NapariDipError
from napari_dip.plugin.views.task_panels import Denoise

PANELS = ("Denoise", "Super-resolution", "Inpaint")


@pytest.fixture
def run(open_panel):
    """Open a panel on some layers, set a few controls, run to the end, return the output."""

    def to_the_end(name, *layers, iterations=3):
        panel = open_panel(name, *layers)
        panel["iterations"].setValue(iterations)
        panel["device"].setCurrentText("processor (cpu)")
        panel.press("run")
        panel.wait_until_idle()
        assert panel.said.startswith("Done"), panel.said
        return panel.viewer.layers[-1]

    return to_the_end


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(20, (32, 40)).astype(np.uint16)


def test_denoising(run, counts):
    image = Image(
        counts,
        name="cells",
        scale=(0.2, 0.3),
        units=("um", "um"),
        axis_labels=("y", "x"),
        colormap="green",
        contrast_limits=(3, 44),
    )
    output = run("Denoise", image)
    assert output.name == "cells (denoised)"
    assert output.data.shape == counts.shape
    assert output.data.dtype == counts.dtype
    assert output.data.std() < counts.std()
    np.testing.assert_allclose(output.scale, (0.2, 0.3))
    assert output.units == image.units
    assert output.axis_labels == ("y", "x")
    assert output.colormap.name == "green"
    assert output.contrast_limits == [3, 44]
    made = output.metadata["napari-dip"]
    assert made["settings"]["task"]["kind"] == "denoise"
    assert {"seed", "versions", "stop_reason"} <= set(made)


def test_super_resolution(run, counts):
    image = Image(counts, name="cells", scale=(2, 2), translate=(1, 5))
    output = run("Super-resolution", image)
    assert output.name == "cells (×2)"
    assert output.data.shape == (64, 80)
    np.testing.assert_allclose(output.scale, (1, 1))
    np.testing.assert_allclose(output.translate, (0.5, 4.5))
    np.testing.assert_allclose(
        output.extent.world - [[0.5, 0.5], [-0.5, -0.5]],
        image.extent.world - [[0, 0], [0, 0]] + [[-0.5, -0.5], [0.5, 0.5]],
        atol=1.1,
    )


def test_inpainting(run, counts):
    painted = np.zeros(counts.shape, int)
    painted[10:14, 5:30] = 3
    output = run("Inpaint", Image(counts, name="cells"), Labels(painted, name="scratch"))
    assert output.name == "cells (inpainted)"
    changed = output.data != counts
    assert changed[painted == 3].any()
    assert not changed[painted == 0].any()


def test_a_colour_image_stays_one(run):
    colours = np.random.default_rng(0).integers(0, 255, (32, 36, 3), np.uint8)
    output = run("Denoise", Image(colours, rgb=True, name="tissue"))
    assert output.rgb
    assert output.data.shape == colours.shape


def test_a_stack_is_restored_in_all_its_planes(run, counts):
    stack = np.stack([counts, counts[::-1], counts])
    output = run("Denoise", Image(stack, name="stack", scale=(3, 1, 1), axis_labels="zyx"))
    assert output.data.shape == stack.shape
    assert (output.data != stack).any((1, 2)).all()
    np.testing.assert_allclose(output.scale, (3, 1, 1))
    assert output.metadata["napari-dip"]["plan"].startswith("3 planes")


def test_discarding_a_run_releases_tensors(open_panel, counts):
    import torch

    def modules():
        gc.collect()
        return [one for one in gc.get_objects() if issubclass(type(one), torch.nn.Module)]

    earlier = weakref.WeakSet(modules())
    panel = open_panel("Denoise", Image(counts, name="cells"))
    panel["preset"].setCurrentText("paper")  # it does not end before the check
    panel["device"].setCurrentText("processor (cpu)")
    panel.press("run")
    panel.wait_for_preview()
    network = [weakref.ref(one) for one in modules() if one not in earlier]
    assert network
    panel.press("discard")
    panel.wait_until_idle()
    gc.collect()
    assert all(one() is None for one in network)


def test_memory_that_runs_out_is_told(open_panel, counts, notifications, monkeypatch):
    import torch

    from napari_dip.network import build as networks

    def exhausted(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 90 GiB")

    monkeypatch.setattr(torch.nn.Conv2d, "forward", exhausted)
    assert networks
    panel = open_panel("Denoise", Image(counts, name="cells"))
    panel["device"].setCurrentText("processor (cpu)")
    panel.press("run")
    panel.wait_until_idle()
    assert [note.severity.value for note in notifications] == ["error"]
    assert "memory" in notifications[0].message
    assert panel["run"].isEnabled()


@pytest.mark.parametrize("name", PANELS)
def test_every_control_is_named_and_explained(open_panel, name):
    panel = open_panel(name)
    kinds = {
        "image": QComboBox,
        "preset": QComboBox,
        "iterations": QSpinBox,
        "stopping": QComboBox,
        "noise": QComboBox,
        "noise_level": QAbstractSpinBox,
        "gain": QAbstractSpinBox,
        "offset": QAbstractSpinBox,
        "read_noise": QAbstractSpinBox,
        "seed": QSpinBox,
        "device": QComboBox,
        "keep_previews": QCheckBox,
        "save_to": QComboBox,
        "path": QWidget,
        "machines": QComboBox,
        "workers": QSpinBox,
        "address": QLineEdit,
        "estimate": QLabel,
        "run": QPushButton,
        "stop": QPushButton,
        "try_here": QPushButton,
        "apply_to_stack": QPushButton,
        "queue": QListWidget,
        "queue_add": QPushButton,
        "queue_run": QPushButton,
        "queue_clear": QPushButton,
        "discard": QPushButton,
        "status": QLabel,
        "open_sample": QPushButton,
        "help": QLabel,
        **{
            "Denoise": {"artefact": QComboBox},
            "Super-resolution": {"axis": QComboBox, "factor": QSpinBox, "downsampler": QComboBox},
            "Inpaint": {
                "mask": QComboBox,
                "new_mask": QPushButton,
                "suggest_mask": QPushButton,
                "marks": QComboBox,
                "planes": QComboBox,
                "outline": QCheckBox,
                "label": QSpinBox,
                "missing": QComboBox,
                "keep_known": QCheckBox,
            },
        }[name],
    }
    for control, kind in kinds.items():
        native = panel.dock.findChild(kind, control)
        assert native is not None, control
        assert native.accessibleName(), control
        assert native.toolTip() or control in ("status", "estimate"), control


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


@pytest.mark.parametrize("name", PANELS)
def test_help_leads_to_a_page_that_is_there(open_panel, name):
    link = open_panel(name)["help"]
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


@pytest.mark.parametrize("name", PANELS)
def test_without_an_image_the_sample_is_offered(open_panel, name):
    panel = open_panel(name)
    assert "the sample" in panel["estimate"].text()
    assert panel["open_sample"].isVisibleTo(panel.dock)
    assert not panel["run"].isEnabled()
    panel.press("open_sample")
    assert panel["image"].currentText() == panel.viewer.layers[0].name
    assert not panel["open_sample"].isVisibleTo(panel.dock)
    assert panel["run"].isEnabled()
    panel.viewer.layers.clear()
    assert panel["open_sample"].isVisibleTo(panel.dock)
    assert not panel["run"].isEnabled()


def test_labels_as_image_get_a_remedy(open_panel):
    panel = open_panel("Denoise")
    labels = panel.viewer.add_labels(np.eye(32, dtype=int), name="counts")
    assert "'counts' is a Labels layer" in panel["estimate"].text()
    panel.viewer.layers.selection = {labels}
    get_app_model().commands.execute_command("napari.layer.convert_to_image").result()
    assert panel["image"].currentText() == "counts"
    assert panel["run"].isEnabled()
    panel.viewer.layers.clear()
    assert "the sample" in panel["estimate"].text()


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
            for button in (fold, panel["discard"], panel["new_mask"])
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


def test_opening_a_panel_does_not_load_torch():
    code = "import sys, napari_dip.plugin.views.task_panels; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("version", ["0.6.6", "0.8.0", "0.8.1.dev3+gabc"])
def test_an_older_napari_is_refused_with_the_cure(version):
    with pytest.raises(NapariDipError, match=rf"napari {re.escape(version)} is too old.*>=0\.9"):
        plugin._check_version(version)
    for enough in ("0.9.0", "0.9.0rc1", "0.10.2", "1.0.0"):
        plugin._check_version(enough)


def test_the_choices_follow_the_layers(open_panel):
    panel = open_panel("Inpaint")
    image, mask = panel["image"], panel["mask"]
    assert image.count() == mask.count() == 0
    first = panel.viewer.add_image(np.zeros((32, 32)), name="first")
    panel.viewer.add_labels(np.zeros((32, 32), int), name="paint")
    assert (image.currentText(), mask.currentText()) == ("first", "paint")
    first.name = "renamed"
    assert image.currentText() == "renamed"
    panel.viewer.layers.clear()
    assert image.count() == mask.count() == 0


def test_the_selected_visible_image_is_chosen(make_napari_viewer):
    viewer = make_napari_viewer()
    for name in ("first", "selected", "topmost", "hidden"):
        viewer.add_image(np.zeros((32, 32)), name=name, visible=name != "hidden")
    for active, chosen in (("hidden", "topmost"), ("selected", "selected")):
        viewer.layers.selection.active = viewer.layers[active]
        assert Denoise(viewer).image.value.name == chosen


@pytest.mark.parametrize("key", ["noisy", "low_resolution", "scratched"])
def test_a_sample_opens_with_its_truth(make_napari_viewer, key):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-dip", key)
    assert viewer.layers[0].visible
    assert viewer.layers[1].name == "truth"


def test_the_controls_reach_the_engine(open_panel, engine, monkeypatch):
    asked = []
    start = engine.run

    def run(problem, output, stop_requested, **keywords):
        asked.append((problem.settings, problem.observed.missing))
        return start(problem, output, stop_requested, **keywords)

    monkeypatch.setattr("napari_dip.image.restore.run", run)
    painted = np.zeros((32, 32), int)
    painted[:4], painted[-4:] = 1, 2
    panel = open_panel("Inpaint", Image(np.ones((32, 32))), Labels(painted))
    panel["label"].setValue(2)
    panel["preset"].setCurrentText("paper")
    panel["iterations"].setValue(77)
    panel["stopping"].setCurrentText("residual is noise")
    panel["noise"].setCurrentText("known level")
    panel["noise_level"].setValue(2.5)
    panel["seed"].setValue(5)
    panel["device"].setCurrentText("processor (cpu)")
    panel["missing"].setCurrentText("a hole")
    panel["keep_known"].setChecked(False)
    engine.finish.set()
    panel.press("run")
    panel.wait_until_idle()
    ((settings, mask),) = asked
    assert settings.task.missing == "hole"
    assert not settings.task.keep_known
    assert (settings.preset, settings.iterations, settings.seed) == ("paper", 77, 5)
    assert (settings.noise, settings.device) == (2.5, "cpu")
    assert settings.stopping.rule == "discrepancy"
    np.testing.assert_array_equal(mask, painted == 2)


@pytest.mark.parametrize("name", PANELS)
def test_the_panels_are_in_the_menus(make_napari_viewer, name):
    viewer = make_napari_viewer()
    menu = viewer.window.layers_menu
    filters = next(one for one in menu.findChildren(QWidget) if one.objectName().endswith("filter"))
    titles = {action.text(): action for action in filters.actions()}
    action = next(titles[title] for title in titles if name in title)
    action.trigger()
    assert any(name in title for title in viewer.window.dock_widgets)


@pytest.mark.parametrize("name", PANELS)
def test_a_scrolling_panel_cuts_nothing_off(open_panel, qtbot, engine, name):
    image, mask = Image(np.ones((32, 32)), name="cells"), Labels(np.eye(32, dtype=int), name="mask")
    panel = open_panel(name, image, mask)
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


@pytest.mark.parametrize("name", PANELS)
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
        for _ in range(14):
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
            names.append(QApplication.focusWidget().objectName())
        return names

    assert not {"machines", "preset", "queue"} & {*reached()}
    advanced = panel.dock.findChild(QCollapsible, "advanced")
    advanced.toggleButton().click()
    assert "preset" in reached() and "seed" in reached()
    assert advanced.isExpanded()
    advanced.toggleButton().click()
    assert "preset" not in reached()


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


def test_what_was_chosen_is_remembered_for_all_panels(open_panel):
    first = open_panel("Denoise")
    first["preset"].setCurrentText("best")
    first["device"].setCurrentText("processor (cpu)")
    first["keep_previews"].setChecked(True)
    first["seed"].setValue(3)
    dock, _ = first.viewer.window.add_plugin_dock_widget("napari-dip", "Inpaint")
    assert dock.findChild(QComboBox, "preset").currentText() == "best"
    assert dock.findChild(QComboBox, "device").currentText() == "processor (cpu)"
    assert dock.findChild(QCheckBox, "keep_previews").isChecked()
    assert dock.findChild(QSpinBox, "seed").value() == 0  # the seed is not remembered


def test_choices_are_remembered_between_sessions(tmp_path):
    code = """if True:
        from qtpy.QtWidgets import QApplication
        app = QApplication([])
        from magicgui.widgets import ComboBox
        from napari_dip.plugin.views.settings_controls import remember_values
        preset = ComboBox(name="preset", choices=["fast", "best"], value="fast")
        remember_values([preset])
        print(preset.value)
        preset.value = "best"
    """
    environment = os.environ | {
        "NAPARI_CONFIG": str(tmp_path / "settings.yaml"),
        "QT_QPA_PLATFORM": "offscreen",
    }
    said = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["fast"], ["best"]]


def test_a_closing_notebook_waits_for_the_estimate():
    code = """if True:
        import time
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import QApplication, QWidget
        from napari_dip.plugin.controllers.run_estimate import Estimator
        class Slow:
            def describe(self):
                print("begun", flush=True)
                time.sleep(1)
                print("found", flush=True)
                return ""
        app, panel = QApplication([]), QWidget()
        estimator = Estimator(panel)
        estimator.request(Slow())
        QTest.qWait(500)
    """
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, ["begun", "found"], "")
