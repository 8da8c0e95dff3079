"""Check that all workers have the same device and the same versions as this process."""

from __future__ import annotations

import threading
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from napari_dip.cluster.worker_job import WorkerInfo, worker_info
from napari_dip.errors import BadSettings, DeviceUnavailable, NapariDipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

__all__ = ["call_worker", "check_workers"]

T = TypeVar("T")

POLL_S = 0.2  # seconds: a new worker loads torch for longer; the stop request is checked meanwhile


def check_workers(
    client: Client, device: str, stop_requested: Callable[[], bool] = lambda: False
) -> WorkerInfo:
    """Check that all workers have the same device and versions.

    Parameters
    ----------
    client
        Client of the cluster.
    device
        Name of a device, or ``"auto"``.
    stop_requested
        If true, the check ends without waiting for more answers.

    Returns
    -------
    WorkerInfo
        The worker with the fewest threads.

    Raises
    ------
    BadSettings, DeviceUnavailable
        If there is no worker, or if devices or versions differ.
    NapariDipError
        If a stop is requested.
    """
    addresses = sorted(client.nthreads())
    if not addresses:
        raise BadSettings("the cluster has no workers; start some, for example with `dask worker`")
    calls = {
        address: partial(call_worker, client, address, stop_requested) for address in addresses
    }
    for address, call in calls.items():
        _check_versions(call, address)
    workers = [call(worker_info, device) for call in calls.values()]
    first = workers[0]
    for worker in workers:
        if worker.device != first.device:
            raise DeviceUnavailable(
                f"the workers have different devices: {worker.address} has {worker.device}, "
                f"{first.address} has {first.device}; choose one with --device"
            )
    return min(workers, key=lambda worker: worker.threads)


def _check_versions(call: Callable[..., str], address: str) -> None:
    """Check the versions that decide what a worker computes."""
    for package in ("napari-dip", "torch"):
        try:
            # A function of the standard library: the worker may lack this package.
            found = call(version, package)
        except ImportError:
            found = "none"
        if found != version(package):
            raise BadSettings(
                f"the worker {address} has {package} {found}, this process has "
                f"{version(package)}; install the same version everywhere"
            )


def call_worker(
    client: Client,
    address: str,
    stop_requested: Callable[[], bool],
    function: Callable[..., T],
    *args: Any,
) -> T:
    """Call a function on one worker, and wait for its answer."""
    future = client.submit(function, *args, workers=[address], pure=False)
    # Not future.result(timeout=...): an answer at the very end of the timeout is lost, with an
    # UnboundLocalError in distributed 2026.
    answered = threading.Event()
    future.add_done_callback(lambda _: answered.set())
    while not answered.wait(POLL_S):
        if stop_requested():
            raise NapariDipError("stopped before the workers answered")
    try:
        answer: T = future.result()
    except NapariDipError as error:
        raise type(error)(f"the worker {address}: {error}") from None
    return answer
