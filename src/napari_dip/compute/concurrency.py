"""Run several fits concurrently: one small fit alone does not use a whole machine.

Threads that share one fit wait for each other after every operation, and a small image does not
fill a GPU. Independent fits do not wait.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

from napari_dip.compute.device import cpu_threads, set_thread_share
from napari_dip.generators import map_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Generator, Iterable

__all__ = ["in_fit_order", "run_concurrently", "threads_per_fit"]

Step = TypeVar("Step")
R = TypeVar("R")


def run_concurrently(
    fits: Iterable[Generator[Step, None, R]],
    at_once: int,
    device: str,
    on_result: Callable[[int, R], object],
) -> Generator[tuple[int, Step], None, None]:
    """Run several fits concurrently, and yield their steps as they come.

    On the CPU each fit has its share of the threads, on CUDA a stream of its own. The result of a
    fit does not depend on the others. While the caller does not ask for the next step, only steps
    that have begun are computed.

    Parameters
    ----------
    fits
        Generators of steps that return a result. They are started in order, each when a place is
        free.
    at_once
        Maximum number of concurrent fits; 1 runs one after another, in the thread of the caller.
    device
        Name of the device.
    on_result
        Called with the number of a fit, from 0, and its result, in the thread of the caller.

    Yields
    ------
    int, Step
        The number of a fit, and a step of it.

    Examples
    --------
    >>> def halving(number):
    ...     while number % 2 == 0:
    ...         number //= 2
    ...         yield number
    ...     return "odd"
    >>> results = {}
    >>> sorted(run_concurrently([halving(12), halving(8)], 2, "cpu", results.__setitem__))
    [(0, 3), (0, 6), (1, 1), (1, 2), (1, 4)]
    >>> sorted(results.items())
    [(0, 'odd'), (1, 'odd')]
    """
    numbered = enumerate(fits)
    if at_once == 1:
        for number, fit in numbered:
            on_result(number, (yield from map_steps(fit, partial(_numbered, number))))
        return
    threads = cpu_threads()
    share = threads_per_fit(threads, at_once)
    pool = ThreadPoolExecutor(at_once, "fit", set_thread_share, (share, threads))
    all_ready = Barrier(at_once)  # no fit starts before all workers have set their threads
    list(pool.map(lambda _: all_ready.wait(), range(at_once)))
    running: dict[int, _RunningFit[Step, R]] = {}
    pending: dict[Future[Step | None], int] = {}
    try:
        while True:
            while len(running) < at_once and (following := next(numbered, None)):
                number, fit = following
                running[number] = _RunningFit(fit, torch.device(device))
                pending[pool.submit(running[number].advance)] = number
            if not running:
                return
            ready, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(ready, key=pending.__getitem__):
                number = pending.pop(future)
                step, one = future.result(), running[number]
                if step is None:
                    del running[number]
                    on_result(number, one.result)
                else:
                    yield number, step
                    pending[pool.submit(one.advance)] = number
    finally:
        pool.shutdown(cancel_futures=True)
        for one in running.values():
            one.fit.close()


def in_fit_order(
    steps: Generator[tuple[int, Step], None, None],
    done: Container[int],
    without_preview: Callable[[Step], Step],
) -> Generator[tuple[int, Step], None, None]:
    """Yield the steps of concurrent fits in the order of the fits.

    All steps of one fit come before those of the next. The steps of later fits are kept, of their
    previews only the latest.

    Parameters
    ----------
    steps
        Pairs of the number of a fit and a step.
    done
        Numbers of the fits that are finished; the caller adds to it.
    without_preview
        Returns a step without its preview, and a step that has none unchanged (the same object).

    Yields
    ------
    int, Step
        The number of a fit, and a step of it.

    Examples
    --------
    >>> steps = (pair for pair in [(1, "a"), (0, "b"), (1, "c"), (0, "d")])
    >>> list(in_fit_order(steps, {}, str))
    [(0, 'b'), (0, 'd'), (1, 'a'), (1, 'c')]
    """
    kept: defaultdict[int, list[Step]] = defaultdict(list)
    latest_preview: dict[int, int] = {}
    current = 0
    try:
        for number, step in steps:
            while current in done:
                current += 1
                yield from ((current, earlier) for earlier in kept.pop(current, ()))
            if number == current:
                yield number, step
                continue
            if without_preview(step) is not step:
                if number in latest_preview:
                    place = latest_preview[number]
                    kept[number][place] = without_preview(kept[number][place])
                latest_preview[number] = len(kept[number])
            kept[number].append(step)
        for number, rest in sorted(kept.items()):
            yield from ((number, step) for step in rest)
    finally:
        steps.close()


def threads_per_fit(threads: int, at_once: int) -> int:
    """Return how many of the CPU's threads each of several concurrent fits has.

    Examples
    --------
    >>> threads_per_fit(8, 3)
    2
    """
    return max(1, threads // at_once)


def _numbered(number: int, step: Step) -> tuple[int, Step]:
    return number, step


class _RunningFit(Generic[Step, R]):
    """One of the fits, with its CUDA stream."""

    result: R

    def __init__(self, fit: Generator[Step, None, R], device: torch.device) -> None:
        self.fit = fit
        self._stream = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)
            # What the fits share was computed on the stream of the caller.
            self._stream.wait_stream(torch.cuda.current_stream(device))

    def advance(self) -> Step | None:
        """Compute the next step; ``None`` at the end, when ``result`` is set."""
        with nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
            try:
                return next(self.fit)
            except StopIteration as end:
                self.result = end.value
                return None
