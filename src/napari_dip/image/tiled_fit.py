"""Restore a block tile by tile, so that no tile can be told from its neighbour."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import BadMask
from napari_dip.generators import map_steps
from napari_dip.image.tiles import Blend, split_into_tiles
from napari_dip.settings import Inpaint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_dip.dip.loop import Fitted, Iterate
    from napari_dip.image.tiles import Tile
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.restore_block import Restored
    from napari_dip.settings import Settings

__all__ = ["enlarged", "restore_in_tiles", "tiles_of"]


def restore_in_tiles(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    tile: int | None,
    stop_requested: Callable[[], bool],
    at_once: int = 1,
) -> Generator[Iterate, None, Restored]:
    """Restore a block as a whole or in tiles, which takes less memory.

    ``tile`` is the side of the tiles in pixels of the block; ``None`` restores it as a whole. Tiles
    come one after another, the fits of each ``at_once``. All tiles share scale and noise, the
    initial weights, and the number of iterations: that at which the tile with the most contrast
    stopped. So none is smoother than its neighbour. What lies in no tile, as :func:`tiles_of` gives
    them, is NaN, and so are tiles that were not begun when a stop was requested.

    Raises
    ------
    BadMask
        If nothing is known of a tile that is to be inpainted.
    """
    from napari_dip.pipeline.restore_block import Restored, restore_block

    restore_part = partial(
        restore_block, device=device, seed=seed, stop_requested=stop_requested, at_once=at_once
    )
    if tile is None:
        return (yield from restore_part(block, settings))
    factors = tuple(settings.factors.values())
    tiles = tiles_of(block, settings, tile)
    channels, *sides = block.values.shape
    fine_shape = (channels, *(factor * side for factor, side in zip(factors, sides, strict=True)))
    overlaps = tuple(factor * settings.overlap for factor in factors)
    blend, blended_spread = Blend(fine_shape, overlaps), Blend(fine_shape, overlaps)
    has_spread = False
    fits: list[Fitted] = []
    moved = done = 0
    contrasts = [float(block.values[(slice(None), *where)].std()) for where in tiles]
    for number in np.argsort(contrasts, kind="stable")[::-1]:
        where = (slice(None), *tiles[number])
        fine = tuple(
            slice(factor * part.start, factor * part.stop)
            for factor, part in zip(factors, tiles[number], strict=True)
        )
        part = replace(block, values=block.values[where], known=block.known[where])
        before = sum(fitted.iterations for fitted in fits)
        steps = restore_part(part, settings)
        restored = yield from map_steps(steps, partial(_in_place, blend, fine, before))
        restored = replace(restored, last=None)  # its network is let go
        if not fits:
            most = max(fitted.iterations for fitted in restored.fits)
            settings = settings.replace(stopping="fixed", iterations=most)
        fits += restored.fits
        done += 1
        moved = max(moved, restored.moved)
        blend.add(fine, restored.estimate)
        if restored.spread is not None:
            has_spread = True
            blended_spread.add(fine, restored.spread)
        if restored.stopped_by_user:
            break
    spread = blended_spread.image(np.nan) if has_spread else None
    image, how = blend.image(np.nan), restored.arithmetic
    of_tiles = len(tiles)
    return Restored(
        image,
        spread,
        tuple(fits),
        how,
        moved=moved,
        tiles=done,
        of_tiles=of_tiles,
        steps=restored.steps,
    )


def tiles_of(block: Block, settings: Settings, tile: int) -> list[Tile]:
    """Cut a block into tiles, but for those around an image, of which nothing is known.

    Raises
    ------
    BadMask
        If nothing is known of a tile that is to be inpainted.
    """
    tiles = split_into_tiles(block.values.shape[1:], tile, settings.overlap)
    seen = [where for where in tiles if block.known[(slice(None), *where)].any()]
    if len(seen) < len(tiles) and isinstance(settings.task, Inpaint):
        hidden = next(where for where in tiles if where not in seen)
        raise BadMask(
            f"nothing is known of the tile of {tile} pixels at {hidden}: choose larger tiles "
            "(tile), or give more memory"
        )
    return seen


def _in_place(
    blend: Blend,
    fine: tuple[slice, ...],
    before: int,
    iterate: Iterate,
) -> Iterate:
    """Show a tile among those that are done, with their iterations counted."""
    picture = iterate.estimate
    if picture is not None:
        picture = blend.image(np.nan)
        picture[(slice(None), *fine)] = iterate.estimate
    return replace(iterate.after(before), estimate=picture)


def enlarged(values: NDArray[np.float32], factors: tuple[int, ...]) -> NDArray[np.float32]:
    """Repeat each pixel of ``(channels, *spatial)``, to stand for what is not restored yet."""
    for axis, factor in enumerate(factors, start=1):
        values = values.repeat(factor, axis) if factor > 1 else values
    return values
