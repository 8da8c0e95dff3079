"""What tifffile logs during a read, collected by read; the host's logging stays as it is."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collect_tiff_warnings"]

_current: ContextVar[list[str] | None] = ContextVar("messages", default=None)
"""The list of the read that goes on. zarr hands context variables on to the threads it reads in."""

_lock = threading.Lock()
_readers = 0


class _Collector(logging.Filter):
    """Takes warnings of a read out of the log; those of other threads go on to the host's log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record goes on."""
        messages = _current.get()
        if messages is None or record.levelno < logging.WARNING:
            return True
        messages.append(shortened(record.getMessage()))
        return False


_collector = _Collector()


@contextmanager
def collect_tiff_warnings() -> Iterator[list[str]]:
    """Collect what tifffile complains of in the body.

    Reads may go on in several threads at once: each gets its own list. The logger of tifffile
    has a filter more as long as any of them lasts; its handlers and levels are left alone.

    Examples
    --------
    >>> with collect_tiff_warnings() as messages:
    ...     logging.getLogger("tifffile").warning("page 3 is damaged")
    >>> messages
    ['page 3 is damaged']
    """
    global _readers
    log = logging.getLogger("tifffile")
    messages: list[str] = []
    token = _current.set(messages)
    with _lock:
        _readers += 1
        log.addFilter(_collector)  # does nothing where it is there
    try:
        yield messages
    finally:
        _current.reset(token)
        with _lock:
            _readers -= 1
            if not _readers:
                log.removeFilter(_collector)
