"""Which arithmetic is fastest on a device: measured once, remembered, and told by ``info``."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
from napari_dip.network.architectures import NoNetwork
from napari_dip.network.build import build_network
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.dip.recipe import Recipe

__all__ = [
    "Arithmetic",
    "Calibration",
    "adopt_arithmetic",
    "calibrate",
    "choose_arithmetic",
    "run_with_threads",
    "timed_side",
]

T = TypeVar("T")

_REPEATS = 5

_one_at_a_time = threading.Lock()

_HOPELESS = 3.0
"""How much slower than the best a candidate is not measured further: bfloat16 without instructions
for it takes seven times as long, which would be two seconds in all."""

_GAIN = 1.1
"""How much faster than plain arithmetic another must be to be worth its rounding."""


@dataclass(frozen=True)
class Arithmetic:
    """Precision of the convolutions, and whether the channels come last in memory."""

    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False

    def memory_format(self, ndim: int) -> torch.memory_format:
        """Name the order in memory of an image with so many spatial axes; of volumes, the plain."""
        last = self.channels_last and ndim == 2
        return torch.channels_last if last else torch.contiguous_format

    def __str__(self) -> str:
        return f"{self.precision}, channels {'last' if self.channels_last else 'first'}"


PLAIN = Arithmetic()
_CANDIDATES = (PLAIN, Arithmetic("float32", True), Arithmetic("bfloat16", True))


@dataclass(frozen=True)
class Calibration:
    """The arithmetic chosen, its name, and milliseconds an iteration of each that was tried."""

    arithmetic: Arithmetic
    chosen: str
    milliseconds: dict[str, float]
    cached: bool


def timed_side(device: torch.device | str) -> int:
    """Tell the side of the image with which a device is timed: a small one fills no GPU."""
    return 512 if torch.device(device).type == "cuda" else 128


def _timed_recipe(device: torch.device) -> Recipe:
    """Take what ``fast`` does to an image of the side that is timed."""
    return recipe(Settings(), side=timed_side(device))


def calibrate(device: torch.device | str, threads: int | None = None) -> Calibration:
    """Find the fastest arithmetic for the network of ``fast``, in about a second.

    On the CPU it is that of so many ``threads``, of this thread's if nothing else is said.

    The result is kept in the user's cache folder for this device, number of threads, version of
    torch and network, so that the same machine always computes in the same way. How long it takes
    is measured again as long as other programs were busy.
    """
    device = torch.device(device)
    with _one_at_a_time:  # who comes second takes what the first has measured
        return run_with_threads(partial(_recall_or_measure, device), device, threads)


def run_with_threads(work: Callable[[], T], device: torch.device, threads: int | None) -> T:
    """Call a function, on the CPU with so many threads; ``None`` for those of this thread."""
    every = cpu_threads()
    if device.type != "cpu" or threads in (None, every):
        return work()
    with ThreadPoolExecutor(1, "calibrate", set_thread_share, (threads, every)) as aside:
        return aside.submit(work).result()


def _recall_or_measure(device: torch.device) -> Calibration:
    side, network = timed_side(device), _timed_recipe(device).network
    key = f"{describe_machine(device)}, {side} pixels, {network}"
    (arithmetic, milliseconds), cached = cached_measurement(
        key, device, partial(_compare, device), _parse
    )
    return Calibration(arithmetic, str(arithmetic), milliseconds, cached)


def _compare(device: torch.device, earlier: dict[str, Any]) -> dict[str, Any]:
    """Time all candidates; keep the choice of an earlier measurement, so that results stay."""
    with torch_errors(device), default_modes():
        measured: dict[Arithmetic, float] = {}
        for one in _candidates(device):
            measured[one] = _measure(one, device, min(measured.values(), default=math.inf))
    fastest = min(measured, key=lambda one: measured[one])
    chosen = fastest if measured[PLAIN] > _GAIN * measured[fastest] else PLAIN
    times = {str(one): round(1000 * seconds, 1) for one, seconds in measured.items()}
    return {"arithmetic": earlier.get("arithmetic", asdict(chosen)), "milliseconds": times}


def _parse(record: dict[str, Any]) -> tuple[Arithmetic, dict[str, float]]:
    arithmetic, milliseconds = Arithmetic(**record["arithmetic"]), dict(record["milliseconds"])
    float(milliseconds[str(arithmetic)])
    return arithmetic, milliseconds


_adopted: dict[torch.device, Arithmetic] = {}


def adopt_arithmetic(device: str, arithmetic: Arithmetic) -> None:
    """From now on, take in this process what another has measured, so that both do the same."""
    _adopted[torch.device(device)] = arithmetic


def choose_arithmetic(
    precision: str, device: torch.device | str, ndim: int = 2, threads: int | None = None
) -> Arithmetic:
    """Settle what the recipe leaves open; a precision that was asked for is kept.

    Parameters
    ----------
    precision
        ``"auto"``, ``"float32"`` or ``"bfloat16"``.
    device
        Where.
    ndim
        Spatial axes. Volumes are computed in float32 on the CPU: there torch 2.13 takes parts of
        the gradients of their bfloat16 convolutions from memory that was never written.
    threads
        As in :func:`calibrate`.
    """
    if precision == "auto" and ndim == 3 and torch.device(device).type == "cpu":
        return PLAIN
    if precision == "auto":
        return _adopted.get(torch.device(device)) or calibrate(device, threads).arithmetic
    return PLAIN if precision == "float32" else Arithmetic("bfloat16", channels_last=True)


def _candidates(device: torch.device) -> tuple[Arithmetic, ...]:
    """List what the device can do at all; on the CPU the clock tells."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        return _CANDIDATES[:2]
    return (PLAIN,) if device.type == "mps" else _CANDIDATES


def _measure(arithmetic: Arithmetic, device: torch.device, best: float = math.inf) -> float:
    """Return the least time in seconds of a forward and a backward pass.

    ``best`` is the least time of the other candidates: one that is far slower is called only twice.
    What other programs take from it should not count: on the CPU it is the time that this thread
    computed, which it does from the first to the last of a pass.
    """
    now = time.thread_time if device.type == "cpu" else time.perf_counter
    spec, side = _timed_recipe(device), timed_side(device)
    own = torch.Generator().manual_seed(0)
    shape = (1, spec.code_channels, side, side)
    code = torch.rand(shape, generator=own, dtype=torch.float32)
    assert not isinstance(spec.network, NoNetwork)  # it is that of `fast`
    network = build_network(spec.network, code, 1, seed=0).to(device)
    code = code.to(device)
    order = arithmetic.memory_format(2)
    network = network.to(memory_format=order)  # type: ignore[call-overload]
    code = code.contiguous(memory_format=order)

    def there_and_back() -> None:
        enabled = arithmetic.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled, cache_enabled=False):
            output = network(code)
        network.zero_grad()
        output.float().square().mean().backward()

    launch = GraphRunner(there_and_back, device)  # as a fit does
    least = math.inf
    for call in range(WARM_UP_CALLS + _REPEATS):
        synchronise(device)
        began = now()
        launch()
        synchronise(device)
        seconds = now() - began
        if call >= WARM_UP_CALLS:  # the calls before choose their kernels
            least = min(least, seconds)
        elif call and seconds > _HOPELESS * best:
            return seconds
    return least
