"""Import pyqtgraph without its exception hooks."""

from __future__ import annotations

import sys
import threading

# pyqtgraph replaces the exception hooks that napari uses for its notifications.
_hooks = sys.excepthook, threading.excepthook
import pyqtgraph as pg  # noqa: E402

sys.excepthook, threading.excepthook = _hooks

__all__ = ["pg"]
