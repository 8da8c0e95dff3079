"""Show the progress of a run in a terminal, and stop it on Ctrl-C."""

from __future__ import annotations

import math
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

    from napari_dip.image.restore import Restoration, Result
    from napari_dip.progress import Report, Snapshot

__all__ = ["follow", "interruptible"]

_STOPPING = b"\nStopping: the best result will be written. Press Ctrl-C again to discard it.\n"


@contextmanager
def interruptible(keep: bool) -> Iterator[Callable[[], bool]]:
    """Handle SIGINT (Ctrl-C) and SIGTERM while the body runs.

    Parameters
    ----------
    keep
        If true, the first signal only requests a stop, and the run ends with its best result so
        far. Otherwise, and for every further signal, KeyboardInterrupt is raised.

    Yields
    ------
    callable
        Whether a stop was requested.
    """
    requested = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if requested.is_set() or not keep:
            raise KeyboardInterrupt
        requested.set()
        os.write(2, _STOPPING)  # unlike print, safe inside a signal handler

    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set  # Python handles signals in the main thread only
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(
    begin: Callable[[Report], Restoration],
    label: str,
    *,
    quiet: bool = False,
) -> Result:
    """Run a restoration to its end; show a progress bar on stderr if it is a terminal.

    Parameters
    ----------
    begin
        Returns a restoration, given its ``report``: see :func:`napari_dip.restore`.
    label
        Text beside the bar for an image without parts, such as ``"denoise"``.
    quiet
        Whether to hide the bar.
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
        task = bar.add_task(label, total=None, state="starting")

        def show(now: Snapshot) -> None:
            bar.update(
                task,
                description=now.part or label,
                total=now.units * now.iterations,
                completed=now.unit * now.iterations + now.iteration,
                state=_state(now),
            )

        def report(stage: str, done: float) -> None:
            if stage == "filter":
                bar.update(task, state=f"filtering, {done:.0%}")

        return finished(begin(report), show)


def _state(now: Snapshot) -> str:
    if math.isnan(now.loss):
        return "filtered, the fit begins"
    left = timedelta(seconds=round(now.remaining_s))
    return (
        f"iteration {now.iteration} of {now.iterations}, loss {now.loss:.3g}, at most {left} left"
    )
