"""Test that local workers serve one run only."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

pytest.importorskip("distributed")

from distributed import Client
from distributed.security import Security

from napari_dip.cli.app import app
from napari_dip.cluster.connect import connect
from napari_dip.errors import BadSettings


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_only_the_own_client_can_connect(monkeypatch):
    """Other users of the machine can reach the port, but they have no key."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("napari_dip.compute.device.cpu_threads", lambda: 6)
    before = dict(os.environ)
    with connect("cpu", workers=1) as pool:
        assert pool.threads == 6
        assert dict(os.environ) == before
        address = pool.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        (worker,) = pool.client.nthreads()
        assert worker.startswith("tls://127.0.0.1:")
        options = {"timeout": 1, "set_as_default": False}
        with pytest.raises(OSError):
            Client(address.replace("tls", "tcp"), **options)
        with pytest.raises(OSError):
            Client(address, security=Security.temporary(), **options)
        with Client(address, security=pool.client.security, **options) as friend:
            assert friend.submit(abs, -1).result() == 1
    assert dict(os.environ) == before


def test_missing_cryptography_names_the_extra(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    result = call("denoise", source, tmp_path / "out.tif", "--workers", 2)
    assert result.exit_code == 2
    assert 'cryptography: pip install "napari-dip[cluster]"' in result.stderr


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_each_gpu_has_one_worker(fake_cluster, monkeypatch, device):
    gpus = [SimpleNamespace(name=f"cuda:{number}") for number in range(2)]
    monkeypatch.setattr("napari_dip.compute.device.devices", lambda: gpus)
    monkeypatch.setitem(sys.modules, "dask_cuda", None)
    with (
        pytest.raises(BadSettings, match=r"dask-cuda: pip install .*\[gpu\].*--device cpu"),
        connect(device, workers=4),
    ):
        pass
    cuda = SimpleNamespace(LocalCUDACluster=fake_cluster)
    monkeypatch.setitem(sys.modules, "dask_cuda", cuda)
    with connect(device, workers=4) as pool:
        assert pool.device == "cuda:0"
        assert pool.notes == ("There are 2 GPUs, so there are 2 workers.",)
    assert fake_cluster.calls[0]["n_workers"] == 2
    assert fake_cluster.calls[0]["host"] == "127.0.0.1"
    with pytest.raises(BadSettings, match="give --device cuda"), connect("cuda:1", workers=2):
        pass
