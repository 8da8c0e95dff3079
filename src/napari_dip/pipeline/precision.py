"""Measure once which precision and memory format are fastest on a device."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch

from napari_dip.compute.calibration_cache import cached_measurement, describe_machine
from napari_dip.compute.cuda_graph import WARM_UP_CALLS, GraphRunner
from napari_dip.compute.device import (
    cpu_threads,
    default_modes,
    set_thread_share,
    synchronise,
    torch_errors,
)
from napari_dip.network.build import build_network
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_dip.dip.recipe import Recipe

__all__ = [
    "Arithmetic",
    "Calibration",
    "adopt_arithmetic",
    "benchmark_side",
    "calibrate",
    "choose_arithmetic",
    "computing_in",
    "run_with_threads",
]

T = TypeVar("T")

_REPEATS = 5
"""Calls of which the fastest counts. Not measured."""

_MAX_SLOWDOWN = 3.0
"""Ratio to the best time: a slower candidate is called twice only. bfloat16 without instructions
for it takes seven times as long, which would be 2 s in all. Not in the notes."""

_MIN_SPEEDUP = 1.1
"""Ratio of the times of float32 and of another arithmetic, from which the rounding of the other is
accepted. Not measured."""

_GPU_SIDE, _CPU_SIDE = 512, 128
"""Pixels: side of the square image for the measurement. A small image does not occupy a GPU."""

_calibration_lock = threading.Lock()


@dataclass(frozen=True)
class Arithmetic:
    """Precision of the convolutions and order of the channels in memory.

    Parameters
    ----------
    precision
        Data type of the convolutions.
    channels_last
        Whether the channels are the last axis in memory.
    """

    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False

    def memory_format(self, ndim: int) -> torch.memory_format:
        """Return the memory format for a number of spatial axes; in volumes channels are first."""
        last = self.channels_last and ndim == 2
        return torch.channels_last if last else torch.contiguous_format

    def __str__(self) -> str:
        return f"{self.precision}, channels {'last' if self.channels_last else 'first'}"


BASELINE = Arithmetic()
_CANDIDATES = (BASELINE, Arithmetic("float32", True), Arithmetic("bfloat16", True))


@dataclass(frozen=True)
class Calibration:
    """Fastest arithmetic of a device.

    Parameters
    ----------
    arithmetic, chosen
        The arithmetic and its name.
    milliseconds
        Time of an iteration with each arithmetic, by name.
    cached
        Whether an earlier measurement was used.
    """

    arithmetic: Arithmetic
    chosen: str
    milliseconds: dict[str, float]
    cached: bool


def benchmark_side(device: torch.device | str) -> int:
    """Return the side in pixels of the image for measurements on a device."""
    return _GPU_SIDE if torch.device(device).type == "cuda" else _CPU_SIDE


def _benchmark_recipe(device: torch.device) -> Recipe:
    """Return the recipe of ``fast`` for the image of the measurement."""
    return recipe(Settings(), side=benchmark_side(device))


def calibrate(device: torch.device | str, threads: int | None = None) -> Calibration:
    """Find the fastest arithmetic for the network of ``fast``, in about a second.

    The result is cached in the user's cache folder for the device, the number of threads, the
    version of torch and the network, so that a machine always computes in the same way. If other
    programs were busy, the times are measured again later; the arithmetic is kept.

    Parameters
    ----------
    device
        Name of the device.
    threads
        Threads of the CPU; ``None`` for those of the calling thread.
    """
    device = torch.device(device)
    with _calibration_lock:  # a concurrent call waits, and reads the cache
        return run_with_threads(partial(_recall_or_measure, device), device, threads)


def run_with_threads(work: Callable[[], T], device: torch.device, threads: int | None) -> T:
    """Call a function, on the CPU with a number of threads; ``None`` for those of this thread."""
    available = cpu_threads()
    if device.type != "cpu" or threads in (None, available):
        return work()
    with ThreadPoolExecutor(1, "calibrate", set_thread_share, (threads, available)) as executor:
        return executor.submit(work).result()


def _recall_or_measure(device: torch.device) -> Calibration:
    side, network = benchmark_side(device), _benchmark_recipe(device).network
    key = f"{describe_machine(device)}, {side} pixels, {network}"
    (arithmetic, milliseconds), cached = cached_measurement(
        key, device, partial(_compare, device), _parse
    )
    return Calibration(arithmetic, str(arithmetic), milliseconds, cached)


def _compare(device: torch.device, earlier: dict[str, Any], busy: bool) -> dict[str, Any]:
    """Time all candidates; keep the arithmetic of an earlier measurement, so that results stay.

    On a busy machine one thread computes, so that other programs do not change the ranks.
    """
    measured = run_with_threads(partial(_times, device), device, 1 if busy else None)
    fastest = min(measured, key=lambda candidate: measured[candidate])
    chosen = fastest if measured[BASELINE] > _MIN_SPEEDUP * measured[fastest] else BASELINE
    times = {str(candidate): round(1000 * s, 1) for candidate, s in measured.items()}
    return {"arithmetic": earlier.get("arithmetic", asdict(chosen)), "milliseconds": times}


def _times(device: torch.device) -> dict[Arithmetic, float]:
    """Return the seconds of each candidate."""
    measured: dict[Arithmetic, float] = {}
    with torch_errors(device), default_modes():
        for candidate in _candidates(device):
            best = min(measured.values(), default=math.inf)
            measured[candidate] = _measure(candidate, device, best)
    return measured


def _parse(record: dict[str, Any]) -> tuple[Arithmetic, dict[str, float]]:
    """Read a cached record; an invalid one raises an error."""
    arithmetic, milliseconds = Arithmetic(**record["arithmetic"]), dict(record["milliseconds"])
    float(milliseconds[str(arithmetic)])
    return arithmetic, milliseconds


_adopted: dict[torch.device, Arithmetic] = {}


def adopt_arithmetic(device: str, arithmetic: Arithmetic) -> None:
    """Use in this process the arithmetic that another process has chosen for a device."""
    _adopted[torch.device(device)] = arithmetic


@contextmanager
def computing_in(device: str, recorded: str) -> Iterator[None]:
    """Use the arithmetic of a record, such as ``"float32, channels last"``, during the body."""
    place = torch.device(device)
    chosen = next((one for one in _CANDIDATES if recorded.startswith(str(one))), None)
    before = _adopted.get(place)
    if chosen is not None:
        _adopted[place] = chosen
    try:
        yield
    finally:
        if before is not None:
            _adopted[place] = before
        elif chosen is not None:
            del _adopted[place]


def choose_arithmetic(
    precision: str, device: torch.device | str, ndim: int = 2, threads: int | None = None
) -> Arithmetic:
    """Return the arithmetic for a precision; ``"auto"`` is the fastest on the device.

    Parameters
    ----------
    precision
        ``"auto"``, ``"float32"`` or ``"bfloat16"``.
    device
        Name of the device.
    ndim
        Spatial axes. Volumes are computed in float32 on the CPU: the gradients of bfloat16
        convolutions of volumes read uninitialised memory there (torch 2.13).
    threads
        As in :func:`calibrate`.
    """
    if precision == "auto" and ndim == 3 and torch.device(device).type == "cpu":
        return BASELINE
    if precision == "auto":
        return _adopted.get(torch.device(device)) or calibrate(device, threads).arithmetic
    return BASELINE if precision == "float32" else Arithmetic("bfloat16", channels_last=True)


def _candidates(device: torch.device) -> tuple[Arithmetic, ...]:
    """Return the arithmetics that the device supports."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        return _CANDIDATES[:2]
    return (BASELINE,) if device.type == "mps" else _CANDIDATES


