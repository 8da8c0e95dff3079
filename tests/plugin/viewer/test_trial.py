"""A trial on a part of an image, and the same settings for the whole."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_dip.plugin.models.request_template import LayerReader
from napari_dip.plugin.models.trial import Trial, trial_region
from napari_dip.settings import Settings, SuperResolve

STACK = np.random.default_rng(0).poisson(20, (3, 40, 48)).astype(np.uint16)
PLACED = {
    "scale": (4, 0.5, 2),
    "translate": (1, 30, -7),
    "rotate": [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]],
    "affine": [[1, 0, 0, 5], [0, 0, 1, 2], [0, 1, 0, 3], [0, 0, 0, 1]],
    "units": ("um", "um", "um"),
}


@pytest.fixture
def stack():
    return Image(STACK, name="cells", axis_labels=("z", "y", "x"), **PLACED)


def ready(panel, **asked):
    panel["device"].setCurrentText("processor (cpu)")
    panel["iterations"].setValue(asked.pop("iterations", 3))
    return panel


def rectangle(panel, image, low, high, plane=1):
    """Draw a rectangle around the pixels from `low` to `high`, along the axes of the layer."""
    (top, left), (bottom, right) = np.array(low) - 0.4, np.array(high) + 0.4
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    world = [image.data_to_world((plane, *corner))[-2:] for corner in corners]
    point = image.data_to_world((plane, 0, 0))
    panel.viewer.dims.set_point(range(3), point)
    return panel.viewer.add_shapes([np.array(world)], shape_type="polygon", name="here")


def restored(panel, button):
    before = set(panel.viewer.layers)
    panel.press(button)
    panel.wait_until_idle()
    assert panel.said.startswith("Done"), panel.said
    (layer,) = set(panel.viewer.layers) - before
    return layer


def lies_at(layer, image, low, factor=1):
    """Check that pixels of the layer and of the image have the same world coordinates."""
    for pixel in ((0, 0, 0), (0, 7, 9)):
        ours = np.array(pixel, float)
        ours[1:] = factor * ours[1:] + (factor - 1) / 2
        np.testing.assert_allclose(
            layer.data_to_world(ours), image.data_to_world(np.add(pixel, low)), atol=1e-9
        )


def test_a_rectangle_is_restored_in_its_place(open_panel, stack):
    panel = ready(open_panel("Denoise", stack))
    rectangle(panel, stack, (5, 10), (24, 33))
    layer = restored(panel, "try_here")
    assert layer.name == "cells (denoised, part)"
    assert layer.data.shape == (1, 20, 24)
    lies_at(layer, stack, (1, 5, 10))
    assert layer.data.std() < STACK[1, 5:25, 10:34].std()
    assert layer.metadata["napari-dip"]["input"]["part"] == [[1, 2], [5, 25], [10, 34]]


def test_a_finer_part_lies_in_its_place(open_panel, stack):
    panel = ready(open_panel("Super-resolution", stack))
    rectangle(panel, stack, (5, 10), (24, 33))
    layer = restored(panel, "try_here")
    assert layer.data.shape == (1, 40, 48)
    lies_at(layer, stack, (1, 5, 10), factor=2)


def test_without_a_rectangle_the_canvas_is_used(open_panel):
    large = np.random.default_rng(0).poisson(20, (2, 3000, 3000)).astype(np.uint16)
    image = Image(large, name="large", axis_labels=("z", "y", "x"), scale=(1, 0.5, 0.5))
    panel = ready(open_panel("Denoise", image))
    viewer = panel.viewer
    viewer.dims.set_point(0, 1)
    height, width = viewer.canvas.size
    viewer.scene.camera.center = (0, 500, 750)
    viewer.scene.camera.zoom = height / 20  # 20 world units high
    layer = restored(panel, "try_here")
    wide = 2 * 20 * width / height
    assert layer.data.shape[0] == 1
    np.testing.assert_allclose(layer.data.shape[1:], (40, wide), atol=2)
    middle = layer.data_to_world((np.array(layer.data.shape) - 1) / 2)
    np.testing.assert_allclose(middle, (1, 500, 750), atol=0.5)


def test_the_mask_is_cropped_alike(open_panel, stack):
    painted = np.zeros((40, 48), int)
    painted[10:14, 15:30] = 1
    flat = {name: PLACED[name][1:] for name in ("scale", "translate")}
    plane = {"rotate": np.array(PLACED["rotate"])[1:, 1:], "affine": np.eye(3)}
    plane["affine"] = [[0, 1, 2], [1, 0, 3], [0, 0, 1]]
    mask = Labels(painted, name="scratch", units=("um", "um"), **flat, **plane)
    panel = ready(open_panel("Inpaint", stack, mask))
    shapes = rectangle(panel, stack, (5, 10), (24, 33))
    layer = restored(panel, "try_here")
    changed = np.zeros_like(STACK, bool)
    changed[1, 5:25, 10:34] = layer.data[0] != STACK[1, 5:25, 10:34]
    assert changed[1][painted == 1].mean() > 0.5
    assert not changed[1][painted == 0].any()
    shapes.data = []
    panel.viewer.layers.remove(shapes)
    rectangle(panel, stack, (20, 10), (39, 33))
    panel.press("try_here")
    assert "no pixel is missing" in panel.said


def test_what_cannot_be_tried_says_why(open_panel, stack, notifications):
    panel = ready(open_panel("Denoise", stack))
    shapes = rectangle(panel, stack, (5, 10), (9, 30))
    panel.press("try_here")
    assert "5 pixels along Y" in panel.said
    shapes.data = [shapes.data[0] + 1e4]
    panel.press("try_here")
    assert panel.said.startswith("'cells' is not in the rectangle in 'here'")
    panel.viewer.dims.ndisplay = 3
    panel.press("try_here")
    assert "3-D" in panel.said
    assert [note.severity.value for note in notifications].count("error") == 3
    assert len(panel.viewer.layers) == 2


@pytest.mark.slow
def test_the_whole_is_restored_as_in_the_trial(open_panel, stack):
    panel = ready(open_panel("Denoise", stack), iterations=0)
    assert not panel["apply_to_stack"].isEnabled()
    rectangle(panel, stack, (5, 10), (24, 33))
    panel["seed"].setValue(3)
    panel["iterations"].setValue(20)
    trial = restored(panel, "try_here")
    panel["seed"].setValue(0)
    took = trial.metadata["napari-dip"]["units"][0]["iterations"]
    whole = restored(panel, "apply_to_stack")
    made = whole.metadata["napari-dip"]
    assert whole.data.shape == STACK.shape
    assert [unit["iterations"] for unit in made["units"]] == [took] * 3
    assert made["settings"]["seed"] == 3
    assert made["settings"]["stopping"] == {"rule": "fixed"}
    assert whole.name == "cells (denoised)"
    assert panel.viewer.layers[-1] is whole


@pytest.mark.parametrize(
    ("unit", "picture", "iterations"),
    [
        ({"iterations": 240, "best_iteration": 240}, {}, 200),
        ({"iterations": 240, "best_iteration": 240}, {"iteration": 130}, 90),
        ({"iterations": 240, "best_iteration": 240}, {"iteration": 60}, 40),
    ],
    ids=["the result", "chosen", "chosen before the pixels are refined"],
)
def test_iterations_of_the_whole_follow_the_trial(unit, picture, iterations):
    settings = Settings(task=SuperResolve(factor=2), axes="ZYX", share="Z")
    record = {
        "settings": settings.model_dump(mode="json"),
        "units": [unit | {"denoising": 40, "members": 1}],
        "picture": picture | {"chosen_by_user": bool(picture)},
    }
    result = Image(np.zeros((4, 4)), metadata={"napari-dip": record})
    asked = Trial(result, result, LayerReader()).settings_for_whole()
    assert asked.iterations == iterations
    assert asked.stopping is None
    assert asked.share == "none"


def test_a_chosen_preview_sets_the_iterations(open_panel, engine, stack, qtbot):
    panel = ready(open_panel("Denoise", stack))
    rectangle(panel, stack, (5, 10), (24, 33))
    panel.press("try_here")
    qtbot.waitUntil(lambda: panel["scrub"].maximum() >= 3)
    engine.finish.set()
    panel.wait_until_idle()
    panel["scrub"].setValue(1)
    layer = panel.viewer.layers[-1]
    qtbot.waitUntil(lambda: "picture" in layer.metadata["napari-dip"])
    panel.press("use_this")
    chosen = layer.metadata["napari-dip"]["picture"]["iteration"]
    whole = restored(panel, "apply_to_stack")
    assert whole.metadata["napari-dip"]["settings"]["iterations"] == chosen


def test_a_trial_is_copied_with_its_part(open_panel, stack, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QApplication

    monkeypatch.chdir(tmp_path)
    panel = ready(open_panel("Denoise", stack))
    rectangle(panel, stack, (5, 10), (24, 33))
    layer = restored(panel, "try_here")
    panel.press("copy_command")
    assert "restores whole files" in panel.said
    panel.press("copy_python")
    text, there = QApplication.clipboard().text(), {}
    saving = [line[4:] for line in text.splitlines() if line.startswith("#   ")]
    exec("\n".join(saving), {"viewer": panel.viewer})
    exec(text, there)
    np.testing.assert_array_equal(there["restored"], layer.data)


def test_a_mask_shape_is_not_the_region():
    viewer, image = ViewerModel(), Image(STACK[0])
    viewer.add_layer(image)
    mask = viewer.add_shapes([[[2, 2], [2, 9], [9, 9], [9, 2]]], shape_type="polygon")
    rectangle = viewer.add_shapes([[[0, 0], [0, 20], [20, 20], [20, 0]]])
    viewer.layers.selection = {mask, rectangle}
    assert trial_region(viewer, image, "YX", "YX", besides=mask) == (slice(0, 21), slice(0, 21))
    assert trial_region(viewer, image, "YX", "YX", besides=rectangle) == (
        slice(2, 10),
        slice(2, 10),
    )
