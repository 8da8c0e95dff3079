"""The button Save result asks for a file, and says what happened."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_dip.files.image_io import read_image


@pytest.fixture
def panel(open_panel):
    record = {"napari-dip": "0", "axes": "YX", "input": {"path": None}}
    layer = Image(np.full((16, 20), 7, np.uint8), metadata={"napari-dip": record})
    panel = open_panel("Denoise", layer)
    panel.viewer.layers.selection.active = panel.viewer.layers[0]
    return panel


@pytest.fixture
def save(panel, qtbot, monkeypatch):
    def to(path, kind="OME-TIFF (*.ome.tif)"):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(path), kind))
        panel.press("save_result")
        qtbot.waitUntil(lambda: panel["save_result"].isEnabled())
        return panel.said

    return to


def test_a_name_gets_the_chosen_suffix(save, tmp_path):
    path = tmp_path / "cells.ome.tif"
    assert save(tmp_path / "cells") == f"Saved to {path}."
    assert (read_image(path).whole() == 7).all()


def test_a_file_is_replaced_only_if_allowed(save, tmp_path, monkeypatch):
    path = tmp_path / "cells.png"
    path.write_text("other")
    for answer, kept in (("No", True), ("Yes", False)):
        button = getattr(QMessageBox.StandardButton, answer)
        monkeypatch.setattr(QMessageBox, "question", lambda *_, button=button: button)
        save(path)
        assert (path.read_bytes() == b"other") is kept


def test_an_error_is_said_and_nothing_stays(save, tmp_path):
    assert "does not exist; create it first" in save(tmp_path / "none" / "cells")
    assert [*tmp_path.iterdir()] == []


def test_the_button_needs_a_result(open_panel, noisy):
    panel = open_panel("Denoise", noisy)
    assert not panel["save_result"].isVisibleTo(panel.dock)
