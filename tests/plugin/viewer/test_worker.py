"""Other processes restore a layer."""

from __future__ import annotations

import numpy as np
from distributed import LocalCluster
from example_results import ready

from napari_dip.generators import finished
from napari_dip.plugin.controllers import worker
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.worker import prepare_run
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.run_request import ComputeOptions
from napari_dip.plugin.models.target import Target
from napari_dip.settings import Deconvolve, Settings

QUICK = Settings(iterations=2, device="cpu")


def test_a_scheduler_that_does_not_answer_is_told(open_panel, cells, monkeypatch, notifications):
    monkeypatch.setattr(worker, "SCHEDULER_TIMEOUT_S", 0.5)
    panel = ready(open_panel("Denoise", cells))
    panel["machines"].setCurrentText("a dask scheduler")
    panel["address"].setText("tcp://127.0.0.1:9")
    panel.press("run")
    panel.wait_until_idle()
    assert "no scheduler answers" in notifications[-1].message
    assert panel["run"].isEnabled()


def test_a_cluster_restores_the_same(open_panel, cells, tmp_path):
    loopback = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": None}
    source, asked = match_settings(read_layer(cells), QUICK)
    with prepare_run(source, asked, Target(), ComputeOptions(), WorkerChannel()) as work:
        here = finished(work.steps).image
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **loopback) as cluster:
        panel = ready(open_panel("Denoise", cells))
        panel["machines"].setCurrentText("a dask scheduler")
        panel["address"].setText(cluster.scheduler_address)
        for path in (None, tmp_path / "a.ome.zarr"):
            ready(panel, path).press("run")
            panel.wait_until_idle()
            assert panel.said.startswith("Done"), panel.said
            np.testing.assert_array_equal(panel.viewer.layers[-1].data, here)


def test_processes_deconvolve_the_same(cells):
    loopback = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": None}
    optics = {"na": 0.8, "ri": 1.0, "wavelength": 520, "pixel_size": 0.15}
    source, asked = match_settings(read_layer(cells), QUICK.replace(task=Deconvolve(**optics)))
    images = []
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **loopback) as cluster:
        for compute in (ComputeOptions(), ComputeOptions(scheduler=cluster.scheduler_address)):
            with prepare_run(source, asked, Target(), compute, WorkerChannel()) as work:
                images.append(finished(work.steps).image)
    np.testing.assert_array_equal(*images)
