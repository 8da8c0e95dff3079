"""Where the workers come from: started on this machine, there already, or asked of SLURM."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings, FileProblem, NapariDipError
from napari_dip.files.read_errors import read_small
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from distributed import Client

__all__ = ["Crew", "hire"]

_PATIENCE_S = 60.0

_MOST_WORKERS = 16
"""That may be asked for on any machine; on one of many cores four for each."""

_MOST_JOBS = 10_000

_ADDRESS = re.compile(r"((tcp|tls|ucx|ucxx|wss?)://)?([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")

_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"


@dataclass(frozen=True)
class Crew:
    """Workers that are there.

    Parameters
    ----------
    client
        Of their cluster.
    device
        On which each of them computes.
    threads
        With which each of them computes, if that is the CPU.
    notes
        What the user should know, in whole sentences.
    """

    client: Client
    device: str
    threads: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        count = len(self.client.nthreads())
        computing = (
            f"{self.device}, threads: {self.threads}" if self.device == "cpu" else self.device
        )
        return f"{count} worker{'s' * (count != 1)}, each on {computing}"


@contextmanager
def hire(
    device: str,
    workers: int | None = None,
    scheduler: str | None = None,
    slurm: Path | None = None,
    *,
    patience_s: float = _PATIENCE_S,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Iterator[Crew | None]:
    """Have workers as long as the body runs; none, where none were asked for.

    Parameters
    ----------
    device
        That was asked for, or ``"auto"``.
    workers
        How many to start here: on GPUs one for each, at most.
    scheduler
        Address of a cluster that is there, such as ``"tcp://host:8786"``.
    slurm
        A file of YAML with the keywords of dask-jobqueue's ``SLURMCluster``, and ``jobs``, how many
        there shall be.
    patience_s
        How long a scheduler has to answer, and to have a worker.
    stop_requested
        Once true, no answer of workers that are there already is waited for any more.

    Raises
    ------
    BadSettings, FileProblem
        If more than one is asked for, or one cannot be had.
    NapariDipError
        If a stop is requested.
    """
    given = {"--workers": workers, "--scheduler": scheduler, "--slurm": slurm}
    asked = [name for name, value in given.items() if value is not None]
    if len(asked) > 1:
        raise BadSettings(f"{' and '.join(asked)} name different workers; give one of them")
    if not asked:
        yield None
        return
    _needed("distributed", "cluster", asked[0])
    if workers is not None:
        with _local(workers, device) as crew:
            yield crew
    elif scheduler is not None:
        name = f"the scheduler {scheduler}"
        with _connected(scheduler, name, device, patience_s, stop_requested) as crew:
            yield crew
    elif slurm is not None:
        keywords, jobs = _read_slurm(slurm)
        jobqueue = _needed("dask_jobqueue", "slurm", "--slurm")
        with _slurm_cluster(jobqueue, slurm, keywords) as cluster:
            cluster.scale(jobs=jobs)
            # No patience: they wait in SLURM's queue.
            with _connected(cluster, f"--slurm {slurm}", device, None, stop_requested) as crew:
                yield crew


@contextmanager
def _local(count: int, device: str) -> Iterator[Crew]:
    """Start processes on this machine that no other user can talk to.

    They listen on the loopback interface, which every user of the machine can reach, and run what
    they are told: TLS with a key of this run alone keeps all others out.
    """
    import dask
    from distributed import Client, LocalCluster

    from napari_dip.cluster.worker import Deaf
    from napari_dip.compute.device import choose_device, cpu_threads, devices

    most = max(_MOST_WORKERS, 4 * (os.cpu_count() or 1))
    if not 1 <= count <= most:
        raise BadSettings(
            f"--workers {shortened(count, 20)}: give 1 or more, and no more than {most} here; "
            f"this machine has {os.cpu_count()} cores"
        )
    # The port of the dashboard, which is not shown, is any: 8787 may be another cluster's.
    loopback: dict[str, Any] = {
        "host": "127.0.0.1",
        "threads_per_worker": 1,
        "dashboard_address": None,
        "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
        "protocol": "tls://",
        "security": _own_security("--workers"),
    }
    told, before = _told_threads(), dict(os.environ)
    gpus = sum(found.name.startswith("cuda") for found in devices())
    notes: tuple[str, ...] = ()
    if gpus and device != "cpu":
        if device not in ("auto", "cuda"):
            raise BadSettings(f"--workers with --device {device}: say cuda, for one worker a GPU")
        cuda = _needed("dask_cuda", "gpu", f"--workers on {gpus} GPUs", "or choose --device cpu")
        if count > gpus:
            notes = (f"There are {gpus} GPUs, so there are {gpus} workers.",)
        cluster = cuda.LocalCUDACluster(n_workers=min(count, gpus), **loopback)
        chosen = "cuda:0"  # dask-cuda shows each worker its own GPU first
    else:
        chosen = "cpu" if device == "auto" else str(choose_device(device))
        # dask has workers give memory back at once, by this variable; torch takes it again in
        # every iteration, and needs half as much time again.
        with dask.config.set({f"{_ENVIRONMENT}.MALLOC_TRIM_THRESHOLD_": None}):
            cluster = LocalCluster(n_workers=count, **loopback)
    shared = max(1, cpu_threads() // count)
    # dask puts the environment of a worker into this process before it starts one, and leaves it.
    theirs = [name for name, value in os.environ.items() if before.get(name) != value]
    _put_back(theirs, before)
    try:
        with cluster, Client(cluster, set_as_default=False) as client:
            # Ctrl-C in a terminal reaches them too; this process tells them what it means.
            client.register_plugin(Deaf())
            yield Crew(client, chosen, told or shared, notes)
    finally:
        _put_back(theirs, before)  # again, for workers that were started anew


def _put_back(names: list[str], before: Mapping[str, str]) -> None:
    """Give variables of the environment the values that they had."""
    for name in names:
        os.environ.pop(name, None)
    os.environ.update({name: before[name] for name in names if name in before})


def _own_security(what: str) -> Any:
    """Make keys and certificates for this run; whoever lacks them is not listened to."""
    from distributed.security import Security

    _needed("cryptography", "cluster", what)
    return Security.temporary()


def _slurm_cluster(jobqueue: Any, path: Path, keywords: dict[str, Any]) -> Any:
    """Ask for a cluster of jobs that talk to this process alone, unless the file says otherwise."""
    import dask

    if keywords.setdefault("security", True) is False:
        del keywords["security"]
    elif keywords["security"] is True:
        keywords["security"] = _own_security("--slurm")
        if dask.config.get("jobqueue.slurm.shared-temp-directory", None) is None:
            # The jobs read their keys there; only their user may.
            keywords.setdefault("shared_temp_directory", str(path.home()))
    try:
        return jobqueue.SLURMCluster(**keywords)
    except Exception as error:
        raise BadSettings(
            f"{path}: SLURMCluster refuses it ({type(error).__name__}: {shortened(error)}); "
            "check its keywords"
        ) from error


@contextmanager
def _connected(
    cluster: Any,
    name: str,
    device: str,
    patience_s: float | None,
    stop_requested: Callable[[], bool],
) -> Iterator[Crew]:
    """Join a cluster, and wait for its first worker."""
    from distributed import Client

    from napari_dip.cluster.run import common_bench

    if isinstance(cluster, str) and not _ADDRESS.fullmatch(cluster):
        raise BadSettings(
            f"{name}: this is no address of a scheduler; give tcp://HOST:PORT, or tls://HOST:PORT"
        )
    try:
        if isinstance(cluster, str) and cluster.startswith(("tls://", "wss://")):
            _need_keys(name)
        # Not as the default: whoever computes with dask in this process goes on to do it here.
        client = Client.__new__(Client)
        Client.__init__(client, cluster, timeout=patience_s or _PATIENCE_S, set_as_default=False)
    except NapariDipError:
        raise
    except KeyboardInterrupt:
        client.status = "closed"  # or dask waits twice as long, at the end, for what never began
        raise
    except Exception as error:
        raise BadSettings(
            f"{name}: no scheduler answers there ({shortened(error)}); check the address, and that "
            "it runs"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=patience_s)
        except TimeoutError:
            raise BadSettings(
                f"{name}: it has no workers; start some, with `dask worker` on each machine"
            ) from None
        bench = common_bench(client, device, stop_requested)
        yield Crew(client, bench.device, _told_threads() or bench.threads)


def _need_keys(name: str) -> None:
    """Make sure that dask has keys: a client without them is long in giving up."""
    from distributed.security import Security

    if Security().get_connection_args("client").get("ssl_context") is None:
        raise BadSettings(
            f"{name}: name the keys of this cluster in dask's configuration, under "
            "distributed.comm.tls; see the page on clusters"
        )


def _told_threads() -> int | None:
    """Read how many threads the environment asks for; the same as a run without workers does."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else None


def _read_slurm(path: Path) -> tuple[dict[str, Any], int]:
    """Read what SLURM is to be asked for."""
    import yaml

    try:
        said = yaml.safe_load(read_small(path))
    except NapariDipError:
        raise
    except Exception as error:  # of YAML, and what it makes of dates, numbers and depth
        raise FileProblem(f"{path} is no YAML ({shortened(error)}); check its lines") from error
    jobs = said.pop("jobs", None) if isinstance(said, dict) else None
    if not isinstance(jobs, int) or isinstance(jobs, bool) or not 1 <= jobs <= _MOST_JOBS:
        raise BadSettings(
            f"{path}: give `jobs: N`, how many there shall be, from 1 to {_MOST_JOBS}, beside the "
            "keywords of SLURMCluster"
        )
    return said, jobs


def _needed(module: str, extra: str, what: str, otherwise: str = "") -> Any:
    """Load a package that only some need."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        cure = f'pip install "napari-dip[{extra}]"' + (f", {otherwise}" if otherwise else "")
        raise BadSettings(f"{what} needs {module.replace('_', '-')}: {cure}") from None
