"""Compute with fewer threads while other programs need the processor.

Threads that share an operation wait for each other at its end. If one of them has to wait for
another program, all do: beside one busy program, a filter on two cores took four times longer with
two threads than with one (``benchmarks/NOTES.md``, "Threads beside another program").
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from napari_dip.compute.device import cpu_threads, set_thread_share

__all__ = ["LoadAwareThreads", "free_cores"]

INTERVAL_S = 0.2  # seconds over which the load is measured; the system counts in 0.01 s

TOLERANCE = 0.3  # cores that other programs may use without an effect: the viewer uses as many


@dataclass(frozen=True)
class _Times:
    """Seconds since some start: of the clock, of all cores, and of the calling thread."""

    clock: float
    cores: float
    thread: float

    @classmethod
    def now(cls) -> _Times:
        times = psutil.cpu_times()._asdict()
        idle = times["idle"] + times.get("iowait", 0.0)
        twice = times.get("guest", 0.0) + times.get("guest_nice", 0.0)  # in user and nice, too
        return cls(time.monotonic(), sum(times.values()) - idle - twice, time.thread_time())


class LoadAwareThreads:
    """The number of threads of the calling thread, which :meth:`adjust` changes with the load.

    Only for operations whose result does not depend on the number of threads. :meth:`reset` sets
    the number of the start again.
    """

    def __init__(self) -> None:
        self._most = self._threads = cpu_threads()
        self._earlier = _Times.now()

    def adjust(self) -> None:
        """Measure the load since the last call, if that is long enough ago, and follow it."""
        if self._most == 1 or time.monotonic() - self._earlier.clock < INTERVAL_S:
            return
        earlier, now = self._earlier, _Times.now()
        seconds = now.clock - earlier.clock
        busy = (now.cores - earlier.cores) / seconds
        own = self._threads * (now.thread - earlier.thread) / seconds
        self._earlier = now
        self._set(free_cores(busy, own, psutil.cpu_count() or 1))

    def reset(self) -> None:
        """Set the number of threads of the start."""
        self._set(self._most)

    def _set(self, threads: int) -> None:
        threads = min(threads, self._most)
        if threads != self._threads:
            self._threads = threads
            set_thread_share(threads, self._most)


def free_cores(busy: float, own: float, cores: int) -> int:
    """Return how many cores other programs leave, at least 1.

    Parameters
    ----------
    busy, own
        Cores that all programs use, and those that the calling computation uses.
    cores
        Cores of the machine.

    Examples
    --------
    >>> free_cores(2.0, 1.9, cores=2), free_cores(2.0, 1.4, cores=2)
    (2, 1)
    """
    others = max(0.0, busy - own)
    return max(1, int(cores - others + TOLERANCE))
