"""Restore a block in tiles that overlap and are blended."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import BadMask
from napari_dip.image.tiles import Blend, split_into_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_dip.dip.loop import FitResult
    from napari_dip.image.tiles import Tile
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.restore_block import Restored
    from napari_dip.progress import Monitor, Snapshot
    from napari_dip.settings import Settings

__all__ = ["enlarged", "restore_in_tiles", "tiles_of"]


def restore_in_tiles(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    tile: int | None,
    monitor: Monitor,
    at_once: int = 1,
) -> Generator[Snapshot, None, Restored]:
    """Restore a block as a whole or in tiles, which takes less memory.

    The tile with the most contrast is first. The others take as many iterations as it did, so that
    all are equally smooth. All tiles share the scale, the noise model and the initial weights.

    Parameters
    ----------
    block, settings, device, seed, monitor, at_once
        As in :func:`~napari_dip.pipeline.restore_block.restore_block`.
    tile
        The side of the tiles in pixels of the block; ``None`` restores it as a whole.

    Returns
    -------
    Restored
        NaN where no tile lies, as :func:`tiles_of` returns them, and in tiles that had not begun
        when a stop was requested.

    Raises
    ------
    BadMask
        If a tile that is to be inpainted has no known pixel.
    """
    from napari_dip.pipeline.restore_block import restore_block

    restore_part = partial(restore_block, device=device, seed=seed, at_once=at_once)
    if tile is None:
        return restore_part(block, settings, monitor=monitor)
    return _restore_each_tile(block, settings, tile, monitor, restore_part)


def _restore_each_tile(
    block: Block,
    settings: Settings,
    tile: int,
    monitor: Monitor,
    restore_part: Callable[..., Generator[Snapshot, None, Restored]],
) -> Generator[Snapshot, None, Restored]:
    """Restore the tiles one after another, and blend them."""
    from napari_dip.pipeline.restore_block import Restored

    factors = tuple(settings.factors.values())
    tiles = tiles_of(block, settings, tile)
    channels, *sides = block.values.shape
    fine_shape = (channels, *(factor * side for factor, side in zip(factors, sides, strict=True)))
    overlaps = tuple(factor * settings.overlap for factor in factors)
    blend = Blend(fine_shape, overlaps)
    fits: list[FitResult] = []
    moved = done = 0
    contrasts = [float(block.values[(slice(None), *where)].std()) for where in tiles]
    for number in np.argsort(contrasts, kind="stable")[::-1]:
        where = (slice(None), *tiles[number])
        fine = tuple(
            slice(factor * part.start, factor * part.stop)
            for factor, part in zip(factors, tiles[number], strict=True)
        )
        part = replace(
            block,
            values=block.values[where],
            known=block.known[where],
            start=tuple(side.start for side in tiles[number]),
            sides_of_unit=tuple(sides),
        )
        after = monitor.after(sum(fitted.iterations for fitted in fits))
        beside = after.through(partial(_beside_other_tiles, blend, fine))
        restored = yield from restore_part(part, settings, monitor=beside)
        restored = replace(restored, last=None)  # frees its network
        fits += restored.fits
        done += 1
        moved = max(moved, restored.moved)
        blend.add(fine, restored.estimate)
        if restored.stopped_by_user:
            break
        if done == 1:
            most = max(fitted.iterations for fitted in restored.fits)
            settings = settings.replace(stopping="fixed", iterations=most)
    image, how = blend.image(np.nan), restored.arithmetic
    of_tiles = len(tiles)
    return Restored(
        image,
        tuple(fits),
        how,
        moved=moved,
        tiles=done,
        of_tiles=of_tiles,
        steps=restored.steps,
    )


def tiles_of(block: Block, settings: Settings, tile: int) -> list[Tile]:
    """Return the tiles of a block that have a known pixel.

    Raises
    ------
    BadMask
        If a tile that is to be inpainted has no known pixel.
    """
    tiles = split_into_tiles(block.values.shape[1:], tile, settings.overlap)
    observed = [where for where in tiles if block.known[(slice(None), *where)].any()]
    if len(observed) < len(tiles) and settings.task.fills_gaps:
        hidden = next(where for where in tiles if where not in observed)
        raise BadMask(
            f"the tile of {tile} pixels at {hidden} has no known pixel; choose larger tiles "
            "(tile), or give more memory"
        )
    return observed


def _beside_other_tiles(
    blend: Blend, fine: tuple[slice, ...], estimate: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put a preview of a tile beside the tiles that are done."""
    whole = blend.image(np.nan)
    whole[(slice(None), *fine)] = estimate
    return whole


def enlarged(values: NDArray[np.float32], factors: tuple[int, ...]) -> NDArray[np.float32]:
    """Repeat each pixel of ``(channels, *spatial)`` by a factor along each spatial axis."""
    for axis, factor in enumerate(factors, start=1):
        values = values.repeat(factor, axis) if factor > 1 else values
    return values
