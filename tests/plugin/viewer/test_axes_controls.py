"""The axes and the voxel size of the image are shown, and kept on the layer when edited."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_dip.plugin.views.axes_controls import TOGETHER


def type_into(panel, **fields):
    for name, text in fields.items():
        panel[name].setText(text)
        panel[name].editingFinished.emit()


@pytest.fixture
def panel(open_panel):
    return open_panel("Super-resolution", Image(np.ones((4, 16, 20), np.uint16), name="cells"))


def test_an_edit_is_kept_on_the_layer(panel):
    layer = panel.viewer.layers[0]
    panel.viewer.dims.current_step = (2, 0, 0)
    panel.widget.axis.value = "isotropic"
    assert not panel["run"].isEnabled()
    type_into(panel, axes="zyx", size_z="1.5", size_y="0.5", size_x="0.5")
    assert layer.axis_labels == ("z", "y", "x")
    assert tuple(layer.scale) == (1.5, 0.5, 0.5)
    assert panel["axes_section"].text() == "Axes ZYX · 1.5 × 0.5 × 0.5 µm"
    assert panel.viewer.dims.current_step[0] == 2
    assert panel["run"].isEnabled()
    dock, _ = panel.viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
    assert dock.findChild(type(panel["size_z"]), "size_z").text() == "1.5"


def test_a_wrong_field_prevents_a_run(panel):
    type_into(panel, axes="ZZX")
    assert "Z is there twice" in panel["estimate"].text()
    assert not panel["run"].isEnabled()
    type_into(panel, axes="ZYX")
    assert panel["run"].isEnabled()
    type_into(panel, size_x="wide")
    assert "type a number above 0" in panel["estimate"].text()


def test_a_changed_layer_is_shown(panel):
    layer = panel.viewer.layers[0]
    layer.axis_labels = ("t", "y", "x")
    layer.scale, layer.units = (3, 20, 20), ("s", "nm", "nm")
    assert panel["axes"].text() == "TYX"
    assert (panel["time_step"].text(), panel["size_x"].text()) == ("3", "20")
    assert panel["size_unit"].currentText() == "nm"


def test_a_new_unit_keeps_the_numbers(panel):
    type_into(panel, axes="ZYX", size_x="20")
    unit = panel["size_unit"]
    unit.setCurrentText("nm")
    unit.activated.emit(unit.currentIndex())
    layer = panel.viewer.layers[0]
    assert (layer.scale[2], str(layer.units[2])) == (20, "nanometer")
    assert str(layer.units[0]) == "pixel"


def test_channels_are_restored_together(panel):
    type_into(panel, axes="CYX")
    inner = panel.widget
    assert inner.template().settings.share == "auto"
    inner._axes.channels.value = TOGETHER
    assert inner.template().settings.share == "C"
    type_into(panel, axes="ZYX")
    assert inner.template().settings.share == "auto"
