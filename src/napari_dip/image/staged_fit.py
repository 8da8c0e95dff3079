"""Run both stages of a super-resolution: denoise the block, then refine its pixels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.generators import map_steps
from napari_dip.image.tiled_fit import enlarged
from napari_dip.pipeline.stages import stages

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.restore_block import Restored
    from napari_dip.progress import Monitor, Snapshot
    from napari_dip.settings import Settings

    RestoreStage = Callable[..., Generator[Snapshot, None, Restored]]

__all__ = ["most_iterations", "restore_in_stages"]


def restore_in_stages(
    block: Block,
    settings: Settings,
    monitor: Monitor,
    restore: RestoreStage,
) -> Generator[Snapshot, None, Restored]:
    """Restore a block in one or two stages; ``restore`` restores one stage."""
    *noisy, last = stages(block, settings)
    if not noisy:
        return restore(*last, monitor=monitor)
    return _restore_both(noisy[0], last, monitor, restore)


def _restore_both(
    noisy: tuple[Block, Settings],
    last: tuple[Block, Settings],
    monitor: Monitor,
    restore: RestoreStage,
) -> Generator[Snapshot, None, Restored]:
    """Denoise a block, then refine its pixels."""
    clean, refining = last
    factors = tuple(refining.factors.values())
    on_fine_pixels = monitor.through(partial(enlarged, factors=factors))
    denoised = yield from restore(*noisy, monitor=on_fine_pixels)
    fits = denoised.fits
    if denoised.stopped_by_user:
        estimate = enlarged(denoised.estimate, factors)
        return replace(denoised, estimate=estimate, last=None)

    done = sum(fitted.iterations for fitted in fits)
    # A tile that was not restored is NaN.
    values = np.where(clean.known, denoised.estimate, clean.values)
    refined = replace(clean, values=values)
    steps = restore(refined, refining, monitor=monitor.after(done))
    restored = yield from map_steps(steps, lambda snapshot: replace(snapshot, denoising=done))
    return replace(
        restored,
        before=fits,
        moved=denoised.moved,
        steps=(*denoised.steps, *restored.steps),
    )


def most_iterations(block: Block, settings: Settings, tiles: int) -> int:
    """Return the most iterations of a block that is restored in so many tiles."""
    from napari_dip.pipeline.facts import measure
    from napari_dip.pipeline.resolve import resolve

    # Without registration, which takes long: shifts do not change the number of iterations.
    pipelines = (
        resolve(measure(part, register=False), stage) for part, stage in stages(block, settings)
    )
    return tiles * sum(pipeline.most_iterations for pipeline in pipelines)
