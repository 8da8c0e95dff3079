"""Devices: which there are, which was asked for, and what to say when one fails."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch

from napari_dip.compute.openmp import unset_openmp_variables
from napari_dip.errors import DeviceFailed, DeviceUnavailable, NapariDipError, OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

unset_openmp_variables()

__all__ = [
    "Device",
    "choose_device",
    "cpu_threads",
    "default_modes",
    "devices",
    "free_bytes",
    "release_memory",
    "set_cpu_threads",
    "set_thread_share",
    "synchronise",
    "torch_errors",
    "used_bytes",
]


@dataclass(frozen=True)
class Device:
    """A place to compute, as :func:`devices` lists it; memory in bytes, None if not known."""

    name: str
    description: str
    memory_bytes: int | None
    free_bytes: int | None


def devices() -> list[Device]:
    """List the devices of this machine, the one that ``"auto"`` takes first."""
    found = []
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = _cuda_memory(number)
        name = torch.cuda.get_device_name(number)
        found.append(Device(f"cuda:{number}", name, total, free))
    if torch.backends.mps.is_available():
        limit = torch.mps.recommended_max_memory()
        free = limit - torch.mps.driver_allocated_memory()
        found.append(Device("mps", "Apple GPU", limit, free))
    return [*found, _cpu()]


def _cuda_memory(number: int) -> tuple[int, int] | tuple[None, None]:
    """Ask a GPU; one that another program keeps for itself keeps no other device from work."""
    try:
        return torch.cuda.mem_get_info(number)
    except RuntimeError:
        return None, None


def _cpu() -> Device:
    memory = psutil.virtual_memory()
    return Device(
        "cpu",
        f"{cpu_threads()} threads of {os.cpu_count()} cores",
        memory.total,
        memory.available,
    )


def choose_device(name: str) -> torch.device:
    """Find the device of that name.

    Parameters
    ----------
    name
        ``"auto"`` (the first GPU, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.

    Raises
    ------
    DeviceUnavailable
        If this machine, or this build of torch, does not have it.
    """
    names = [device.name for device in devices()]
    if name == "auto":
        return torch.device(names[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in names:
        raise DeviceUnavailable(
            f"device={name!r} is not available here; choose one of {', '.join(names)}, or 'auto'"
        )
    return torch.device(wanted)


def free_bytes(name: str) -> int | None:
    """Tell how much memory of a device is free; ``None`` if that is not known here."""
    return next((device.free_bytes for device in devices() if device.name == name), None)


def used_bytes(name: str) -> int:
    """Tell how much memory this process takes, on a GPU what torch holds of it."""
    kind = torch.device(name).type
    if kind == "cuda":
        return torch.cuda.memory_reserved(name)
    if kind == "mps":
        return torch.mps.driver_allocated_memory()
    return int(psutil.Process().memory_info().rss)


def cpu_threads() -> int:
    """Tell how many threads compute on the CPU: the last bits of a sum depend on it."""
    return torch.get_num_threads()


def set_cpu_threads(threads: int) -> None:
    """Compute on the CPU with so many threads, whatever the environment says."""
    torch.set_num_threads(threads)


def set_thread_share(own: int, others: int) -> None:
    """Compute on the CPU with so many threads in this thread alone, and with ``others`` elsewhere.

    torch gives a thread what was last said in any, when that is first asked for a number.
    """
    cpu_threads()  # asked now, lest what is said elsewhere overrules this
    set_cpu_threads(own)
    elsewhere = threading.Thread(target=set_cpu_threads, args=(others,))
    elsewhere.start()
    elsewhere.join()


def synchronise(device: torch.device) -> None:
    """Wait until a device has done all work that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def default_modes() -> Iterator[None]:
    """Compute in torch's default modes, whatever modes the calling thread has set.

    A caller may be inside ``torch.no_grad()``, ``torch.inference_mode()``, ``torch.autocast()`` or
    ``with torch.device(...)``. All of these belong to a thread, and the caller's are put back. The
    default dtype belongs to the whole process: it is not changed, and tensors are made with a
    dtype.

    Examples
    --------
    >>> with torch.no_grad(), default_modes():
    ...     torch.is_grad_enabled()
    True
    """
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(kind):
                modes.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            modes.enter_context(torch.device("cpu"))
        yield


def release_memory(name: str) -> None:
    """Give back to the device what torch keeps for later and nothing uses any more."""
    kind = torch.device(name).type
    if kind == "cuda":
        torch.cuda.empty_cache()
    elif kind == "mps":
        torch.mps.empty_cache()


@contextmanager
def torch_errors(device: torch.device) -> Iterator[None]:
    """Turn whatever torch raises into an own error that names the cure.

    superqt's generator workers swallow RuntimeError, and torch raises little else.
    """
    try:
        yield
    except NapariDipError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(device) from error
    except RuntimeError as error:
        # The CPU's allocator and MPS have no error class of their own.
        if "memory" in str(error) and ("alloc" in str(error) or "out of" in str(error)):
            raise _out_of_memory(device) from error
        raise DeviceFailed(
            f"{device} failed: {_first_line(error)}; "
            "try again, or choose another device ('cpu' always works)"
        ) from error


def _first_line(error: RuntimeError) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _out_of_memory(device: torch.device) -> OutOfMemory:
    return OutOfMemory(
        f"{device} has too little free memory for this image; crop it, close other programs, "
        "choose preset='fast', or another device"
    )
