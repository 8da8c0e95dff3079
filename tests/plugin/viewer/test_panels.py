"""Each panel opens, lists its choices and says what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from napari._app_model import get_app_model
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_dip import plugin
from napari_dip.errors import NapariDipError
from napari_dip.plugin.controllers.run_estimate import Estimator
from napari_dip.plugin.models.optics_fields import LABELS
from napari_dip.plugin.views.task_panels import Denoise

PANELS = ("Denoise", "Super-resolution", "Inpaint", "Deconvolve")


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
        "keep_history": QCheckBox,
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
                "match_noise": QCheckBox,
            },
            "Deconvolve": {
                "psf_source": QComboBox,
                "modality": QComboBox,
                **dict.fromkeys(LABELS, QLineEdit),
                "bead": QComboBox,
                "open_bead": QPushButton,
                "fwhm": QLineEdit,
                "fwhm_unit": QComboBox,
                "stack": QComboBox,
                "show_psf": QPushButton,
            },
        }[name],
    }
    for control, kind in kinds.items():
        native = panel.dock.findChild(kind, control)
        assert native is not None, control
        assert native.accessibleName(), control
        assert native.toolTip() or control in ("status", "estimate"), control


@pytest.mark.parametrize("name", PANELS)
def test_without_an_image_the_sample_is_offered(open_panel, name):
    panel = open_panel(name)
    assert "the sample" in panel["estimate"].text()
    assert panel["open_sample"].isVisibleTo(panel.dock)
    assert not panel["run"].isEnabled()
    panel.press("open_sample")
    sample = panel.viewer.layers.selection.active
    assert panel["image"].currentText() == sample.name != "truth"
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


def test_opening_a_panel_loads_nothing_slow():
    code = (
        "import sys, napari_dip.plugin.views.task_panels\n"
        "print({'torch', 'zarr', 'napari_dip.assess'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout == "set()\n"


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


def test_a_sample_opens_with_its_truth(make_napari_viewer):
    viewer = make_napari_viewer()
    for key in ("noisy", "low_resolution", "scratched", "blurred"):
        viewer.layers.clear()
        viewer.open_sample("napari-dip", key)
        assert viewer.layers[0].name == "truth", key
        assert not viewer.layers[0].visible
        assert viewer.layers[1].visible
        assert viewer.layers.selection.active.name != "truth"


def test_the_panels_are_in_the_menus(make_napari_viewer):
    viewer = make_napari_viewer()
    menu = viewer.window.layers_menu
    filters = next(one for one in menu.findChildren(QWidget) if one.objectName().endswith("filter"))
    titles = {action.text(): action for action in filters.actions()}
    for name in PANELS:
        next(titles[title] for title in titles if name in title).trigger()
        assert any(name in title for title in viewer.window.dock_widgets)


def choose(command):
    get_app_model().commands.execute_command(f"napari-dip.{command}").result()


def test_the_menu_raises_what_code_opened(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    docks = viewer.window._wrapped_dock_widgets
    dock, _ = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
    choose("inpaint")
    for _ in range(2):
        choose("denoise")
        qtbot.waitUntil(lambda: len(docks) == 2)
        assert docks["Denoise (napari-dip)"] is dock
        qtbot.waitUntil(lambda: not dock.isHidden() and dock.x() >= 0)


def test_panels_of_the_menu_become_tabs(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    window, docks = viewer.window._qt_window, viewer.window._wrapped_dock_widgets
    choose("denoise")
    (first,) = docks.values()
    choose("inpaint")
    qtbot.waitUntil(lambda: len(window.tabifiedDockWidgets(first)) == 1)
    (second,) = window.tabifiedDockWidgets(first)
    qtbot.waitUntil(lambda: not second.isHidden() and second.x() >= 0)
    assert "Inpaint" in second.name


def test_choosing_a_panel_again_shows_it(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)

    def seen(dock):
        return not dock.isHidden() and dock.x() >= 0  # Qt moves covered tabs out of the window

    choose("denoise")
    (dock,) = viewer.window._wrapped_dock_widgets.values()
    choose("inpaint")
    *_, other = viewer.window._wrapped_dock_widgets.values()
    window = viewer.window._qt_window
    window.tabifyDockWidget(dock, other)
    other.raise_()
    qtbot.waitUntil(lambda: not seen(dock))
    for _ in range(2):  # behind another tab, and in front
        choose("denoise")
        qtbot.waitUntil(lambda: seen(dock))
    dock.close()  # by the user
    qtbot.wait(50)
    assert dock.isHidden()
    choose("denoise")
    qtbot.waitUntil(lambda: seen(dock))


def test_a_removed_panel_stays_removed(open_panel, qtbot):
    panel = open_panel("Denoise")
    panel.viewer.window._qt_window.show()
    panel.dock.destroyOnClose()
    qtbot.wait(50)
    assert not panel.viewer.window.dock_widgets


def test_an_uncertainty_is_never_preselected(running, engine):
    running["preset"].setCurrentText("best")
    running.press("stop")
    running.wait_until_idle()
    running.press("run")
    engine.finish.set()
    running.wait_until_idle()
    viewer = running.viewer
    spread = next(layer for layer in viewer.layers if layer.name.endswith("uncertainty"))
    spread.visible = True
    viewer.layers.selection.active = spread
    assert Denoise(viewer).image.value is not spread
    panel = Denoise(viewer)
    for layer in [*viewer.layers]:
        if layer is not spread and layer is not viewer.layers[-1]:
            viewer.layers.remove(layer)
    panel.reset_choices()
    assert panel.image.value is not spread


def test_what_was_chosen_is_remembered_for_all_panels(open_panel):
    first = open_panel("Denoise")
    first["preset"].setCurrentText("best")
    first["device"].setCurrentText("processor (cpu)")
    first["keep_history"].setChecked(True)
    first["seed"].setValue(3)
    dock, _ = first.viewer.window.add_plugin_dock_widget("napari-dip", "Inpaint")
    assert dock.findChild(QComboBox, "preset").currentText() == "best"
    assert dock.findChild(QComboBox, "device").currentText() == "processor (cpu)"
    assert dock.findChild(QCheckBox, "keep_history").isChecked()
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
            def prepare(self):
                pass
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


class Slow:
    """An estimate that takes until it is released, and then prepares."""

    def __init__(self):
        self.release, self.prepared = threading.Event(), threading.Event()

    def describe(self):
        assert self.release.wait(60)
        return "found"

    def prepare(self):
        self.prepared.set()
        raise RuntimeError("not told")


def test_a_long_estimate_is_never_silent(qtbot, caplog):
    owner = QWidget()
    qtbot.addWidget(owner)
    told, slow = [], Slow()
    estimator = Estimator(owner, "Estimating …")
    estimator.estimated.connect(lambda estimate: told.append(estimate.text))
    estimator.request(slow)
    qtbot.waitUntil(lambda: told == ["Estimating …"])
    slow.release.set()
    qtbot.waitUntil(lambda: told == ["Estimating …", "found"])
    qtbot.waitUntil(lambda: "the preparation failed" in caplog.text)
    assert slow.prepared.is_set()
    estimator.request(slow)  # a failed preparation does not end the estimates
    qtbot.waitUntil(lambda: told[2:] == ["found"])
