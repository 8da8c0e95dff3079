"""Run a step, tell how far its filter is, and interrupt it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.checkpoint import Interrupted, watched
from napari_dip.compute.shared_processor import LoadAwareThreads
from napari_dip.dip.loop import without_fit
from napari_dip.generators import map_steps

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_dip.pipeline.steps import Context, Data, Step
    from napari_dip.progress import Snapshot

__all__ = ["interrupted", "run_step"]


def run_step(step: Step, data: Data, context: Context) -> Generator[Snapshot, None, Data]:
    """Run a step. A filter tells how far it is, and can be interrupted.

    An interrupted filter leaves the estimate as it was, averaged with the first one.
    """
    return _run_watched(step, data, context) if step.filter_passes else step.run(data, context)


def _run_watched(step: Step, data: Data, context: Context) -> Generator[Snapshot, None, Data]:
    done, threads = 0.0, LoadAwareThreads()
    monitor, work = context.monitor, step.filter_passes * data.block.filtered_pixels

    def see(pixels: float) -> None:
        nonlocal done
        done += pixels
        threads.adjust()  # a filter gives the same bytes with any number
        monitor.stop_requested()
        monitor.report("filter", min(1.0, done / work))
        if monitor.overdue():
            raise Interrupted

    try:
        return (yield from map_steps(step.run(data, context), _same, partial(watched, see)))
    except Interrupted:
        return interrupted(data)
    finally:
        threads.reset()


def interrupted(data: Data) -> Data:
    """Return the data of a step that was interrupted: the best estimate so far.

    Before the fit it is the first estimate, or the noisy image.
    """
    estimate, first = data.estimate, None if data.first is None else data.first.fine
    if estimate is None:
        assert data.observation is not None
        estimate = data.observation.y[0].cpu().numpy() if first is None else first
    elif first is not None:
        estimate = np.float32(0.5) * (estimate + first)
    fits = tuple(replace(fitted, stopped_by_user=True) for fitted in data.fits)
    return replace(data, estimate=estimate, fits=fits or (without_fit(estimate, stopped=True),))


def _same(snapshot: Snapshot) -> Snapshot:
    return snapshot
