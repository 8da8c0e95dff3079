"""The layer of a result, from its first preview to its end."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from napari.layers import Image

from napari_dip.image.problem import make_problem
from napari_dip.image.sink import InMemory
from napari_dip.plugin.controllers.result_layer import ResultLayer
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import preview_layer_data
from napari_dip.progress import Snapshot
from napari_dip.settings import Settings, SuperResolve


def test_the_preview_is_refined_in_place(running, qtbot):
    output = running.viewer.layers[-1]
    first = int(output.data[0, 0])
    qtbot.waitUntil(lambda: int(output.data[0, 0]) > first)
    assert len(running.viewer.layers) == 2


def test_the_result_takes_the_place_of_the_preview(running, engine):
    output = running.viewer.layers[-1]
    engine.finish.set()
    running.wait_until_idle()
    assert list(running.viewer.layers) == [running.viewer.layers["noisy"], output]
    assert output.metadata["napari-dip"]["seed"] == 0
    assert running.said.startswith("Done")


def test_several_fits_add_a_hidden_spread_layer(open_panel, engine, noisy, qtbot):
    panel = open_panel("Denoise", noisy)
    panel.viewer.layers["noisy"].scale = (2, 3)
    panel.widget._settings.preset.value = "best"
    panel.press("run")
    qtbot.waitUntil(lambda: len(panel.viewer.layers) == 2)
    engine.finish.set()
    panel.wait_until_idle()
    _, spread, output = panel.viewer.layers
    assert spread.name == "noisy (denoised), uncertainty"
    assert not spread.visible
    assert (spread.data == 0.5).all()
    assert tuple(spread.scale) == tuple(output.scale) == (2, 3)
    assert spread.metadata["napari-dip"]["settings"]["preset"] == "best"
    assert set(panel.viewer.layers.selection) == {panel.viewer.layers["noisy"]}


def test_a_one_plane_preview_leaves_others_empty(make_napari_viewer):
    viewer = make_napari_viewer()
    stack = Image(np.ones((3, 8, 8)), name="stack")
    source = read_layer(stack)
    output = ResultLayer(viewer)
    estimate = np.full((16, 16), 7.0)
    settings = Settings(task=SuperResolve(factor=2), axes=source.axes, device="cpu")
    problem = make_problem(source.data, settings, None, None)
    begun = preview_layer_data(source, problem, InMemory(problem))
    output.update(begun, Snapshot(1, 3, (1,), 5, 9, 0.1, 0.1, 1.0, 1.0, estimate))
    np.testing.assert_array_equal(viewer.layers[0].data[:].mean((1, 2)), [np.nan, 7, np.nan])
    assert stack.data.max() == 1


def test_an_input_named_like_the_output_stays(open_panel, engine):
    image = Image(np.ones((32, 32)), name="cells")
    namesake = Image(np.zeros((32, 32)), name="cells (denoised)")
    panel = open_panel("Denoise", namesake, image)
    engine.finish.set()
    panel.press("run")
    panel.wait_until_idle()
    assert len(panel.viewer.layers) == 3
    assert namesake.name == "cells (denoised)"
    assert not namesake.data.any()


def test_a_deleted_output_comes_back_only_on_request(running, engine, qtbot):
    output = running.viewer.layers[-1]
    qtbot.waitUntil(lambda: running["scrub"].maximum() > 0)
    running.viewer.layers.clear()
    said = running.said
    qtbot.waitUntil(lambda: running.said != said)
    engine.finish.set()
    running.wait_until_idle()
    assert not running.viewer.layers
    assert "press Add the result" in running.said and "See '" not in running.said
    running.viewer.add_layer(Image(np.zeros((8, 8))))
    running.viewer.layers.clear()  # other layers do not matter
    assert not running["use_this"].isEnabled()
    running.press("keep_as_layer")
    assert list(running.viewer.layers) == [output]
    assert "napari-dip" in output.metadata
    assert running["keep_as_layer"].text() == "Keep as layer" and running["use_this"].isEnabled()


def test_a_duplicate_of_the_output_is_unchanged(running, engine, qtbot):
    output = running.viewer.layers[-1]
    duplicate = deepcopy(output.data)
    assert isinstance(duplicate, np.ndarray)
    value = duplicate[0, 0]
    qtbot.waitUntil(lambda: output.data[0, 0] > value)
    assert duplicate[0, 0] == value


def test_discarding_a_deleted_output_is_no_trouble(running):
    running.viewer.layers.remove(running.viewer.layers[-1])
    running.press("discard")
    running.wait_until_idle()
    assert len(running.viewer.layers) == 1


def test_renamed_layers_stay_what_they_are(running, engine, noisy):
    output = running.viewer.layers[-1]
    noisy.name, output.name = "mine", "noisy"
    engine.finish.set()
    running.wait_until_idle()
    assert list(running.viewer.layers) == [noisy, output]
    assert output.name == "noisy"
    assert "napari-dip" in output.metadata


def test_the_history_is_kept_as_one_layer(open_panel, engine, noisy, qtbot):
    panel = open_panel("Denoise", noisy)
    assert not panel["keep_history"].isChecked()
    panel["keep_history"].setChecked(True)
    panel.press("run")
    qtbot.waitUntil(lambda: panel["scrub"].maximum() >= 2)
    panel.viewer.layers[-1].name = "mine"
    engine.finish.set()
    panel.wait_until_idle()
    layers = panel.viewer.layers
    assert [layer.name for layer in layers] == ["noisy", "mine", "mine, history"]
    assert layers[-1].axis_labels[0] == "iteration"
    assert not layers[-1].visible
    assert len(layers[-1].data) >= 3
    assert layers.selection.active is noisy
