"""Restore in a worker thread, and exchange snapshots with the main thread."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import NapariDipError
from napari_dip.plugin.models.layer_output import preview_layer_data, to_layer_data
from napari_dip.plugin.models.run_request import ComputeOptions
from napari_dip.plugin.models.stage_progress import StageProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration, Result
    from napari_dip.image.sink import Sink
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData
    from napari_dip.plugin.models.target import Target
    from napari_dip.progress import Snapshot
    from napari_dip.settings import Settings

__all__ = ["PreparedRun", "WorkerChannel", "deep_image_prior_restoration", "prepare_run"]

logger = logging.getLogger(__name__)

WAKE_INTERVAL_S = 0.2  # seconds between two updates of the viewer

SCHEDULER_TIMEOUT_S = 10.0  # seconds that a scheduler may take to answer while the user waits


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def _never() -> bool:
    return False


@dataclass(eq=False)
class WorkerChannel:
    """Data that the worker thread and the main thread share.

    Images are not queued: a new one replaces one that was not taken, so that a slow viewer costs
    neither memory nor time.

    Attributes
    ----------
    stopping
        Set by the viewer to end the run and keep the best result so far.
    discarding
        Set by the viewer to end the run without a result.
    closing_napari
        Return whether napari closes: it waits for the worker, and its buttons have no effect.
    running
        Cleared by the viewer to pause the run, and set to resume it.
    earlier, more
        A result to continue, and the number of iterations; ``None`` for a new run.
    progress
        The stage of the run and how far it is.
    device, used_bytes
        The device, and its memory in use.
    initial
        The layer data at the start, available before the first snapshot.
    result, failure
        The result or the error message; neither if the run was discarded.
    steps
        The restoration, which holds the network.
    prepared
        The problem and the output of a new run, once they are known.
    cleanup
        Resources to close after the steps, such as worker processes.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    discarding: threading.Event = field(default_factory=threading.Event)
    closing_napari: Callable[[], bool] = _never
    running: threading.Event = field(default_factory=_set_event)
    earlier: Result | None = None
    more: int = 0
    progress: StageProgress = field(default_factory=StageProgress)
    device: str = ""
    used_bytes: int = 0
    initial: LayerData | None = None
    result: Result | None = None
    failure: str | None = None
    steps: Restoration | None = None
    prepared: PreparedRun | None = None
    cleanup: ExitStack = field(default_factory=ExitStack)
    _latest_image: Snapshot | None = None
    _unread: list[Snapshot] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cancelled(self) -> bool:
        """Whether the result is not needed any more."""
        return self.discarding.is_set() or self.closing_napari()

    def stop_requested(self) -> bool:
        """Return whether the restoration must end; during a pause, wait for its end first."""
        while not (ending := self.stopping.is_set() or self.cancelled):
            if self.running.wait(WAKE_INTERVAL_S):
                break
        return ending

    def post(self, snapshot: Snapshot) -> None:
        """Add a snapshot; its image replaces the latest one."""
        self.progress.add(snapshot)
        with self._lock:
            self._unread.append(snapshot.without_image())
            if snapshot.image is not None:
                self._latest_image = snapshot

    def take(self) -> tuple[list[Snapshot], Snapshot | None]:
        """Take all new snapshots without their images, and the latest one with an image."""
        with self._lock:
            taken = self._unread, self._latest_image
            self._unread, self._latest_image = [], None
        return taken

    def clear(self) -> None:
        """Release all memory, that of the network first."""
        if self.steps is not None:
            self.steps.close()
        self.cleanup.close()
        self.closing_napari = _never
        self.steps = self.prepared = self._latest_image = self.initial = None
        self.result = self.earlier = None


@dataclass(frozen=True)
class PreparedRun:
    """A restoration that is ready to start."""

    problem: Problem
    output: Sink
    steps: Restoration

    def complete_units(self, elapsed_s: float) -> Result | None:
        """Return a result of the units that were complete before a failure, or ``None``."""
        from napari_dip.image.restore import conclude

        reports = self.output.done()
        if not reports:
            return None
        return conclude(self.problem, self.output, reports, elapsed_s, stopped=True)


