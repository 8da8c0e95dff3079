"""Test that a YAML file describes SLURM jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("distributed")

from napari_dip.cluster.connect import connect
from napari_dip.errors import BadSettings


def test_slurm_file_sets_keywords_and_jobs(fake_cluster, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=fake_cluster))
    (tmp_path / "jobs.yaml").write_text("jobs: 3\nqueue: gpu\ncores: 4\n")
    with connect("cpu", slurm=tmp_path / "jobs.yaml") as pool:
        assert str(pool) == "2 workers, each on cpu, threads: 1"
    security = fake_cluster.calls[0].pop("security")
    assert security.require_encryption
    assert fake_cluster.calls[0].pop("shared_temp_directory") == str(Path.home())
    assert fake_cluster.calls == [{"queue": "gpu", "cores": 4}, {"jobs": 3}]
    (tmp_path / "jobs.yaml").write_text("jobs: 3\nsecurity: false\n")
    with connect("cpu", slurm=tmp_path / "jobs.yaml"):
        assert fake_cluster.calls[2] == {}


def test_unknown_slurm_keywords_are_reported(tmp_path, monkeypatch):
    def refuse(**keywords):
        raise TypeError("unexpected keyword argument 'qeue'")

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=refuse))
    (tmp_path / "jobs.yaml").write_text("jobs: 3\nqeue: gpu\n")
    with (
        pytest.raises(BadSettings, match=r"jobs\.yaml.*qeue"),
        connect("cpu", slurm=tmp_path / "jobs.yaml"),
    ):
        pass
