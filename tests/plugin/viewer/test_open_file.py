"""The button Open adds the layers of a file, and chooses the first."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_dip.files.image_io import write_image
from napari_dip.image.metadata import StoredImage


@pytest.fixture
def open_files(open_panel, qtbot, monkeypatch):
    panel = open_panel("Denoise")

    def choose(*files):
        names = [str(file) for file in files]
        monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_, **__: (names, ""))
        panel["open_file"].menu().actions()[0].trigger()
        qtbot.waitUntil(lambda: panel["open_file"].isEnabled())
        return panel

    return choose


def test_a_file_is_opened_and_chosen(open_files, tmp_path):
    path = tmp_path / "cells.tif"
    stored = StoredImage(np.ones((3, 16, 20), np.uint16), "ZYX", {"X": 0.5}, {"X": "µm"})
    write_image(path, stored)
    panel = open_files(path)
    assert panel.said == "Opened cells.tif."
    assert panel.widget.image.value is panel.viewer.layers[0]
    assert panel["axes"].text() == "ZYX"
    assert panel["run"].isEnabled()


def test_the_image_of_a_file_is_asked(open_files, tmp_path, monkeypatch, qtbot):
    path = tmp_path / "cells.tif"
    with tifffile.TiffWriter(path) as file:
        for side in (16, 24):
            file.write(np.zeros((side, side), np.uint8))
    monkeypatch.setattr(QInputDialog, "getItem", lambda *args: (args[3][1], True))
    panel = open_files(path)
    qtbot.waitUntil(lambda: len(panel.viewer.layers) == 1)
    assert panel.viewer.layers[0].data.shape == (24, 24)
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("", False))
    assert open_files(path).said == "Nothing was opened."


def test_an_error_is_said(open_files, tmp_path):
    path = tmp_path / "cells.nd2"
    path.touch()
    panel = open_files(path)
    assert "napari-dip[formats]" in panel.said
    assert not panel.viewer.layers


def test_the_folder_of_the_last_file_is_proposed(open_files, tmp_path, monkeypatch):
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, np.ones((16, 20), np.uint16))
    panel, proposed = open_files(path), []
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *asked: (proposed.append(asked[2]) or [], "")
    )
    panel["open_file"].menu().actions()[0].trigger()
    assert proposed == [str(tmp_path)]
