"""Restore one block: measure it, resolve its pipeline, run the steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from napari_dip.compute.concurrency import threads_per_fit
from napari_dip.compute.device import cpu_threads, torch_errors
from napari_dip.pipeline.conditions import may_align
from napari_dip.pipeline.facts import measure
from napari_dip.pipeline.first_estimate import FirstEstimate
from napari_dip.pipeline.precision import choose_arithmetic
from napari_dip.pipeline.resolve import resolve
from napari_dip.pipeline.run_step import run_step
from napari_dip.pipeline.steps import Align, Context, Data, Stabilise, with_previews
from napari_dip.progress import Monitor

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.dip.loop import FitResult
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.resolve import Pipeline
    from napari_dip.progress import Snapshot
    from napari_dip.settings import Settings

__all__ = [
    "Prepared",
    "Restored",
    "continue_block",
    "pipeline_of",
    "prepare",
    "prepare_member",
    "restore_block",
]


@dataclass(frozen=True)
class Prepared:
    """A pipeline with the data and the context that it runs on."""

    pipeline: Pipeline
    data: Data
    context: Context


@dataclass(frozen=True)
class Restored:
    """A restored block, and how its fits ended.

    Parameters
    ----------
    estimate
        float32, ``(channels, *spatial)``.
    fits
        How each member ended.
    arithmetic
        The precision of the convolutions, on the CPU the number of threads, and on CUDA whether an
        iteration was one graph.
    last
        What is needed to continue the fit of a single member.
    before
        The fits of an earlier stage, which removed the noise.
    moved
        By how many pixels aligned planes lay apart at most.
    tiles, of_tiles
        Tiles that were restored, and all of them; the others are NaN.
    steps
        What was done, a sentence each.
    """

    estimate: NDArray[np.float32]
    fits: tuple[FitResult, ...]
    arithmetic: str
    last: Prepared | None = None
    before: tuple[FitResult, ...] = ()
    moved: int = 0
    tiles: int = 1
    of_tiles: int = 1
    steps: tuple[str, ...] = ()

    @property
    def iterations(self) -> int:
        """Iterations of all fits of both stages."""
        return sum(fitted.iterations for fitted in (*self.before, *self.fits))

    @property
    def stopped_by_user(self) -> bool:
        """Whether a fit was interrupted."""
        return any(fitted.stopped_by_user for fitted in self.fits)


def pipeline_of(block: Block, settings: Settings) -> Pipeline:
    """Measure a block, and resolve its steps."""
    register = may_align(settings, blurred=block.psf is not None)
    return resolve(measure(block, register=register), settings)


def restore_block(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    monitor: Monitor = Monitor(),
    at_once: int = 1,
) -> Generator[Snapshot, None, Restored]:
    """Restore one block.

    Parameters
    ----------
    block, settings
        What, and how.
    device
        A name as :func:`~napari_dip.compute.device.choose_device` returns it.
    seed
        Of the block.
    monitor
        How the caller stops the fits, which then keep the best estimate so far, and sees their
        previews.
    at_once
        How many fits are computed at the same time.

    Yields
    ------
    Snapshot
        The iterations of all fits are counted as if the fits ran one after the other.
    """
    return _run(prepare(block, settings, device, seed, monitor, at_once))


def prepare(
    block: Block,
    settings: Settings,
    device: str,
    seed: int,
    monitor: Monitor = Monitor(),
    at_once: int = 1,
) -> Prepared:
    """Resolve the pipeline of a block, and choose the arithmetic of the device."""
    pipeline, place = pipeline_of(block, settings), torch.device(device)
    threads = threads_per_fit(cpu_threads(), at_once)
    ndim = block.values.ndim - 1
    arithmetic = choose_arithmetic(pipeline.recipe.precision, place, ndim, threads)
    context = Context(place, seed, arithmetic, monitor, settings.preview_every_s, at_once, threads)
    return Prepared(pipeline, Data(block), context)


def prepare_member(
    block: Block, settings: Settings, device: str, seed: int, number: int = 0
) -> Prepared:
    """Prepare one ensemble member up to its fit: the data hold its observation."""
    whole = prepare(block, settings, device, seed)
    data = whole.data
    for step in whole.pipeline.every_step:
        if isinstance(step, Align | Stabilise | FirstEstimate):
            data = step.apply(data, whole.context)
    return Prepared(whole.pipeline, data, replace(whole.context, member=number))


def _run(prepared: Prepared) -> Generator[Snapshot, None, Restored]:
    pipeline, context, data = prepared.pipeline, prepared.context, prepared.data
    with torch_errors(context.device):
        for step, monitored in with_previews(pipeline.steps, context):
            data = yield from run_step(step, data, monitored)
    assert data.estimate is not None
    on_cpu = context.device.type == "cpu"
    how = f"threads: {context.threads}" if on_cpu else data.fits[-1].launch_mode
    kept = replace(
        prepared,
        data=Data(prepared.data.block, first=data.first, fit_state=data.fit_state),
        context=replace(context, monitor=Monitor()),  # which may hold the image
    )
    return Restored(
        data.estimate,
        data.fits,
        ", ".join(filter(None, [str(context.arithmetic), how])),
        last=None if data.fit_state is None else kept,
        moved=pipeline.largest_shift,
        steps=tuple(pipeline.sentences()),
    )


def continue_block(
    restored: Restored, iterations: int, monitor: Monitor
) -> Generator[Snapshot, None, Restored]:
    """Continue the only fit of a block, and run the steps after it again.

    The fit is taken over: ``restored`` cannot be continued a second time.

    Raises
    ------
    ValueError
        If it is the mean of several fits.
    """
    if restored.last is None:
        raise ValueError("the mean of several fits cannot be continued")
    last = restored.last
    assert last.data.fit_state is not None
    longer = last.pipeline.with_iterations(last.data.fit_state.iteration + iterations)
    context = replace(last.context, monitor=monitor)
    again = yield from _run(replace(last, pipeline=longer, context=context))
    return replace(restored, estimate=again.estimate, fits=again.fits, last=again.last)
