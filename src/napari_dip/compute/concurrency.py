"""Several fits at once: one small fit alone leaves most of a machine idle.

Threads that share one fit wait for each other after every operation, and a small image fills no
GPU. Independent fits wait for nobody.
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
    ended: Callable[[int, R], object],
) -> Generator[tuple[int, Step], None, None]:
    """Take the steps of several fits as they come, so many fits at once.

    On the CPU each computes with its part of the threads, on CUDA on a stream of its own. What
    comes out of a fit does not depend on the others. As of any generator, nothing goes on until
    the next step is asked for, but what was begun of the steps of the others.

    Parameters
    ----------
    fits
        Taken and begun in their order, each only when there is room for it.
    at_once
        How many; 1 takes one after another, in the thread that asks.
    device
        Where they compute.
    ended
        Told the number of a fit, from 0, and its result, in the thread that asks.

    Yields
    ------
    int, Step
        The number of a fit, and what it has yielded.

    Examples
    --------
    >>> def halving(number):
    ...     while number % 2 == 0:
    ...         number //= 2
    ...         yield number
    ...     return "odd"
    >>> ends = {}
    >>> sorted(run_concurrently([halving(12), halving(8)], 2, "cpu", ends.__setitem__))
    [(0, 3), (0, 6), (1, 1), (1, 2), (1, 4)]
    >>> sorted(ends.items())
    [(0, 'odd'), (1, 'odd')]
    """
    numbered = enumerate(fits)
    if at_once == 1:
        for number, fit in numbered:
            ended(number, (yield from map_steps(fit, partial(_of, number))))
        return
    every = cpu_threads()
    threads = threads_per_fit(every, at_once)
    pool = ThreadPoolExecutor(at_once, "fit", set_thread_share, (threads, every))
    all_there = Barrier(at_once)  # before a fit begins, each has taken its part
    list(pool.map(lambda _: all_there.wait(), range(at_once)))
    begun: dict[int, _Lane[Step, R]] = {}
    stepping: dict[Future[Step | None], int] = {}
    try:
        while True:
            while len(begun) < at_once and (following := next(numbered, None)):
                number, fit = following
                begun[number] = _Lane(fit, torch.device(device))
                stepping[pool.submit(begun[number].advance)] = number
            if not begun:
                return
            ready, _ = wait(stepping, return_when=FIRST_COMPLETED)
            for future in sorted(ready, key=stepping.__getitem__):
                number = stepping.pop(future)
                step, lane = future.result(), begun[number]
                if step is None:
                    del begun[number]
                    ended(number, lane.result)
                else:
                    yield number, step
                    stepping[pool.submit(lane.advance)] = number
    finally:
        pool.shutdown(cancel_futures=True)
        for lane in begun.values():
            lane.fit.close()


def in_fit_order(
    steps: Generator[tuple[int, Step], None, None],
    ended: Container[int],
    blind: Callable[[Step], Step],
) -> Generator[tuple[int, Step], None, None]:
    """Put the steps of :func:`run_concurrently` in the order that they have one fit after another.

    So what is told is told of one fit until that is done. The steps of the others are kept for
    their turn, and of their pictures the latest.

    Parameters
    ----------
    steps
        The number of a fit, and a step.
    ended
        Numbers of the fits that are done.
    blind
        Gives a step without its picture, and one that has none as it is.

    Examples
    --------
    >>> steps = (pair for pair in [(1, "a"), (0, "b"), (1, "c"), (0, "d")])
    >>> list(in_fit_order(steps, {}, str))
    [(0, 'b'), (0, 'd'), (1, 'a'), (1, 'c')]
    """
    kept: defaultdict[int, list[Step]] = defaultdict(list)
    pictured: dict[int, int] = {}
    turn = 0
    try:
        for number, step in steps:
            while turn in ended:
                turn += 1
                yield from ((turn, earlier) for earlier in kept.pop(turn, ()))
            if number == turn:
                yield number, step
                continue
            if blind(step) is not step:
                if number in pictured:
                    kept[number][pictured[number]] = blind(kept[number][pictured[number]])
                pictured[number] = len(kept[number])
            kept[number].append(step)
        for number, rest in sorted(kept.items()):
            yield from ((number, step) for step in rest)
    finally:
        steps.close()


def threads_per_fit(threads: int, at_once: int) -> int:
    """Tell with how many of the CPU's threads each of several fits computes."""
    return max(1, threads // at_once)


def _of(number: int, step: Step) -> tuple[int, Step]:
    return number, step


class _Lane(Generic[Step, R]):
    """One of the fits, and where it is computed."""

    result: R

    def __init__(self, fit: Generator[Step, None, R], device: torch.device) -> None:
        self.fit = fit
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def advance(self) -> Step | None:
        """Take one step; ``None`` at the end, when the result is there."""
        with nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
            try:
                return next(self.fit)
            except StopIteration as end:
                self.result = end.value
                return None
