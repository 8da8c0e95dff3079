"""The thread that restores, and the desk over which it and the viewer hand things to each other."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import NapariDipError
from napari_dip.plugin.models.layer_output import first_guess, to_layer_data
from napari_dip.plugin.models.run_request import Machines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration, Result, Snapshot
    from napari_dip.image.sink import Output
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData
    from napari_dip.plugin.models.target import Target
    from napari_dip.settings import Settings

__all__ = ["Exchange", "Work", "begin", "deep_image_prior_restoration"]

logger = logging.getLogger(__name__)


_WAKE_EVERY_S = 0.2


def _gone() -> threading.Event:
    """Make an event that is set."""
    event = threading.Event()
    event.set()
    return event


def _never() -> bool:
    return False


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
    leaving
        Whether napari is closing: it waits for the worker, and lets nobody press a button.
    going
        Cleared by the viewer to pause the run, and set to let it go on.
    earlier, more
        A result to be continued, and by how many iterations; ``None`` for a new run.
    place, used_bytes
        The device, and the memory that is taken there.
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
    leaving: Callable[[], bool] = _never
    going: threading.Event = field(default_factory=_gone)
    earlier: Result | None = None
    more: int = 0
    place: str = ""
    used_bytes: int = 0
    begun: LayerData | None = None
    result: Result | None = None
    failure: str | None = None
    steps: Restoration | None = None
    closing: ExitStack = field(default_factory=ExitStack)
    _latest: Snapshot | None = None
    _picture: Snapshot | None = None
    _unread: list[Snapshot] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def unwanted(self) -> bool:
        """Whether nobody waits for the result any more."""
        return self.discarding.is_set() or self.leaving()

    def stop_requested(self) -> bool:
        """Tell the restoration whether to come to an end; in a pause, not before it is over."""
        while not (ending := self.stopping.is_set() or self.unwanted):
            if self.going.wait(_WAKE_EVERY_S):
                break
        return ending

    def post(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the one before."""
        with self._lock:
            self._latest = snapshot
            self._unread.append(replace(snapshot, image=None))
            if snapshot.image is not None:
                self._picture = snapshot

    def fetch(self) -> tuple[Snapshot | None, Snapshot | None]:
        """Take the latest snapshot, and the latest with a picture; ``None`` if there is no new."""
        with self._lock:
            taken = self._latest, self._picture
            self._latest = self._picture = None
        return taken

    def numbers(self) -> list[Snapshot]:
        """Take all snapshots since the last time, without their pictures: none is missing."""
        with self._lock:
            taken, self._unread = self._unread, []
        return taken

    def clear(self) -> None:
        """Let go of everything, the network and its tensors first."""
        if self.steps is not None:
            self.steps.close()
        self.closing.close()
        self.leaving = _never
        self.steps = self._latest = self._picture = self.begun = self.result = self.earlier = None


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
    if exchange.earlier is not None:
        result = exchange.earlier
        _, look, kind = to_layer_data(result, source)
        look.pop("metadata")  # which says how a result was made that is whole
        exchange.begun = np.array(result.image), look, kind
        exchange.place = result.device
        exchange.steps = result.continued(exchange.more, stop_requested=exchange.stop_requested)
        yield from _followed(exchange.steps, exchange)
        return
    with exchange.closing as closing:
        work = closing.enter_context(
            begin(source, settings, target, machines, exchange.stop_requested)
        )
        exchange.begun = first_guess(source, work.problem, work.output)
        exchange.place = work.problem.device if machines == Machines() else ""
        exchange.steps = work.steps
        yield from _followed(work.steps, exchange)
        if exchange.result is not None:
            exchange.result = target.shown(exchange.result, exchange.begun[0])


def _followed(steps: Restoration, exchange: Exchange) -> Generator[None, None, None]:
    """Post each step, and wake the viewer now and then."""
    from napari_dip.compute.device import used_bytes

    woken = -_WAKE_EVERY_S
    try:
        while not exchange.unwanted:
            exchange.post(next(steps))
            if time.monotonic() - woken >= _WAKE_EVERY_S:
                woken = time.monotonic()
                exchange.used_bytes = used_bytes(exchange.place) if exchange.place else 0
                yield
    except StopIteration as end:
        exchange.result = end.value
    finally:
        steps.close()


_PATIENCE_S = 10.0
"""How long a scheduler may take to answer: somebody waits before the window."""


@dataclass(frozen=True)
class Work:
    """A restoration that waits to be started."""

    problem: Problem
    output: Output
    steps: Restoration


@contextmanager
def begin(
    source: LayerInput,
    settings: Settings,
    target: Target,
    machines: Machines,
    stop_requested: Callable[[], bool],
) -> Iterator[Work]:
    """Have what a restoration needs as long as the body runs.

    Raises
    ------
    NapariDipError
        If no machines can be had, or anything is wrong with the image, the mask, the settings or
        the target.
    """
    # Loading torch takes seconds: here, in a thread of its own, it holds up nobody.
    from napari_dip.image.problem import make_problem
    from napari_dip.image.restore import run

    if machines == Machines():
        device, mask = target.device or None, source.whole_mask
        problem = make_problem(source.data, settings, mask, None, device, target.before())
        output = target.open(problem, source)
        kept = target.path is None
        with closing(output):
            yield Work(problem, output, run(problem, output, stop_requested, keep_network=kept))
        return
    from napari_dip.cluster.connect import connect

    with connect(
        settings.device,
        machines.workers,
        machines.scheduler,
        timeout_s=_PATIENCE_S,
        stop_requested=stop_requested,
    ) as pool:
        # connect() checks that the packages are installed: dask is imported after it.
        from napari_dip.cluster.restoration import restore_on_cluster

        assert pool is not None
        problem = make_problem(
            source.data, settings, source.whole_mask, None, pool.device, target.before()
        )
        output = target.open(problem, source)
        steps = restore_on_cluster(
            problem, output, pool.client, stop_requested=stop_requested, threads=pool.threads
        )
        with closing(output):
            yield Work(problem, output, steps)
