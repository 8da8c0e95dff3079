"""List and choose devices, set their threads and modes, and translate their errors."""

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
    """A device, as :func:`devices` lists it; memory in bytes, ``None`` if unknown."""

    name: str
    description: str
    memory_bytes: int | None
    free_bytes: int | None


def devices() -> list[Device]:
    """List the devices of this machine; the first is the one of ``"auto"``, the last is the CPU.

    Examples
    --------
    >>> devices()[-1].name
    'cpu'
    """
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
    """Return the free and total memory of a GPU; ``None`` if another program holds it."""
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
    """Return the device of a name.

    Parameters
    ----------
    name
        ``"auto"`` (the first GPU, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.

    Raises
    ------
    DeviceUnavailable
        If this machine or this build of torch does not have the device.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
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
    """Return the free memory of a device in bytes; ``None`` if it is unknown.

    Examples
    --------
    >>> free_bytes("cpu") > 0
    True
    """
    return next((device.free_bytes for device in devices() if device.name == name), None)


def used_bytes(name: str) -> int:
    """Return the memory of this process in bytes; on a GPU, the memory that torch has reserved.

    Examples
    --------
    >>> used_bytes("cpu") > 0
    True
    """
    kind = torch.device(name).type
    if kind == "cuda":
        return torch.cuda.memory_reserved(name)
    if kind == "mps":
        return torch.mps.driver_allocated_memory()
    return int(psutil.Process().memory_info().rss)


def cpu_threads() -> int:
    """Return how many threads compute on the CPU; the last bits of a result depend on it.

    Examples
    --------
    >>> cpu_threads() >= 1
    True
    """
    return torch.get_num_threads()


def set_cpu_threads(threads: int) -> None:
    """Set how many threads compute on the CPU; this overrides the environment.

    Examples
    --------
    >>> set_cpu_threads(cpu_threads())
    """
    torch.set_num_threads(threads)


def set_thread_share(own: int, others: int) -> None:
    """Set how many threads compute for this thread, and for all other threads.

    The first time that a thread asks torch for the number, it gets the last one set in any thread.
    So ``others`` is set last, in a thread of its own.
    """
    cpu_threads()  # the first time, so that the setting in the other thread does not apply here
    set_cpu_threads(own)
    other = threading.Thread(target=set_cpu_threads, args=(others,))
    other.start()
    other.join()


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished all its work.

    Examples
    --------
    >>> synchronise(torch.device("cpu"))  # returns at once
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def default_modes() -> Iterator[None]:
    """Compute in torch's default modes, and restore the modes of the calling thread after.

    A caller may be inside ``torch.no_grad()``, ``torch.inference_mode()``, ``torch.autocast()`` or
    ``with torch.device(...)``, which apply to its thread. The default dtype applies to the whole
    process: it is not changed, and the package always gives a dtype.

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
    """Return memory to the device that torch has cached and nothing uses."""
    kind = torch.device(name).type
    if kind == "cuda":
        torch.cuda.empty_cache()
    elif kind == "mps":
        torch.mps.empty_cache()


@contextmanager
def torch_errors(device: torch.device) -> Iterator[None]:
    """Translate torch's errors into those of this package, which name the cure.

    superqt's generator workers hide a ``RuntimeError``, and nearly all errors of torch are one.

    Examples
    --------
    >>> with torch_errors(torch.device("cpu")):
    ...     raise RuntimeError("can't allocate memory")
    Traceback (most recent call last):
        ...
    napari_dip.errors.OutOfMemory: cpu has too little free memory for this image; ...
    """
    try:
        yield
    except NapariDipError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(device) from error
    except RuntimeError as error:
        # The allocators of the CPU and of MPS have no error class.
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