def _measure(arithmetic: Arithmetic, device: torch.device, best: float = math.inf) -> float:
    """Return the least time in seconds of a forward and a backward pass.

    On the CPU it is the processor time of this thread, which computes during the whole pass: if it
    is the only one, other programs do not count. ``best`` is the least time of the other
    candidates; a far slower one is called only twice.
    """
    now = time.thread_time if device.type == "cpu" else time.perf_counter
    fast, side = _benchmark_recipe(device), benchmark_side(device)
    generator = torch.Generator().manual_seed(0)
    shape = (1, fast.code_channels, side, side)
    code = torch.rand(shape, generator=generator, dtype=torch.float32)
    network = build_network(fast.network, code, 1, seed=0).to(device)
    code = code.to(device)
    order = arithmetic.memory_format(2)
    network = network.to(memory_format=order)  # type: ignore[call-overload]
    code = code.contiguous(memory_format=order)

    def forward_and_backward() -> None:
        enabled = arithmetic.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled, cache_enabled=False):
            output = network(code)
        network.zero_grad()
        output.float().square().mean().backward()

    launch = GraphRunner(forward_and_backward, device)  # as in a fit
    least = math.inf
    for call in range(WARM_UP_CALLS + _REPEATS):
        synchronise(device)
        began = now()
        launch()
        synchronise(device)
        seconds = now() - began
        if call >= WARM_UP_CALLS:  # earlier calls choose their kernels
            least = min(least, seconds)
        elif call and seconds > _MAX_SLOWDOWN * best:
            return seconds
    return least
