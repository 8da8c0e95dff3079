"""Fetch previews of one unit at a time from the worker that restores it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_dip.cluster.worker_job import take_preview

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

    from napari_dip.progress import Snapshot

__all__ = ["PREVIEW_EVERY_S", "PreviewFetcher"]

PREVIEW_EVERY_S = 3.0  # seconds: least time between two previews

TRANSFER_FRACTION = 0.05  # of the time: large previews take long to send, and come less often


class PreviewFetcher:
    """Fetch previews of one unit until it is done, then of another.

    Each worker keeps only its latest preview. A thread of its own requests it, so that neither
    the worker nor the run waits for a preview.

    Parameters
    ----------
    client
        Client of the cluster.
    run
        Name of the restoration.
    show
        Called from any thread with the number of the unit and its progress, preview included.
    """

    def __init__(self, client: Client, run: str, show: Callable[[int, Snapshot], None]) -> None:
        self._client, self._run, self._show = client, run, show
        self._unit: int | None = None
        self._fetching = False
        self._next_at = 0.0

    def progressed(self, unit: int, worker: str) -> None:
        """Note which worker restores a unit; fetch a preview from it if one is due."""
        if self._unit is None:
            self._unit = unit
        if unit == self._unit and not self._fetching and time.monotonic() >= self._next_at:
            self._fetching = True
            threading.Thread(target=self._fetch, args=(unit, worker), daemon=True).start()

    def done(self, unit: int) -> None:
        """Choose another unit if this one was shown."""
        if unit == self._unit:
            self._unit = None

    def _fetch(self, unit: int, worker: str) -> None:
        began = time.monotonic()
        with suppress(Exception):  # a lost worker or scheduler: the dispatcher reports it
            answer = self._client.run(
                take_preview, self._run, unit, workers=[worker], on_error="ignore"
            )
            if (step := answer.get(worker)) is not None:
                now = time.monotonic()
                self._next_at = now + max(PREVIEW_EVERY_S, (now - began) / TRANSFER_FRACTION)
                self._show(unit, step)
        self._fetching = False
