"""Compare a result with its input on the canvas, and along a line."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image


def drawn(panel):
    """The pixels of the canvas."""
    return panel.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def state(panel):
    return [
        (layer.name, layer.visible, *map(tuple, (layer.contrast_limits, layer.scale)))
        for layer in panel.viewer.layers
        if isinstance(layer, Image)
    ]


@pytest.fixture
def compared(ended):
    """A result of black pixels and its input of white pixels, compared."""
    before, after = ended.viewer.layers
    after.data = np.zeros_like(after.data)  # the engine fills it with a number that time decides
    before.contrast_limits = 0, 100
    after.contrast_limits = 0, 7000
    ended.press("compare")
    return ended


def test_each_side_of_the_line_shows_its_image(compared, qtbot):
    compared.viewer.window.show()
    line = compared.widget._result.run_view.compare._line
    line.move_to(0.4)
    qtbot.waitUntil(lambda: drawn(compared).max() > 200)
    row = drawn(compared)
    row = row[len(row) // 2, :, 0]
    bright = np.flatnonzero(row > 200)
    assert abs(bright.max() / len(row) - 0.4) < 0.05
    line.move_to(0.6)
    row = drawn(compared)[len(drawn(compared)) // 2, :, 0]
    assert abs(np.flatnonzero(row > 200).max() / len(row) - 0.6) < 0.05


def test_comparing_leaves_the_layers_as_they_were(ended):
    ended.viewer.add_image(np.ones((4, 4)), name="other")
    before = state(ended)
    ended.press("compare")
    assert not ended.viewer.layers["other"].visible
    ended.viewer.layers[0].contrast_limits = 20, 30
    assert list(ended.viewer.layers[1].contrast_limits) == [20, 30]
    ended.press("compare")
    assert state(ended) == before
    assert ended["wipe_line"] is None


def test_the_line_is_dragged_and_follows_the_canvas(compared, qtbot):
    from qtpy.QtCore import QPoint, Qt

    line = compared.widget._result.run_view.compare._line
    canvas = line.parent()
    qtbot.mousePress(line, Qt.MouseButton.LeftButton, pos=QPoint(8, 50))
    qtbot.mouseMove(line, QPoint(8 - canvas.width() // 4, 50))
    qtbot.waitUntil(lambda: abs(line.fraction - 0.25) < 0.05)
    qtbot.keyClick(line, Qt.Key.Key_Right)
    assert line.fraction > 0.25


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda viewer: setattr(viewer.dims, "ndisplay", 3), id="3-D view"),
        pytest.param(lambda viewer: setattr(viewer.canvas.grid, "enabled", True), id="grid"),
        pytest.param(lambda viewer: viewer.layers.pop(0), id="input deleted"),
        pytest.param(lambda viewer: viewer.layers.pop(1), id="result deleted"),
    ],
)
def test_a_comparison_ends_when_it_is_impossible(compared, spoil):
    spoil(compared.viewer)
    tools = compared.widget._result.run_view.compare
    assert tools._comparison is None
    assert not tools.compare.native.isChecked()
    compared.press("compare")
    assert tools._comparison is None


def test_a_new_run_ends_the_comparison(compared, engine):
    engine.finish.clear()
    compared.press("run")
    assert compared.widget._result.run_view.compare._comparison is None
    assert tuple(compared.viewer.layers[1].contrast_limits) == (0, 7000)
    engine.finish.set()
    compared.wait_until_idle()


def test_the_profile_follows_a_moved_line(ended, qtbot):
    layers = list(ended.viewer.layers)
    ended.press("profile")
    plot = ended.widget._result.run_view.compare._plot
    line = ended.viewer.layers["line profile"]
    np.testing.assert_array_equal(np.unique(plot.before.getData()[1]), [100])
    layers[0].data[:, :3] = 50
    start = np.array([[7, 7], [7, 13]])  # columns 0 to 2 in the world
    line.data = [start]
    qtbot.waitUntil(lambda: 50 in plot.before.getData()[1])
    np.testing.assert_allclose(plot.before.getData()[0][[0, -1]], [0, 6])
    ended.press("profile")
    assert list(ended.viewer.layers) == layers


def test_a_drawn_line_is_used_and_stays(ended):
    shapes = ended.viewer.add_shapes([[[7, 10], [20, 50]]], shape_type="line", name="mine")
    ended.press("profile")
    ended.press("profile")
    assert shapes in ended.viewer.layers


def test_a_preview_can_be_compared(advanced, engine):
    tools = advanced.widget._result.run_view.compare
    advanced.press("compare")
    assert tools._comparison is not None
    engine.finish.set()
    advanced.wait_until_idle()
    assert tools._comparison is not None  # it goes on with the result
    assert advanced["compare"].isChecked()
