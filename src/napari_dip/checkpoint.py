"""Let a long function tell how much it has done, and be interrupted, without being a generator."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Interrupted", "checkpoint", "watched"]

_watcher: ContextVar[Callable[[float], object] | None] = ContextVar("watcher", default=None)


class Interrupted(Exception):
    """The user stopped a run, and cannot wait for the end of a function."""


@contextmanager
def watched(see: Callable[[float], object]) -> Iterator[None]:
    """Call ``see`` at each checkpoint of the functions that are called inside, in this thread.

    Examples
    --------
    >>> with watched(print):
    ...     checkpoint(0.5)
    0.5
    >>> checkpoint(0.5)
    """
    before = _watcher.set(see)
    try:
        yield
    finally:
        _watcher.reset(before)


def checkpoint(work: float) -> None:
    """Tell the watcher, if there is one, how much work was done since the last checkpoint.

    Raises
    ------
    Interrupted
        By the watcher.
    """
    see = _watcher.get()
    if see is not None:
        see(work)
