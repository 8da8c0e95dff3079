"""Test that workers are connected or a clear error is given."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

pytest.importorskip("distributed")

from napari_dip.cli.app import app
from napari_dip.cluster import connect as connecting
from napari_dip.cluster.connect import connect
from napari_dip.files.image_io import read_image

OPTIONS = ("--stopping", "fixed", "--share", "none", "--refinement", "0", "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--workers", 2, "--scheduler", "tcp://a:1"), "--workers and --scheduler name"),
        (("--workers", 0), "--workers 0: give a number from 1 to"),
        (("--scheduler", "127.0.0.1"), "the scheduler 127.0.0.1: this is not the address"),
        (("--workers", 10**6), "--workers 1000000: give a number from 1 to"),
        (("--scheduler", "inproc://x"), "not the address of a scheduler"),
        (("--scheduler", "tls://127.0.0.1:1"), "name the keys of this cluster"),
        (("--slurm", "absent.yaml"), "absent.yaml does not exist"),
        (("--slurm", "bad.yaml"), "bad.yaml is not YAML"),
        (("--slurm", "none.yaml"), "none.yaml: give `jobs: N`"),
        (("--slurm", "jobs.yaml"), 'dask-jobqueue: pip install "napari-dip[slurm]"'),
    ],
)
def test_wrong_worker_options_give_one_line(source, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    (tmp_path / "bad.yaml").write_text("jobs: [")
    (tmp_path / "none.yaml").write_text("queue: gpu")
    (tmp_path / "jobs.yaml").write_text("jobs: 2")
    result = call("denoise", source, tmp_path / "out.tif", *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out.tif").exists()


def test_missing_distributed_names_the_extra(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = call("denoise", source, tmp_path / "out.tif", "--workers", 2)
    assert result.exit_code == 2
    assert 'distributed: pip install "napari-dip[cluster]"' in result.stderr


def test_a_running_cluster_is_used_by_address(client, source, tmp_path):
    address, out = client.scheduler.address, tmp_path / "out.tif"
    options = ("--iterations", 2, "--scheduler", address)
    result = call("denoise", source, out, *OPTIONS, *options)
    assert result.exit_code == 0, result.stderr
    assert "on 2 workers, each on cpu" in result.stderr
    assert read_image(out).image.shape == (5, 24, 24)


@pytest.fixture
def silent_address():
    """Return the address of a server that takes connections, but never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_interrupt_ends_the_wait_for_a_scheduler(silent_address):
    waiting = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    waiting.start()
    with (
        pytest.raises(KeyboardInterrupt),
        connect("cpu", None, silent_address, None, timeout_s=20),
    ):
        pytest.fail("no scheduler answers")
    begun = time.monotonic()
    gc.collect()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("server", ["silent", "none"])
def test_an_unreachable_scheduler_is_told_soon(
    source, tmp_path, silent_address, server, monkeypatch
):
    assert 1 < connecting.ANSWER_S < 10
    monkeypatch.setattr(connecting, "ANSWER_S", 0.5)
    address = silent_address if server == "silent" else "tcp://127.0.0.1:9"
    begun = time.monotonic()
    result = call("denoise", source, tmp_path / "out.tif", "--scheduler", address)
    assert result.exit_code == 2
    assert "no scheduler answers" in result.stderr
    assert time.monotonic() - begun < 20  # dask waits for 60 s or ever
