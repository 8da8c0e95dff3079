"""Count the instructions of this process by Linux's perf: they do not mind other programs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = "instructions:u"

_ATTACHES_S = 0.5
"""Seconds that perf gets to find all threads."""


@contextmanager
def counted(event: str = EVENT) -> Iterator[list[float]]:
    """Count in a block, and put the sum into the list; it stays empty where nothing counts.

    Virtual machines often hide the processor's counters, and containers forbid them.
    """
    count: list[float] = []
    if shutil.which("perf") is None:
        yield count
        return
    command = ["perf", "stat", "-x,", "-e", event, "-p", str(os.getpid())]
    perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(_ATTACHES_S)
    try:
        yield count
    finally:
        perf.send_signal(signal.SIGINT)
        _, said = perf.communicate()
        number = said.partition(",")[0]  # or "<not supported>", or an error
        if number.replace(".", "", 1).isdigit():
            count.append(float(number))
