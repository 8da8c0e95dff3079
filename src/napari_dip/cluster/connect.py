"""Connect to workers: on this machine, of a running scheduler, or as SLURM jobs."""

from __future__ import annotations

import re
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_dip.cluster.pool import WorkerPool, requested_threads, require_package
from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["connect"]

TIMEOUT_S = 60.0  # seconds: how long a scheduler has to have a worker
INTERRUPTIBLE_S = 0.2  # seconds until Ctrl-C has an effect
ANSWER_S = 5.0  # seconds: how long it has to answer; with the start of Python less than 10

_ADDRESS = re.compile(r"((tcp|tls|ucx|ucxx|wss?)://)?([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


@contextmanager
def connect(
    device: str,
    workers: int | None = None,
    scheduler: str | None = None,
    slurm: Path | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Iterator[WorkerPool | None]:
    """Provide workers while the body runs.

    Parameters
    ----------
    device
        Name of a device, or ``"auto"``.
    workers
        Number of processes to start on this machine. With GPUs there is one process for each GPU,
        at most this many.
    scheduler
        Address of a running scheduler, such as ``"tcp://host:8786"``.
    slurm
        YAML file with ``jobs``, their number, and keywords of dask-jobqueue's ``SLURMCluster``.
    timeout_s
        How long, in seconds, a scheduler has to have a worker; to answer it has at most 5 s.
    stop_requested
        If true, the answers of running workers are not waited for.

    Yields
    ------
    WorkerPool or None
        ``None`` if neither workers, a scheduler nor SLURM is given.

    Raises
    ------
    BadSettings, FileProblem
        If more than one is given, or the workers cannot be started or reached.
    NapariDipError
        If a stop is requested.
    """
    options = {"--workers": workers, "--scheduler": scheduler, "--slurm": slurm}
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise BadSettings(f"{' and '.join(given)} name different workers; give one of them")
    if not given:
        yield None
        return
    require_package("distributed", "cluster", given[0])
    if workers is not None:
        from napari_dip.cluster.local_workers import start_local_workers

        with start_local_workers(workers, device) as pool:
            yield pool
    elif scheduler is not None:
        name = f"the scheduler {scheduler}"
        with _join(scheduler, name, device, timeout_s, stop_requested) as pool:
            yield pool
    elif slurm is not None:
        from napari_dip.cluster.slurm import start_slurm_jobs

        with (
            start_slurm_jobs(slurm) as cluster,
            # Without a timeout: the jobs wait in SLURM's queue.
            _join(cluster, f"--slurm {slurm}", device, None, stop_requested) as pool,
        ):
            yield pool


@contextmanager
def _join(
    cluster: Any,
    name: str,
    device: str,
    timeout_s: float | None,
    stop_requested: Callable[[], bool],
) -> Iterator[WorkerPool]:
    """Connect to a cluster or an address, and wait for the first worker."""
    from distributed import Client

    from napari_dip.cluster.compatibility import check_workers

    if isinstance(cluster, str) and not _ADDRESS.fullmatch(cluster):
        raise BadSettings(
            f"{name}: this is not the address of a scheduler; give tcp://HOST:PORT or "
            "tls://HOST:PORT"
        )
    client = None
    try:
        if isinstance(cluster, str) and cluster.startswith(("tls://", "wss://")):
            _check_tls_keys(name)
        if isinstance(cluster, str):
            _wait_for_answer(cluster)
        # Not as the default client: other dask code in this process must not use this cluster.
        client = Client.__new__(Client)
        Client.__init__(client, cluster, timeout=timeout_s or TIMEOUT_S, set_as_default=False)
    except NapariDipError:
        raise
    except KeyboardInterrupt:
        if client is not None:
            client.status = "closed"  # otherwise dask waits for the connection again at exit
        raise
    except Exception as error:
        raise BadSettings(
            f"{name}: no scheduler answers ({shortened(error)}); check the address, and that the "
            "scheduler runs"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout_s)
        except TimeoutError:
            raise BadSettings(
                f"{name}: it has no workers; start some, with `dask worker` on each machine"
            ) from None
        worker = check_workers(client, device, stop_requested)
        yield WorkerPool(client, worker.device, requested_threads() or worker.threads)


def _wait_for_answer(address: str) -> None:
    """Wait for the greeting of a scheduler; dask waits for ever if another server never answers.

    Raises
    ------
    OSError
        If nothing answers within :data:`ANSWER_S`.
    """
    from distributed.comm.addressing import parse_address, parse_host_port

    scheme, location = parse_address(address)
    with socket.create_connection(parse_host_port(location), timeout=ANSWER_S) as connection:
        if scheme == "tcp" and not _first_byte(connection):
            raise ConnectionError("the connection was closed")


def _first_byte(connection: socket.socket) -> bytes:
    """Wait for a byte in short steps, because Ctrl-C may not end a wait of the system."""
    end = time.monotonic() + ANSWER_S
    connection.settimeout(INTERRUPTIBLE_S)
    while True:
        try:
            return connection.recv(1)
        except TimeoutError:
            if time.monotonic() > end:
                raise


def _check_tls_keys(name: str) -> None:
    """Check that dask has TLS keys: without them a client waits for a long time."""
    from distributed.security import Security

    if Security().get_connection_args("client").get("ssl_context") is None:
        raise BadSettings(
            f"{name}: name the keys of this cluster in dask's configuration, under "
            "distributed.comm.tls; see the documentation, page Clusters"
        )
