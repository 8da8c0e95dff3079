"""The thread that restores, and the desk over which it and the viewer hand things to each other."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_dip.errors import NapariDipError
from napari_dip.plugin.compute import begin
from napari_dip.plugin.layers import first_guess

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_dip.plugin.compute import Machines
    from napari_dip.plugin.layers import LayerData, LayerInput
    from napari_dip.plugin.target import Target
    from napari_dip.settings import Settings
    from napari_dip.stack.restore import Restoration, Result, Snapshot

__all__ = ["Exchange", "deep_image_prior_restoration"]

logger = logging.getLogger(__name__)

_WAKE_EVERY_S = 0.2


@dataclass(eq=False)
class Exchange:
    """What the worker and the viewer know in common.

    Snapshots are not queued: one that the viewer was too busy to fetch is overwritten by the
    next, so that a slow viewer costs neither memory nor time.

    Attributes
    ----------
    stopping
        Set by the viewer: come to an end, and keep the best so far.
    discarding
        Set by the viewer: come to an end, nothing is wanted any more.
    begun
        The layer to begin with, ready before the first snapshot.
    result, failure
        How it ended: one of the two, or neither where it was discarded.
    steps
        The restoration itself, which holds the network.
    closing
        What is to be let go of after the steps: workers, if there were some.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    discarding: threading.Event = field(default_factory=threading.Event)
    begun: LayerData | None = None
    result: Result | None = None
    failure: str | None = None
    steps: Restoration | None = None
    closing: ExitStack = field(default_factory=ExitStack)
    _latest: Snapshot | None = None
    _picture: Snapshot | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop_requested(self) -> bool:
        """Tell the restoration whether to come to an end."""
        return self.stopping.is_set() or self.discarding.is_set()

    def post(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the one before."""
        with self._lock:
            self._latest = snapshot
            if snapshot.image is not None:
                self._picture = snapshot

    def fetch(self) -> tuple[Snapshot | None, Snapshot | None]:
        """Take the latest snapshot, and the latest with a picture; ``None`` if there is no new."""
        with self._lock:
            taken = self._latest, self._picture
            self._latest = self._picture = None
        return taken

    def clear(self) -> None:
        """Let go of everything, the network and its tensors first."""
        if self.steps is not None:
            self.steps.close()
        self.closing.close()
        self.steps = self._latest = self._picture = self.begun = self.result = None


def deep_image_prior_restoration(
    source: LayerInput,
    settings: Settings,
    exchange: Exchange,
    target: Target,
    machines: Machines,
) -> Generator[None, None, None]:
    """Restore in a worker's thread; each yield wakes the viewer, which fetches what is new.

    Nothing is raised: a generator worker would swallow a ``RuntimeError``, of which an
    exhausted memory is one, and never say that it ended.
    """
    try:
        yield from _restoration(source, settings, exchange, target, machines)
    except NapariDipError as error:
        exchange.failure = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must reach the user
        # As text, because a traceback keeps the tensors of its frames alive.
        logger.error("%s", "".join(traceback.format_exception(error)))
        exchange.failure = (
            f"The restoration of '{source.name}' failed ({type(error).__name__}: {error}). The "
            "image is unchanged. Try a smaller part of it, or the device 'cpu'; if that does not "
            "help, please report it with the text in the terminal."
        )


def _restoration(
    source: LayerInput,
    settings: Settings,
    exchange: Exchange,
    target: Target,
    machines: Machines,
) -> Generator[None, None, None]:
    with exchange.closing as closing:
        work = closing.enter_context(
            begin(source, settings, target, machines, exchange.stop_requested)
        )
        exchange.begun = first_guess(source, work.problem, work.output)
        exchange.steps = work.steps
        yield from _followed(work.steps, exchange)
        if exchange.result is not None:
            exchange.result = target.shown(exchange.result)


def _followed(steps: Restoration, exchange: Exchange) -> Generator[None, None, None]:
    """Post each step, and wake the viewer now and then."""
    woken = -_WAKE_EVERY_S
    try:
        while not exchange.discarding.is_set():
            exchange.post(next(steps))
            if time.monotonic() - woken >= _WAKE_EVERY_S:
                woken = time.monotonic()
                yield
    except StopIteration as end:
        exchange.result = end.value
    finally:
        steps.close()
