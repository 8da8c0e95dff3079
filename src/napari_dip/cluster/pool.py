"""Describe the workers that a run uses, and load the packages that they need."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["WorkerPool", "requested_threads", "require_package", "temporary_keys"]


@dataclass(frozen=True)
class WorkerPool:
    """Workers that are ready.

    Parameters
    ----------
    client
        Client of their cluster.
    device
        The device of each worker.
    threads
        CPU threads of each worker.
    notes
        Messages for the user, in whole sentences.
    """

    client: Client
    device: str
    threads: int
    notes: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether the scheduler answers and has a worker."""
        try:
            return self.client.status == "running" and bool(self.client.nthreads())
        except OSError:
            return False

    def __str__(self) -> str:
        count = len(self.client.nthreads())
        computing = (
            f"{self.device}, threads: {self.threads}" if self.device == "cpu" else self.device
        )
        return f"{count} worker{'s' * (count != 1)}, each on {computing}"


def require_package(module: str, extra: str, option: str, alternative: str = "") -> Any:
    """Import an optional package.

    Raises
    ------
    BadSettings
        If it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        cure = f'pip install "napari-dip[{extra}]"' + (f", {alternative}" if alternative else "")
        raise BadSettings(f"{option} needs {module.replace('_', '-')}: {cure}") from None


def temporary_keys(option: str) -> Any:
    """Make TLS keys and certificates for this run; nobody else has them."""
    from distributed.security import Security

    require_package("cryptography", "cluster", option)
    return Security.temporary()


def requested_threads() -> int | None:
    """Read the number of threads from ``OMP_NUM_THREADS``, as a run without workers does."""
    value = os.environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdecimal() and int(value) else None
