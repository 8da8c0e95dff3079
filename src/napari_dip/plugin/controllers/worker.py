"""Restore in a worker thread."""

from __future__ import annotations

import logging
import time
import traceback
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import NapariDipError
from napari_dip.plugin.controllers.channel import WAKE_INTERVAL_S, PreparedRun
from napari_dip.plugin.models.layer_output import preview_layer_data, to_layer_data
from napari_dip.plugin.models.point_spread import problem_of
from napari_dip.plugin.models.run_request import ComputeOptions

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration
    from napari_dip.image.sink import Sink
    from napari_dip.plugin.controllers.channel import WorkerChannel
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.target import Target
    from napari_dip.settings import Settings

__all__ = ["deep_image_prior_restoration", "prepare_run"]

logger = logging.getLogger(__name__)

SCHEDULER_TIMEOUT_S = 10.0  # seconds that a scheduler may take to answer while the user waits


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
    from napari_dip.image.restore import run

    if compute == ComputeOptions():
        channel.progress.report("noise")
        problem = problem_of(source, settings, target.device or None, target.recorded_tiling())
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
        problem = problem_of(source, settings, pool.device, target.recorded_tiling())
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
        channel.steps = result.continued(
            channel.more,
            stop_requested=channel.stop_requested,
            report=channel.progress.report,
        )
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
