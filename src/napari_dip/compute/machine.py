"""Describe what decides the last bits of a result: device, instructions, threads and libraries."""

from __future__ import annotations

import platform
from typing import Any

import torch

from napari_dip.compute.device import cpu_threads

__all__ = ["machine_record"]


def machine_record(device: str, threads: int | None = None) -> dict[str, Any]:
    """Return what decides the last bits of a result on this machine, as JSON values.

    Parameters
    ----------
    device
        Name of the device that computes.
    threads
        Threads of the CPU; ``None`` for those of this process.

    Returns
    -------
    dict
        ``processor`` is the instruction set that torch uses, such as ``"AVX512"``; ``gpu`` the name
        of the graphics card and ``cuda`` the version of CUDA, ``None`` for a CPU.

    Examples
    --------
    >>> sorted(machine_record("cpu"))
    ['cuda', 'gpu', 'processor', 'system', 'threads']
    """
    kind = torch.device(device).type
    with_cuda = kind == "cuda" and torch.cuda.is_available()
    names = {"cuda": torch.cuda.get_device_name(device) if with_cuda else None, "mps": "Apple GPU"}
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": threads or cpu_threads(),
        "gpu": names.get(kind),
        "cuda": torch.version.cuda if with_cuda else None,
    }
