"""A finished run: show a frame, use it, set its strength, keep and continue."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QWidget

from napari_dip.errors import OutOfMemory
from napari_dip.files.image_io import read_image, read_provenance
from napari_dip.plugin.models.history import blend
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.saved_layer import SavedLayer

TOOLS = ("use_this", "keep_as_layer", "history", "continue", "strength")


def value(layer):
    (one,) = np.unique(layer.data)
    return int(one)


def made(layer):
    return layer.metadata["napari-dip"]


def scrub(panel, place, qtbot, until):
    panel["scrub"].setValue(place)
    qtbot.waitUntil(until)


def test_the_curve_is_drawn_only_when_opened(advanced, qtbot):
    assert advanced["curve"] is None  # pyqtgraph is not loaded
    advanced.unfold("loss_curve")
    assert len(advanced["curve"]._loss.getData()[0])


def test_an_opened_curve_stays_open(advanced):
    advanced.unfold("loss_curve")
    _, other = advanced.viewer.window.add_plugin_dock_widget("napari-dip", "Inpaint")
    assert other._result.run_view.curve.fold.isExpanded()


def test_curve_and_status_show_progress(advanced, qtbot):
    advanced.unfold("loss_curve")
    curve = advanced["curve"]
    points = len(curve._loss.getData()[0])
    qtbot.waitUntil(lambda: len(curve._loss.getData()[0]) > points)
    qtbot.waitUntil(lambda: "50 iterations/s · cpu" in advanced["status"].toolTip())
    assert "GiB" in advanced["status"].toolTip()
    assert "of 1000" in advanced.said
    assert not curve.best.isVisible()


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
    frames = ended.widget._result.run_view.finished.frames
    ended.unfold("loss_curve")
    ended["curve"].clicked.emit(frames[1].iteration)
    qtbot.waitUntil(lambda: value(layer) == frames[1].iteration)
    assert ended["scrub"].value() == 1
    assert ended["curve"].shown.value() == frames[1].iteration


def test_previews_can_be_kept_as_layers(ended, qtbot):
    layer = ended.viewer.layers[-1]
    frames = ended.widget._result.run_view.finished.frames
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


def test_the_strength_is_live_and_recorded(ended, qtbot, calibrated):
    layer = ended.viewer.layers[-1]
    result = value(layer)
    ended["strength"].setValue(25)
    qtbot.waitUntil(lambda: value(layer) == round(0.25 * result + 75))
    assert layer.data.dtype == np.uint16
    assert made(layer)["picture"] == {"strength_percent": 25}
    ended["strength"].setValue(0)
    qtbot.waitUntil(lambda: value(layer) == 100)
    ended["strength"].setValue(100)
    qtbot.waitUntil(lambda: value(layer) == result)
    assert "picture" not in made(layer)
    assert value(calibrated) == 100


def test_blending_repeats_pixels_of_the_input(open_panel, engine, calibrated, qtbot):
    panel = open_panel("Super-resolution", calibrated)
    panel.press("run")
    layer = panel.wait_for_preview()
    engine.finish.set()
    panel.wait_until_idle()
    result = value(layer)
    panel["strength"].setValue(50)
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
    assert max(frame.iteration for frame in ended.widget._result.run_view.finished.frames) == result


def test_what_cannot_be_continued_says_why(open_panel, engine, calibrated):
    panel = open_panel("Denoise", calibrated)
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
    assert ended.widget._result.run_view.finished is None
    assert not ended["strength"].isEnabled()
    qtbot.wait(100)  # the frame of the slider comes too late
    assert len(ended.viewer.layers) == 1


def test_a_panel_in_full_fits_a_small_screen(ended):
    ended.unfold("loss_curve")
    ended.widget._settings.native.parentWidget().expand(animate=False)
    size = ended.widget.native.sizeHint()
    assert size.width() <= 350
    assert size.height() <= 720
    for name in (*TOOLS, "scrub", "pause", "resume", "curve"):
        control = ended.dock.findChild(QWidget, name)
        assert control.toolTip() and control.accessibleName(), name


def test_the_real_engine_goes_on_with_its_network(open_panel):
    counts = 100 * np.random.default_rng(0).poisson(20, (32, 32)).astype(np.uint16)
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
    network = weakref.ref(panel.widget._result.run_view.finished.result.more.restored)
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
    qtbot.waitUntil(lambda: len(ended.viewer.layers) == 3)
    engine.finish.set()
    ended.wait_until_idle()
    assert edited.data is mine
    assert ended.viewer.layers[-1].name == "noisy (denoised) [1]"
    assert tuple(ended.viewer.layers[-1].scale) == (2, 3)


def test_a_saved_file_records_the_strength(ended, tmp_path):
    ended.widget._result.run_view.finished.set_strength(0.25)
    layer = ended.viewer.layers[-1]
    path = tmp_path / "cells.ome.tif"
    SavedLayer.of(layer).write(path)
    assert read_provenance(path)["picture"] == {"strength_percent": 25}
    np.testing.assert_array_equal(read_image(path).whole(), layer.data)


@pytest.mark.parametrize("ending", ["discard", "failure"])
def test_no_result_keeps_the_earlier_tools(ended, engine, ending, qtbot):
    earlier = ended.viewer.layers[-1]
    engine.finish.clear()
    ended.press("run")
    qtbot.waitUntil(lambda: len(ended.viewer.layers) > 2)
    assert not ended["strength"].isEnabled()
    if ending == "discard":
        ended.press("discard")
    else:
        engine.fail = lambda: OutOfMemory("no memory left")
    ended.wait_until_idle()
    finished = ended.widget._result.run_view.finished
    assert finished.layer is earlier
    assert ended["compare"].isEnabled()
    assert ended["strength"].isEnabled()
    assert "a later run was started" in ended["continue"].toolTip()


def test_tools_stay_in_place_without_a_result(advanced):
    before = advanced["strength"].mapTo(advanced.dock, QPoint(0, 0))
    advanced.press("discard")
    advanced.wait_until_idle()
    assert not advanced["strength"].isEnabled()
    assert advanced["strength"].isVisibleTo(advanced.dock)
    assert advanced["strength"].mapTo(advanced.dock, QPoint(0, 0)) == before
