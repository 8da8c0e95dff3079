"""Collect the warnings that tifffile logs during a read. The logging of the host is unchanged."""

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

_current_messages: ContextVar[list[str] | None] = ContextVar("tiff_messages", default=None)
"""The list of the current read. zarr passes context variables to its reader threads."""

_lock = threading.Lock()
_readers = 0


class _Collector(logging.Filter):
    """Remove the warnings of a read from the log. Records of other threads pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is passed to the log."""
        messages = _current_messages.get()
        if messages is None or record.levelno < logging.WARNING:
            return True
        messages.append(shortened(record.getMessage()))
        return False


_collector = _Collector()


@contextmanager
def collect_tiff_warnings() -> Iterator[list[str]]:
    """Collect the warnings that tifffile logs in the body.

    Several threads may read at once; each gets its own list. A filter is added to tifffile's logger
    while a read is active. Handlers and levels are unchanged.

    Yields
    ------
    list of str
        The messages, filled while the body runs.

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
    token = _current_messages.set(messages)
    with _lock:
        _readers += 1
        log.addFilter(_collector)  # no effect if it is already added
    try:
        yield messages
    finally:
        _current_messages.reset(token)
        with _lock:
            _readers -= 1
            if not _readers:
                log.removeFilter(_collector)
