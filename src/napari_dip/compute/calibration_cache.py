"""Measurements of this machine, kept in the user's cache folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
import torch
from platformdirs import user_cache_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["cached_measurement", "describe_machine"]

_LOOK_S = 0.2
"""Seconds for which the load of other programs is observed."""

_OTHERS = 0.5
"""Cores that other programs use, from which on a measurement is repeated when they have ended."""

T = TypeVar("T")

Record = dict[str, Any]

_while_busy: dict[str, Record] = {}
"""Measurements of this process on a busy machine: one is enough for a process."""


def describe_machine(device: torch.device) -> str:
    """Name what a measurement depends on: the device, its instructions, threads, and torch."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return f"{device.type} {capability}, {threads} threads, torch {torch.__version__}"


def cached_measurement(
    key: str,
    device: torch.device,
    measure: Callable[[Record], Record],
    parse: Callable[[Record], T],
) -> tuple[T, bool]:
    """Return a measurement from the cache, or take it and store it there.

    A measurement on a busy machine is used until a process finds the machine quiet.

    Parameters
    ----------
    key
        Names the measurement and all that it depends on.
    device
        Only a CPU is shared with other programs.
    measure
        Takes the measurement; called with the record of a busy machine, or with an empty one.
        The record must be valid JSON.
    parse
        Makes the result from a record; any ``LookupError``, ``TypeError`` or ``ValueError`` means
        that the record is damaged or of another version, and it is measured again.

    Returns
    -------
    T, bool
        The result, and whether it came from the cache.
    """
    if key in _while_busy:
        return parse(_while_busy[key]), True
    earlier: Record = {}
    try:
        stored = _read_cache()[key]
        found = parse(stored)
        if not stored.get("busy", False):
            return found, True
        earlier = stored
    except (LookupError, TypeError, ValueError, AttributeError):
        pass  # not measured yet
    busy = device.type == "cpu" and _others_compute()
    if busy and earlier:
        return parse(earlier), True
    record = measure(earlier) | {"busy": busy}
    _write_cache(_read_cache() | {key: record})
    if busy:
        _while_busy[key] = record
    return parse(record), False


def _others_compute() -> bool:
    """Return whether other programs use a core, which would delay the threads of a measurement."""
    this = psutil.Process()
    this.cpu_percent()
    everything = psutil.cpu_percent(interval=_LOOK_S) * (psutil.cpu_count() or 1)
    others: float = (everything - this.cpu_percent()) / 100
    return others > _OTHERS


def _cache_file() -> Path:
    return user_cache_path("napari-dip", appauthor=False) / "calibration.json"


def _read_cache() -> Record:
    try:
        found = json.loads(_cache_file().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_cache(content: Record) -> None:
    """Store the measurements where that is possible; without them each process measures again."""
    try:
        _cache_file().parent.mkdir(parents=True, exist_ok=True)
        _cache_file().write_text(json.dumps(content, indent=2))
    except OSError:
        return
