"""What a terminal shows of a run, and the keys that stop it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from napari_dip.image.restore import Restoration, Result, Snapshot

__all__ = ["follow", "interruptible"]

_STOPPING = b"\nStopping: the best so far will be written. Press Ctrl-C again to give it up.\n"


@contextmanager
def interruptible(keep: bool) -> Iterator[Callable[[], bool]]:
    """Hear Ctrl-C and a request to terminate while the body runs.

    Parameters
    ----------
    keep
        Whether the first signal only sets a flag, so that the run can end by itself; any other
        raises KeyboardInterrupt at once.

    Yields
    ------
    callable
        Whether a stop was asked for.
    """
    requested = threading.Event()

    def hear(_signal: int, _frame: FrameType | None) -> None:
        if requested.is_set() or not keep:
            raise KeyboardInterrupt
        requested.set()
        os.write(2, _STOPPING)  # a handler must not enter a stream that is being written to

    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set  # Python hands signals to the main thread alone
        return
    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(restoration: Restoration, doing: str, *, quiet: bool = False) -> Result:
    """Run a restoration to its end, with a bar on stderr where that is a terminal.

    Parameters
    ----------
    restoration
        As :func:`napari_dip.restore` returns it.
    doing
        What the bar says of a single plane, such as ``"denoising"``.
    quiet
        Whether to show nothing at all.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task(doing, total=None, state="starting")

        def show(now: Snapshot) -> None:
            bar.update(
                task,
                description=now.part or doing,
                total=now.units * now.iterations,
                completed=now.unit * now.iterations + now.iteration,
                state=_state(now),
            )

        return finished(restoration, show)


def _state(now: Snapshot) -> str:
    left = timedelta(seconds=round(now.remaining_s))
    return (
        f"iteration {now.iteration} of {now.iterations}, loss {now.loss:.3g}, at most {left} left"
    )
