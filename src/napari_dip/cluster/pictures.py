"""Previews of one unit at a time, fetched from the worker that restores it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_dip.cluster.worker import latest_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

    from napari_dip.image.unit import UnitStep

__all__ = ["PICTURE_EVERY_S", "Pictures"]

PICTURE_EVERY_S = 3.0
"""Least time between two previews."""

_PART = 0.05
"""Of the time, what their way may take: large pictures come less often."""


class Pictures:
    """Asks for the picture of a unit now and then, until that is done; then for another's.

    Nothing is queued anywhere: a worker keeps but the latest, and is asked in a thread of its own,
    so that neither the worker nor the run ever waits for a picture.

    Parameters
    ----------
    client, run
        Of the cluster, and the name of the restoration.
    show
        Takes the number of a unit and where it stands, with the picture; in any thread.
    """

    def __init__(self, client: Client, run: str, show: Callable[[int, UnitStep], None]) -> None:
        self._client, self._run, self._show = client, run, show
        self._unit: int | None = None
        self._asking = False
        self._due = 0.0

    def heard(self, unit: int, worker: str) -> None:
        """Take note of which worker restores a unit; ask it for a picture, if one is due."""
        if self._unit is None:
            self._unit = unit
        if unit == self._unit and not self._asking and time.monotonic() >= self._due:
            self._asking = True
            threading.Thread(target=self._ask, args=(unit, worker), daemon=True).start()

    def let_go(self, unit: int) -> None:
        """Hear that a unit is done."""
        if unit == self._unit:
            self._unit = None

    def _ask(self, unit: int, worker: str) -> None:
        began = time.monotonic()
        with suppress(Exception):  # the worker has gone, or the cluster: the run will hear of it
            answer = self._client.run(
                latest_picture, self._run, unit, workers=[worker], on_error="ignore"
            )
            if (step := answer.get(worker)) is not None:
                now = time.monotonic()
                self._due = now + max(PICTURE_EVERY_S, (now - began) / _PART)
                self._show(unit, step)
        self._asking = False
