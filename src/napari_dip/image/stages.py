"""Super-resolution of a noisy block: the noise first, then the pixels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.generators import map_steps
from napari_dip.image.tiled_fit import enlarged
from napari_dip.pipeline.turns import denoises_first, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_dip.dip.loop import Iterate
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.ensemble import Restored
    from napari_dip.settings import Settings

__all__ = ["in_stages", "most_iterations", "restore_in_stages"]


def in_stages(block: Block, settings: Settings) -> tuple[tuple[Block, Settings], ...]:
    """Say what is fitted one after the other, and how; the last is given what the first made.

    What is to be super-resolved is denoised before, if it has noise: behind an operator that mixes
    pixels the noise could neither be stabilised nor told from texture by patches, and each network
    would have to stop before it.
    """
    from napari_dip.noise.model import NoiseModel
    from napari_dip.pipeline.block import has_noise

    if not denoises_first(settings):
        return ((block, settings),)
    clean = replace(block, noises=(NoiseModel(),) * len(block.noises))
    if not has_noise(block):
        return ((clean, settings.replace(noise="none")),)
    denoising, refining = in_turn(settings)
    # The point spread function blurs what has fine pixels.
    return (replace(block, psf=None), denoising), (clean, refining)


def restore_in_stages(
    block: Block,
    settings: Settings,
    restore: Callable[[Block, Settings], Generator[Iterate, None, Restored]],
) -> Generator[Iterate, None, Restored]:
    """Restore a block in its stages, each as ``restore`` does."""
    *noisy, (clean, refining) = in_stages(block, settings)
    if not noisy:
        return (yield from restore(clean, refining))

    factors = tuple(settings.factors.values())
    denoised = yield from map_steps(restore(*noisy[0]), partial(_on_fine_pixels, factors))
    fits, spread = denoised.fits, denoised.spread
    if spread is not None:
        spread = enlarged(spread, factors)
    if denoised.stopped_by_user:
        estimate = enlarged(denoised.estimate, factors)
        return replace(denoised, estimate=estimate, spread=spread, last=None)

    done = sum(fitted.iterations for fitted in fits)
    values = np.where(clean.known, denoised.estimate, clean.values)  # some may be no numbers
    fitting = restore(replace(clean, values=values), refining)
    restored = yield from map_steps(fitting, lambda iterate: iterate.after(done))
    if spread is not None and restored.spread is not None:
        spread = np.hypot(spread, restored.spread)
    return replace(restored, spread=spread, before=fits, moved=denoised.moved)


def most_iterations(block: Block, settings: Settings, tiles: int) -> int:
    """Say how many iterations the restoration of a block may take, in so many tiles."""
    from napari_dip.pipeline.block import block_recipe

    recipes = [block_recipe(*stage)[0] for stage in in_stages(block, settings)]
    return tiles * sum(recipe.iterations * recipe.members for recipe in recipes)


def _on_fine_pixels(factors: tuple[int, ...], iterate: Iterate) -> Iterate:
    """Show coarse pixels where the result will be."""
    picture: NDArray[np.float32] | None = iterate.estimate
    return iterate if picture is None else replace(iterate, estimate=enlarged(picture, factors))
