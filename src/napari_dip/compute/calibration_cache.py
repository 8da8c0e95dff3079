"""Cache measurements of this machine in the user's cache folder."""

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

LOAD_SAMPLE_S = 0.2
"""Seconds over which the load of other programs is measured. Not measured."""

MAX_OTHER_CORES = 0.5
"""Cores used by other programs: with more, a measurement is repeated later. Not measured."""

T = TypeVar("T")

Record = dict[str, Any]

_measured_while_busy: dict[str, Record] = {}
"""Records of a busy machine that this process uses; to ask for the load takes a fifth of a second
each time, so it neither asks nor measures again."""


def describe_machine(device: torch.device) -> str:
    """Name what a measurement depends on: the device, its instructions, threads, and torch.

    Examples
    --------
    >>> describe_machine(torch.device("cpu"))
    'cpu ..., ... threads, torch ...'
    """
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return f"{device.type} {capability}, {threads} threads, torch {torch.__version__}"


def cached_measurement(
    key: str,
    device: torch.device,
    measure: Callable[[Record, bool], Record],
    parse: Callable[[Record], T],
) -> tuple[T, bool]:
    """Return a measurement from the cache, or measure and store it.

    A measurement on a busy machine is used until a process finds the machine idle.

    Parameters
    ----------
    key
        Name of the measurement and of all that it depends on.
    device
        Device of the measurement; only on a CPU the load of other programs is considered.
    measure
        Returns a new record, which must be valid JSON. Its arguments are the record of a busy
        machine, or an empty one, and whether the machine is busy now. Then it should compute with
        one thread: several threads wait for each other and for the other programs, which no clock
        of a thread leaves out.
    parse
        Returns the result of a record. A ``LookupError``, ``TypeError`` or ``ValueError`` means
        that the record is damaged or of another version; then it is measured again.

    Returns
    -------
    T, bool
        The result, and whether it is from the cache.
    """
    if key in _measured_while_busy:
        return parse(_measured_while_busy[key]), True
    earlier: Record = {}
    try:
        stored = _read_cache()[key]
        found = parse(stored)
        if not stored.get("busy", False):
            return found, True
        earlier = stored
    except (LookupError, TypeError, ValueError, AttributeError):
        pass  # not measured yet
    busy = device.type == "cpu" and _is_busy()
    if busy and earlier:
        _measured_while_busy[key] = earlier
        return parse(earlier), True
    record = measure(earlier, busy) | {"busy": busy}
    _write_cache(_read_cache() | {key: record})
    if busy:
        _measured_while_busy[key] = record
    return parse(record), False


def _is_busy() -> bool:
    """Return whether other programs use cores, which would delay a measurement."""
    this = psutil.Process()
    this.cpu_percent()
    everything = psutil.cpu_percent(interval=LOAD_SAMPLE_S) * (psutil.cpu_count() or 1)
    others: float = (everything - this.cpu_percent()) / 100
    return others > MAX_OTHER_CORES


def _cache_file() -> Path:
    return user_cache_path("napari-dip", appauthor=False) / "calibration.json"


def _read_cache() -> Record:
    try:
        found = json.loads(_cache_file().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_cache(content: Record) -> None:
    """Store the measurements if possible; otherwise each process measures again."""
    try:
        _cache_file().parent.mkdir(parents=True, exist_ok=True)
        _cache_file().write_text(json.dumps(content, indent=2))
    except OSError:
        return
