"""Masks in the panel Inpaint: new, suggested and chosen masks, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtWidgets import QCheckBox

from napari_dip.plugin.controllers import viewer_layers


@pytest.fixture
def cells():
    noisy = np.random.default_rng(0).poisson(30, (3, 32, 40)).astype(np.uint16)
    return Image(noisy, name="cells", scale=(3, 0.5, 0.5), rotate=(0, 0, 20), units="um")


@pytest.fixture
def told(qtbot):
    """Wait until the coverage has a text."""

    def wait(panel, words):
        qtbot.waitUntil(lambda: words in panel["coverage"].text())

    return wait


def test_a_new_mask_is_ready_for_painting(open_panel, cells, told):
    panel = open_panel("Inpaint", cells)
    panel.press("new_mask")
    mask = panel.viewer.layers[-1]
    assert isinstance(mask, Labels)
    assert panel.widget.mask.value is mask is panel.viewer.layers.selection.active
    assert mask.mode == "paint"
    assert mask.brush_size >= 3
    assert mask.data.shape == cells.data.shape
    np.testing.assert_allclose(mask.data_to_world((2, 3, 4)), cells.data_to_world((2, 3, 4)))
    assert not panel["run"].isEnabled()
    mask.paint((1, 10, 10), 1)
    assert panel["run"].isEnabled()
    part, planes = f"{100 * (mask.data > 0).mean():.3g} %", len(mask.data)
    told(panel, f"{part} of the pixels are missing, in 1 of {planes} planes.")
    assert not panel["planes"].isVisibleTo(panel.widget.native)


def test_a_large_stack_gets_a_one_plane_mask(open_panel, engine, cells, told, monkeypatch):
    monkeypatch.setattr(viewer_layers, "MAX_MASK_PIXELS", 2000)
    panel = open_panel("Inpaint", cells)
    panel.press("new_mask")
    mask = panel.viewer.layers[-1]
    assert mask.data.shape == (32, 40)
    assert "one plane, which applies to all planes" in panel.said
    mask.paint((10, 10), 1)
    part = f"{100 * (mask.data > 0).mean():.3g} % of the pixels"
    told(panel, f"{part} are")
    assert panel["planes"].isVisibleTo(panel.widget.native)
    panel["planes"].setCurrentText("the shown plane")
    panel.viewer.dims.set_point(0, 6.0)
    told(panel, f"{part} of this plane are")
    missing = panel.widget.reader().read(cells).mask
    np.testing.assert_array_equal(missing[2], mask.data > 0)
    assert not missing[:2].any()


def test_a_full_mask_disables_run(open_panel, cells, told, qtbot):
    panel = open_panel("Inpaint", cells)
    panel.press("new_mask")
    mask = panel.viewer.layers[-1]
    mask.data = np.ones_like(mask.data)
    qtbot.waitUntil(lambda: "covers all" in panel["estimate"].text())
    assert not panel["run"].isEnabled()
    assert not panel["coverage"].text()
    mask.data = np.broadcast_to(np.eye(32, 40, dtype=int), cells.data.shape).copy()
    told(panel, "2.5 % of the pixels are missing")
    assert panel["run"].isEnabled()
    assert panel["coverage"].text()


def test_suggested_pixels_have_labels_by_kind(open_panel, cells, qtbot):
    cells.data[1, 5, 6], cells.data[2, 7, 8] = 999, 999
    cells.data[0, 20, 20] = 0
    panel = open_panel("Inpaint", cells)
    panel.press("suggest_mask")
    qtbot.waitUntil(lambda: len(panel.viewer.layers) == 2)
    mask = panel.viewer.layers[-1]
    assert panel.widget.mask.value is mask
    assert [tuple(map(int, place)) for place in np.argwhere(mask.data == 2)] == [
        (1, 5, 6),
        (2, 7, 8),
    ]
    assert "label 2: 2 hot" in panel.said
    np.testing.assert_allclose(mask.data_to_world((2, 3, 4)), cells.data_to_world((2, 3, 4)))
    assert panel["suggest_mask"].isEnabled()


def test_without_suggestions_no_layer_is_added(open_panel, cells, qtbot):
    panel = open_panel("Inpaint", cells)
    panel.press("suggest_mask")
    qtbot.waitUntil(lambda: panel.said.startswith("No pixel of 'cells'"))
    assert len(panel.viewer.layers) == 1


def test_images_are_masks_only_where_somebody_says_so(open_panel, cells):
    panel = open_panel("Inpaint", cells, Image(np.eye(32, 40, dtype=bool), name="edge"))
    panel.widget.image.value = cells
    mask = panel["mask"]
    assert [mask.itemText(place) for place in range(mask.count())] == ["none", "edge"]
    assert panel.widget.mask.value is None
    assert "no mask" in panel["estimate"].text()
    panel.viewer.add_shapes([[[2, 3], [2, 9], [8, 9]]], shape_type="polygon", name="drawn")
    assert [mask.itemText(place) for place in range(mask.count())] == ["drawn", "edge"]
    assert panel.widget.mask.value.name == "drawn"
    assert not panel["label"].isVisibleTo(panel.widget.native)
    panel.widget.mask.value = panel.viewer.layers["edge"]
    assert panel["run"].isEnabled()
    panel.viewer.layers.remove("edge")
    assert panel.widget.mask.value.name == "drawn"
    panel.viewer.layers.remove("drawn")
    assert panel.widget.mask.value is None


def test_the_outline_is_drawn_while_requested(open_panel, cells):
    first, second = (Labels(np.eye(32, 40, dtype=int), name=name) for name in ("one", "two"))
    second.contour = 3
    panel = open_panel("Inpaint", cells, first, second)
    outline = panel.dock.findChild(QCheckBox, "outline")
    before = first.colormap, first.opacity
    outline.setChecked(True)
    assert (first.contour, second.contour) == (2, 3)
    np.testing.assert_allclose(first.get_color(1), [1, 0, 1, 1])
    assert first.opacity == 1
    panel.widget.mask.value = second
    assert (first.contour, second.contour) == (0, 3)
    assert (first.colormap, first.opacity) == before
    panel.widget.mask.value = first
    panel.viewer.window.remove_dock_widget(panel.dock)
    assert (first.contour, second.contour) == (0, 3)
    first.contour = 2  # the panel does not change it any more
    assert first.contour == 2


def test_painted_can_mean_known(open_panel, cells, told):
    cells.rotate = 0
    mask = Labels(np.ones((32, 40), int), name="seen", scale=(0.5, 0.5), units="um")
    mask.data[:8] = 0
    panel = open_panel("Inpaint", cells, mask)
    told(panel, "75 % of the pixels")
    panel["marks"].setCurrentText("known")
    told(panel, "25 % of the pixels")
    assert panel.widget.reader().read(cells).mask[..., :8, :].all()


def test_noise_is_matched_only_beside_known_pixels(open_panel, counts):
    panel = open_panel("Inpaint", Image(counts), Labels(np.eye(32, 40, dtype=int)))
    panel["match_noise"].setChecked(True)
    assert panel.widget.task().match_noise
    panel["keep_known"].setChecked(False)
    assert not panel["match_noise"].isEnabled()
    assert not panel.widget.task().match_noise
