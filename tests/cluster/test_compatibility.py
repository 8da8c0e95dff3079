"""Test that workers that differ are rejected."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed")


from napari_dip.cluster import compatibility
from napari_dip.cluster.compatibility import check_workers
from napari_dip.cluster.restoration import restore_on_cluster
from napari_dip.errors import BadSettings, DeviceUnavailable, NapariDipError
from napari_dip.image.problem import make_problem
from napari_dip.image.sink import InMemory
from napari_dip.settings import Settings

QUICK = Settings(
    axes="TYX", iterations=6, stopping="fixed", refinement=0, precision="float32", device="cpu"
)


def test_unequal_workers_are_rejected_at_the_call(client, stack, monkeypatch):
    problem = make_problem(stack, QUICK, None, None, device="cuda:7")
    with pytest.raises(DeviceUnavailable, match=r"the worker tcp.*cuda:7"):
        restore_on_cluster(problem, InMemory(problem), client)
    monkeypatch.setattr(compatibility, "version", lambda package: f"of process {os.getpid()}")
    with pytest.raises(BadSettings, match=r"napari-dip of process .*; install the same"):
        check_workers(client, "cpu")


def test_a_stop_ends_the_wait_for_workers(client, stack, tmp_path):
    problem = make_problem(stack, QUICK, None, None)
    workers = [*client.nthreads()]
    ready = str(tmp_path / "ready")

    def wait_for(path):  # here, so that the workers get it by value
        while not os.path.exists(path):
            time.sleep(0.05)

    loading = [client.submit(wait_for, ready, workers=[one], pure=False) for one in workers]
    # The workers answer after the exception only.
    with pytest.raises(NapariDipError, match="stopped before the workers answered"):
        restore_on_cluster(problem, InMemory(problem), client, stop_requested=lambda: True)
    Path(ready).touch()
    client.gather(loading)