@contextmanager
def prepare_run(
    source: LayerInput,
    settings: Settings,
    target: Target,
    compute: ComputeOptions,
    channel: WorkerChannel,
) -> Iterator[PreparedRun]:
    """Prepare a restoration, and keep its output and its workers open during the body.

    The channel gives the stop, and takes the stages.

    Raises
    ------
    NapariDipError
        If no worker is available, or the image, mask, settings or target is not valid.
    """
    # Here, in the worker thread, because loading torch takes seconds.
    from napari_dip.image.problem import make_problem
    from napari_dip.image.restore import run

    if compute == ComputeOptions():
        device, mask = target.device or None, source.whole_mask
        channel.progress.report("noise")
        problem = make_problem(source.data, settings, mask, None, device, target.recorded_tiling())
        output = target.open(problem, source)
        in_memory = target.path is None
        with closing(output):
            _announce_first(problem, output, channel)
            steps = run(
                problem,
                output,
                channel.stop_requested,
                report=channel.progress.report,
                keep_network=in_memory,
            )
            yield PreparedRun(problem, output, steps)
        return
    from napari_dip.cluster.connect import connect

    with connect(
        settings.device,
        compute.workers,
        compute.scheduler,
        timeout_s=SCHEDULER_TIMEOUT_S,
        stop_requested=channel.stop_requested,
    ) as pool:
        channel.progress.report("noise")
        # After connect(), which checks that dask is installed.
        from napari_dip.cluster.restoration import restore_on_cluster

        assert pool is not None
        problem = make_problem(
            source.data, settings, source.whole_mask, None, pool.device, target.recorded_tiling()
        )
        output = target.open(problem, source)
        steps = restore_on_cluster(
            problem,
            output,
            pool.client,
            stop_requested=channel.stop_requested,
            threads=pool.threads,
        )
        with closing(output):
            yield PreparedRun(problem, output, steps)


def _announce_first(problem: Problem, output: Sink, channel: WorkerChannel) -> None:
    """Name the first of several units."""
    from napari_dip.image.coverage import place_in_words

    plan, done = problem.plan, dict(output.done())
    todo = [unit for unit in plan.units if unit.number not in done]
    if todo and len(plan.units) > 1:
        first = place_in_words(plan.layout, todo[0].index)
        channel.progress.begin(first, len(plan.units), plan.units_at_once)


def deep_image_prior_restoration(
    source: LayerInput,
    settings: Settings,
    channel: WorkerChannel,
    target: Target,
    compute: ComputeOptions,
) -> Generator[None, None, None]:
    """Restore in the worker thread; each yield tells the viewer to take the new snapshots.

    Errors go to the channel: a generator worker drops a ``RuntimeError``, such as that of a full
    memory, without any signal.
    """
    channel.progress.report("reading")
    try:
        yield from _restore(source, settings, channel, target, compute)
    except NapariDipError as error:
        channel.failure = str(error)
    except Exception as error:  # noqa: BLE001 - every error must reach the user
        # As text: a traceback keeps the tensors of its frames in memory.
        logger.error("%s", "".join(traceback.format_exception(error)))
        channel.failure = (
            f"The restoration of '{source.name}' failed ({type(error).__name__}: {error}). The "
            "image is unchanged. Try a smaller part of it, or the device 'cpu'. If that does not "
            "help, report it with the text in the terminal."
        )


def _restore(
    source: LayerInput,
    settings: Settings,
    channel: WorkerChannel,
    target: Target,
    compute: ComputeOptions,
) -> Generator[None, None, None]:
    if channel.earlier is not None:
        result = channel.earlier
        _, keywords, kind = to_layer_data(result, source)
        keywords.pop("metadata")  # the record of a complete result
        channel.initial = np.array(result.image), keywords, kind
        channel.device = result.device
        channel.steps = result.continued(channel.more, stop_requested=channel.stop_requested)
        yield from _post_each(channel.steps, channel)
        return
    with channel.cleanup as cleanup:
        prepared = cleanup.enter_context(prepare_run(source, settings, target, compute, channel))
        channel.initial = preview_layer_data(source, prepared.problem, prepared.output)
        channel.device = prepared.problem.device if compute == ComputeOptions() else ""
        channel.steps, channel.prepared = prepared.steps, prepared
        yield from _post_each(prepared.steps, channel)
        if channel.result is not None:
            channel.result = target.displayable(channel.result, channel.initial[0])


def _post_each(steps: Restoration, channel: WorkerChannel) -> Generator[None, None, None]:
    """Post each snapshot, and yield at most a few times per second."""
    from napari_dip.compute.device import used_bytes

    woken = -WAKE_INTERVAL_S
    try:
        while not channel.cancelled:
            channel.post(next(steps))
            if time.monotonic() - woken >= WAKE_INTERVAL_S:
                woken = time.monotonic()
                channel.used_bytes = used_bytes(channel.device) if channel.device else 0
                yield
    except StopIteration as end:
        channel.progress.report("saving")
        channel.result = end.value
    finally:
        steps.close()
