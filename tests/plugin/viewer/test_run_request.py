"""A run is checked and described before it starts."""

from __future__ import annotations

import threading
import weakref
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from example_results import ready
from napari.layers import Image, Labels

from napari_dip.errors import BadImage
from napari_dip.files.image_io import read_image
from napari_dip.generators import finished
from napari_dip.image import survey
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.worker import prepare_run
from napari_dip.plugin.models import run_request
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.layer_output import preview_layer_data
from napari_dip.plugin.models.run_request import ComputeOptions, RunRequest
from napari_dip.plugin.models.target import Target
from napari_dip.settings import Settings

QUICK = Settings(iterations=2, device="cpu")


class Pulled:
    """A lazy stack that counts the planes in memory."""

    def __init__(self, planes=12, side=32):
        self.alive = self.most = self.made = 0
        self._lock = threading.Lock()
        self.array = da.map_blocks(
            self._plane, chunks=((1,) * planes, (side,), (side,)), dtype=np.uint16
        )

    def _plane(self, block_info=None, block_id=None):
        number = block_id[0]
        plane = np.random.default_rng(number).poisson(50 + 400 * number, (1, 32, 32))
        plane = plane.astype(np.uint16)
        with self._lock:
            self.alive, self.made = self.alive + 1, self.made + 1
            self.most = max(self.most, self.alive)
        weakref.finalize(plane, self._gone)
        return plane

    def _gone(self):
        with self._lock:
            self.alive -= 1


def test_a_lazy_layer_is_read_by_planes(monkeypatch):
    monkeypatch.setattr(survey, "MAX_SAMPLE_PIXELS", 32 * 32)
    pulled = Pulled(planes=8)
    layer = Image(pulled.array, name="lazy", contrast_limits=(0, 6000), axis_labels="zyx")
    quick = Settings(iterations=1, refinement=0, share="none", precision="float32", device="cpu")
    source, asked = match_settings(read_layer(layer), quick)
    with prepare_run(source, asked, Target(), ComputeOptions(), WorkerChannel()) as work:
        canvas, _, _ = preview_layer_data(source, work.problem, work.output)
        assert not canvas[7].any()
        result = finished(work.steps)
    assert result.image.shape == (8, 32, 32)
    np.testing.assert_array_equal(canvas[7], result.image[7])
    assert pulled.made >= 16  # read once for the survey and once for the fit
    assert pulled.most <= 4


def test_a_pyramids_full_resolution_is_restored(open_panel, tmp_path):
    pulled = Pulled(planes=2)
    layer = Image([pulled.array, pulled.array[:, ::2, ::2]], multiscale=True, name="pyramid")
    panel = ready(open_panel("Super-resolution", layer), tmp_path / "out.ome.zarr")
    panel.press("run")
    panel.wait_until_idle()
    assert panel.viewer.layers[-1].data.shape == (2, 64, 64)
    assert read_image(tmp_path / "out.ome.zarr").image.shape == (2, 64, 64)


def test_the_plan_is_told_before_run(open_panel, cells, qtbot):
    panel = open_panel("Denoise", cells)
    qtbot.waitUntil(lambda: "GiB" in panel["estimate"].text())
    assert panel["estimate"].text().startswith("3 planes, fitted together · ")
    assert "Filter groups of similar patches of neighbouring" in panel["estimate"].toolTip()
    panel["published"].setChecked(True)
    qtbot.waitUntil(lambda: "Adam" in panel["estimate"].toolTip())
    assert "together" not in panel["estimate"].text()


def test_no_pixel_is_read_for_the_plan():
    def forbidden(block):
        raise AssertionError("a pixel was read")

    huge = da.zeros((5000, 20_000, 20_000), chunks=(1, 2000, 2000), dtype=np.uint16)
    huge = da.map_blocks(forbidden, huge, dtype=np.uint16)
    small = read_layer(Image(np.zeros((2, 8, 8)), name="huge", axis_labels="zyx"))
    source = replace(small, data=huge)
    asked = RunRequest(source, QUICK.replace(axes=source.axes), Target(), ComputeOptions())
    assert asked.too_large
    assert "5000 planes" in asked.describe()
    assert "save it as OME-Zarr" in asked.describe()
    assert "\n\nExpected steps:\n1. Filter groups" in asked.describe()


def test_large_results_go_to_disk_by_default(open_panel, cells, monkeypatch):
    monkeypatch.setattr(run_request, "FRACTION_OF_FREE_MEMORY", 0.0)
    panel = open_panel("Denoise", cells)
    assert panel["save_to"].currentText() == "save as OME-Zarr …"
    assert panel.widget._output.path.value.name == "cells (denoised).ome.zarr"
    panel["save_to"].setCurrentText("keep in memory")
    panel["seed"].setValue(3)
    assert panel["save_to"].currentText() == "keep in memory"


def test_run_is_disabled_if_it_cannot_work(open_panel, cells):
    panel = open_panel("Inpaint")

    def reason():
        assert not panel["run"].isEnabled()
        return panel["estimate"].text()

    assert "open one" in reason()
    thin = panel.viewer.add_image(np.zeros((16, 6)), name="thin")
    assert "no mask" in reason()
    panel.viewer.add_labels(np.zeros((16, 16), int))
    assert "Nothing painted" in reason()
    panel.viewer.layers[-1].data = np.eye(16, dtype=int)
    assert "too few for an image" in reason()
    panel.widget.image.value = panel.viewer.add_layer(cells)
    assert panel["run"].isEnabled()
    panel["label"].setValue(3)
    assert "Label 3" in reason()
    panel.viewer.layers.remove(thin)


def test_a_complex_image_is_refused(cells):
    source = replace(read_layer(cells), data=np.zeros((3, 24, 28), complex))
    with pytest.raises(BadImage, match="complex image"):
        RunRequest(source, QUICK.replace(axes=source.axes), Target(), ComputeOptions())


def test_painting_enables_run(open_panel):
    mask = Labels(np.zeros((16, 16), int))
    panel = open_panel("Inpaint", Image(np.zeros((16, 16))), mask)
    mask.paint((5, 5), 1)
    assert panel["run"].isEnabled()
    mask.undo()
    assert not panel["run"].isEnabled()
