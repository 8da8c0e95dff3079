"""Combine generators that yield steps and return a result, such as a fit or a restoration."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

__all__ = ["finished", "map_steps"]

Step = TypeVar("Step")
Shown = TypeVar("Shown")
R = TypeVar("R")


def map_steps(
    steps: Generator[Step, None, R],
    show: Callable[[Step], Shown],
    context: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Generator[Shown, None, R]:
    """Apply a function to each step, and return the result of the generator.

    Closing it closes the generator. Each step is computed inside a context, which is left before
    the step is yielded: a ``with`` block around a ``yield`` would stay active in the caller.

    Examples
    --------
    >>> def halving(number):
    ...     while number % 2 == 0:
    ...         number //= 2
    ...         yield number
    ...     return "odd"
    >>> list(map_steps(halving(12), str))
    ['6', '3']
    >>> finished(halving(12), print)
    6
    3
    'odd'

    >>> import decimal
    >>> def thirds():
    ...     yield 1 / decimal.Decimal(3)
    >>> coarse = lambda: decimal.localcontext(prec=2)
    >>> shown = map_steps(thirds(), str, coarse)
    >>> [(third, decimal.getcontext().prec) for third in shown]
    [('0.33', 28)]
    """
    try:
        while True:
            with context():
                try:
                    step = next(steps)
                except StopIteration as end:
                    result: R = end.value
                    return result
            yield show(step)
    finally:
        steps.close()


def finished(steps: Generator[Step, None, R], see: Callable[[Step], object] = lambda _: None) -> R:
    """Run a generator to its end, call ``see`` with each step, and return its result."""
    shown = map_steps(steps, see)
    while True:
        try:
            next(shown)
        except StopIteration as end:
            result: R = end.value
            return result
