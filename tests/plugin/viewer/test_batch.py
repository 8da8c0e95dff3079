"""The batch: layers are restored one after another."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Points
from qtpy.QtCore import Qt

from napari_dip.plugin.controllers import session
from napari_dip.plugin.models.run_request import copy_pixels
from napari_dip.plugin.views.controls import text_line


@pytest.fixture
def panel(open_panel, engine):
    """A panel with a batch of three images, one of which cannot be restored."""
    layers = [Image(np.full((32, 32), 9, np.uint16), name=f"c{number}") for number in range(4)]
    layers[1] = Image(np.zeros((32, 32), np.complex64).real[:4], name="c1")
    panel = open_panel("Denoise", *layers, Points(np.zeros((1, 2))))
    panel.viewer.layers.selection = set(panel.viewer.layers) - {panel.viewer.layers["c3"]}
    panel.press("queue_add")
    panel.press("queue_add")  # a waiting layer is not added again
    return panel


def statuses(panel):
    return [panel["queue"].item(row).text() for row in range(panel["queue"].count())]


def wait_for(panel, qtbot, *expected):
    qtbot.waitUntil(lambda: statuses(panel) == list(expected))


def test_a_failed_layer_does_not_stop_the_batch(panel, engine, qtbot):
    wait_for(panel, qtbot, "waiting: c0", "waiting: c1", "waiting: c2")
    panel["seed"].setValue(5)
    panel.press("queue_run")
    wait_for(panel, qtbot, "running: c0", "waiting: c1", "waiting: c2")
    assert not panel["run"].isEnabled()
    assert not panel["queue_run"].isEnabled()
    panel["seed"].setValue(6)  # does not affect this batch
    engine.finish.set()
    wait_for(panel, qtbot, "done: c0", "failed: c1", "done: c2")
    assert "too small" in panel["queue"].item(1).toolTip()
    layers = panel.viewer.layers
    made = [layers[f"{name} (denoised)"].metadata["napari-dip"] for name in ("c0", "c2")]
    assert [one["settings"]["seed"] for one in made] == [5, 5]
    assert panel["run"].isEnabled()
    qtbot.waitUntil(lambda: panel.said.startswith("3 layers: 2 done, 1 failed. 'c1': "))
    assert "too small" in panel.said and not panel.said.endswith("..")
    panel.press("queue_clear")
    assert statuses(panel) == []


def test_stop_ends_one_and_discard_the_rest(panel, engine, qtbot):
    panel.press("queue_run")
    panel.wait_for_preview()
    panel.press("stop")
    wait_for(panel, qtbot, "stopped: c0", "failed: c1", "running: c2")
    panel.viewer.layers.selection = {panel.viewer.layers["c3"]}
    panel.press("queue_add")
    panel.press("discard")
    wait_for(panel, qtbot, "stopped: c0", "failed: c1", "discarded: c2", "discarded: c3")
    qtbot.waitUntil(lambda: not session.running_sessions)
    assert "c0 (denoised)" in panel.viewer.layers
    assert "c2 (denoised)" not in panel.viewer.layers


def test_closing_the_panel_ends_the_queue(panel, engine, qtbot):
    panel.press("queue_run")
    panel.wait_for_preview()
    panel.viewer.window.remove_dock_widget(panel.dock)
    panel.wait_until_idle()
    qtbot.wait(50)
    assert engine.calls == 1


def test_layers_can_be_removed_or_deleted(panel, engine, qtbot):
    panel["queue"].setCurrentRow(1)
    qtbot.keyClick(panel["queue"], Qt.Key.Key_Delete)
    panel.viewer.layers.remove("c0")
    engine.finish.set()
    panel.press("queue_run")
    wait_for(panel, qtbot, "failed: c0", "done: c2")
    assert "deleted" in panel["queue"].item(0).toolTip()


def test_each_result_has_a_folder_of_its_own(open_panel, qtbot, tmp_path):
    counts = np.random.default_rng(0).poisson(20, (2, 24, 28)).astype(np.uint16)
    panel = open_panel("Denoise", *[Image(plane, name=f"c{n}") for n, plane in enumerate(counts)])
    panel["iterations"].setValue(2)
    panel["device"].setCurrentText("processor (cpu)")
    panel["save_to"].setCurrentText("save as OME-Zarr …")
    panel["path_path"].setText(str(tmp_path / "one.ome.zarr"))
    (tmp_path / "c1 (denoised).ome.zarr").mkdir()
    (tmp_path / "c1 (denoised).ome.zarr" / "notes").touch()
    panel.viewer.layers.select_all()
    panel.press("queue_add")
    panel.press("queue_run")
    wait_for(panel, qtbot, "done: c0", "failed: c1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "c0 (denoised).ome.zarr",
        "c1 (denoised).ome.zarr",
    ]


def test_names_of_layers_are_no_html(open_panel, engine, qtbot, notifications):
    name = "<b>a</b> <img src='x'>\x1b[2J\u202e"
    panel = open_panel("Denoise", Image(np.zeros((4, 4), np.float32), name=name))
    panel.viewer.layers.selection = set(panel.viewer.layers)
    panel.press("queue_add")
    panel.press("queue_run")
    shown = r"<b>a</b> <img src='x'>\x1b[2J\u202e"
    wait_for(panel, qtbot, f"failed: {shown}")
    line = text_line("line")
    line.value = name
    assert line.native.text() == shown
    assert line.native.textFormat() == Qt.TextFormat.PlainText
    assert "<" not in panel["queue"].item(0).toolTip()
    assert all("<" not in one.message for one in notifications)


def test_one_mask_serves_all_whatever_changes_later(open_panel, engine, qtbot):
    painted = np.zeros((32, 32), int)
    painted[4:8] = 1
    layers = [Image(np.ones((32, 32)), name=f"c{number}") for number in range(2)]
    first, second = Labels(painted, name="first"), Labels(painted.T.copy(), name="second")
    panel = open_panel("Inpaint", *layers, first, second)
    panel.widget.mask.value = first
    panel.viewer.layers.selection = set(layers)
    panel.press("queue_add")
    panel.press("queue_run")
    panel.wait_for_preview()
    panel.widget.mask.value = second
    panel.viewer.layers.remove(first)
    panel["keep_known"].setChecked(False)
    chosen = panel.widget.image.value
    engine.finish.set()
    wait_for(panel, qtbot, "done: c0", "done: c1")
    for name in ("c0", "c1"):
        made = panel.viewer.layers[f"{name} (inpainted)"].metadata["napari-dip"]
        assert made["input"]["mask"]["layer"] == "first"
        assert made["settings"]["task"]["keep_known"]
    assert panel.widget.image.value is chosen


def test_a_bug_in_one_does_not_stop_others(panel, qtbot, monkeypatch):
    calls = []

    def fail_once(source):
        calls.append(source)
        if len(calls) == 1:
            raise ZeroDivisionError("by zero")
        return copy_pixels(source)

    monkeypatch.setattr("napari_dip.plugin.controllers.run_control.copy_pixels", fail_once)
    with qtbot.capture_exceptions() as raised:
        panel.press("queue_run")
        wait_for(panel, qtbot, "failed: c0", "failed: c1", "running: c2")
    assert "by zero" in panel["queue"].item(0).toolTip()
    assert len(raised) == 1
    panel.press("discard")
    panel.wait_until_idle()
