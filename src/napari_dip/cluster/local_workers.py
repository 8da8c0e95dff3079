"""Start worker processes on this machine that no other user can reach."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_dip.cluster.pool import WorkerPool, requested_threads, require_package, temporary_keys
from napari_dip.errors import BadSettings
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["start_local_workers"]

MAX_WORKERS = 16  # processes: allowed on any machine
MAX_WORKERS_PER_CORE = 4  # processes: allowed on machines with many cores

_WORKER_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"


@contextmanager
def start_local_workers(count: int, device: str) -> Iterator[WorkerPool]:
    """Run worker processes on this machine while the body runs.

    They listen on the loopback interface, which every user of the machine can reach, and run any
    code they receive. TLS with a key of this run excludes all others.

    Parameters
    ----------
    count
        Number of processes. With GPUs there is one process for each GPU, at most this many.
    device
        Name of a device, or ``"auto"``.

    Raises
    ------
    BadSettings
        If the count is out of range, the device has a number, or a package is missing.
    """
    import dask
    from distributed import Client, LocalCluster

    from napari_dip.cluster.worker_job import IgnoreInterrupt
    from napari_dip.compute.device import choose_device, cpu_threads, devices

    most = max(MAX_WORKERS, MAX_WORKERS_PER_CORE * (os.cpu_count() or 1))
    if not 1 <= count <= most:
        raise BadSettings(
            f"--workers {shortened(count, 20)}: give a number from 1 to {most}; this machine has "
            f"{os.cpu_count()} cores"
        )
    # The dashboard is not used; its default port, 8787, may belong to another cluster.
    loopback: dict[str, Any] = {
        "host": "127.0.0.1",
        "threads_per_worker": 1,
        "dashboard_address": None,
        "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
        "protocol": "tls://",
        "security": temporary_keys("--workers"),
    }
    requested, before = requested_threads(), dict(os.environ)
    gpus = sum(found.name.startswith("cuda") for found in devices())
    notes: tuple[str, ...] = ()
    if gpus and device != "cpu":
        if device not in ("auto", "cuda"):
            raise BadSettings(
                f"--workers with --device {device}: give --device cuda, for one worker on each GPU"
            )
        cuda = require_package("dask_cuda", "gpu", f"--workers on {gpus} GPUs", "or --device cpu")
        if count > gpus:
            notes = (f"There are {gpus} GPUs, so there are {gpus} workers.",)
        cluster = cuda.LocalCUDACluster(n_workers=min(count, gpus), **loopback)
        chosen = "cuda:0"  # dask-cuda makes each worker's own GPU its first
    else:
        chosen = "cpu" if device == "auto" else str(choose_device(device))
        # dask sets this variable so that workers return memory immediately. torch takes it again in
        # every iteration, which then takes 1.5 times as long.
        with dask.config.set({f"{_WORKER_ENVIRONMENT}.MALLOC_TRIM_THRESHOLD_": None}):
            cluster = LocalCluster(n_workers=count, **loopback)
    threads = requested or max(1, cpu_threads() // count)
    # dask sets a worker's variables in this process before it starts the worker, and leaves them.
    changed = [name for name, value in os.environ.items() if before.get(name) != value]
    _restore_environment(changed, before)
    try:
        with cluster, Client(cluster, set_as_default=False) as client:
            # Ctrl-C in a terminal reaches the workers too; this process decides what it means.
            client.register_plugin(IgnoreInterrupt())
            yield WorkerPool(client, chosen, threads, notes)
    finally:
        _restore_environment(changed, before)  # dask may have restarted workers


def _restore_environment(names: list[str], before: Mapping[str, str]) -> None:
    """Set environment variables to their values before the run."""
    for name in names:
        os.environ.pop(name, None)
    os.environ.update({name: before[name] for name in names if name in before})
