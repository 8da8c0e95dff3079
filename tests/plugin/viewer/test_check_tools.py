"""Residual, Report and Copy methods text check the result in the viewer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox


@pytest.fixture
def panel(open_panel, counts, qtbot):
    """A panel after a short run on photon counts."""
    panel = open_panel("Denoise", Image(counts, name="cells"))
    panel["iterations"].setValue(3)
    panel["device"].setCurrentText("processor (cpu)")
    panel.press("run")
    panel.wait_until_idle()
    return panel


@pytest.fixture
def press(panel, qtbot):
    """Press a button and wait until it is enabled again."""

    def until_done(name):
        panel.press(name)
        qtbot.waitUntil(lambda: panel[name].isEnabled())
        return panel.said

    return until_done


def test_the_residual_becomes_a_layer(panel, press):
    said = press("residual")
    result, residual = panel.viewer.layers[-2:]
    assert residual.name == "cells (denoised), residual"
    assert said == "Added 'cells (denoised), residual'."
    assert panel["verdict"].text().startswith("The residual ")
    expected = panel.viewer.layers[0].data - result.data.astype(np.float32)
    assert np.allclose(residual.data, expected, atol=1e-3)


def test_the_residual_follows_the_strength(panel, press, qtbot):
    panel["strength"].setValue(0)
    source, result = panel.viewer.layers
    qtbot.waitUntil(lambda: np.array_equal(result.data, source.data))
    press("residual")
    assert not panel.viewer.layers[-1].data.any()


def test_a_report_is_written_with_the_chosen_suffix(panel, press, tmp_path, monkeypatch):
    answer = str(tmp_path / "cells"), "JSON (*.json)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: answer)
    assert press("report") == f"Saved the report to {tmp_path / 'cells.json'}."
    report = json.loads((tmp_path / "cells.json").read_text())
    assert (report["input"], report["result"]) == ("cells", "cells (denoised)")
    monkeypatch.setattr(QMessageBox, "question", lambda *_, **__: QMessageBox.StandardButton.No)
    (tmp_path / "cells.json").write_text("mine")
    press("report")
    assert (tmp_path / "cells.json").read_text() == "mine"


def test_the_methods_text_is_copied(panel):
    panel.press("copy_methods")
    clipboard = QApplication.clipboard()
    assert clipboard.text().startswith("The image (32 x 40 pixels) was denoised with napari-dip")


def test_a_missing_input_is_named(panel, press):
    source, result = panel.viewer.layers
    again = Image(result.data, name="again", metadata=result.metadata)
    panel.viewer.add_layer(again)
    panel.viewer.layers.selection.active = again
    panel.viewer.layers.remove(source)
    assert "was made from 'cells', and no Image layer has this name" in press("residual")


def test_a_selection_enables_nothing_meanwhile(panel, qtbot):
    panel.press("residual")
    panel.viewer.layers.selection.active = panel.viewer.layers[0]
    panel.viewer.layers.selection.active = panel.viewer.layers[1]
    assert not panel["residual"].isEnabled()
    qtbot.waitUntil(panel["residual"].isEnabled)
