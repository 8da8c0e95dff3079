"""Memory of a restoration: what a fit needs, and the tiles and the concurrency that fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import psutil

from napari_dip.errors import BadSettings
from napari_dip.pipeline.conditions import may_align
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.stages import denoises_first, stage_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.image.axes import Layout
    from napari_dip.settings import Settings

__all__ = ["choose_at_once", "choose_tile", "peak_bytes"]

MEGA = 1_000_000

UNIT_BYTES = 30  # bytes a value of a whole unit, beside its tile: read, scaled, blended, written
FILLED_GPU = 2**20  # pixels that keep a GPU busy: a guess, not measured
MAX_FITS_ON_GPU = 8  # concurrent fits: a guess, not measured
SMALLEST_TILE = 96  # pixels: the side of the smallest tile that is chosen
TILE_STEP = 32  # pixels: tile sides are multiples
USED_OF_FREE = 0.8  # of the free memory, if no amount is given
USED_OF_GIVEN = 0.9  # of the given memory: some is lost between allocations


def peak_bytes(
    settings: Settings,
    channels: int,
    sides: Sequence[int],
    precision: str,
    kernel: tuple[int, ...] = (),
) -> int:
    """Estimate the memory of one fit and its filter, in bytes.

    Parameters
    ----------
    settings
        The settings of the run.
    channels, sides
        The shape of a block of the image, ``(channels, *sides)``.
    precision
        Of the convolutions, ``"float32"`` or ``"bfloat16"``.
    kernel
        The sides of the point spread function; empty if there is none, or if it is unknown.
    """
    from napari_dip.pipeline.facts import assume
    from napari_dip.pipeline.resolve import resolve

    stages = [(settings, kernel)]
    if denoises_first(settings):
        denoising, refining = stage_settings(settings)
        stages = [(denoising, ()), (refining, kernel)]
    pipelines = (
        resolve(assume(stage, channels, sides, kernel=blur), stage) for stage, blur in stages
    )
    return max(one.peak_bytes((channels, *sides), precision) for one in pipelines)


def choose_tile(
    settings: Settings,
    layout: Layout,
    channels: int,
    device: str,
    kernel: tuple[int, ...] = (),
) -> int | None:
    """Choose the side of the tiles, in pixels of the image; ``None`` where a unit fits as a whole.

    Raises
    ------
    BadSettings
        If not even a small tile fits into the memory.
    """
    height, width = layout.spatial_shape[-2:]
    if settings.tile is not None:
        return settings.tile if settings.tile < max(height, width) else None
    budget = _budget(settings, device)
    if budget is None:
        return None  # the memory of another machine is not known

    def need(height: int, width: int, precision: str) -> int:
        return _fit_bytes(settings, layout, channels, (height, width), precision, kernel)

    # The precision of a device is measured, so it is asked for only if float32 needs too much.
    if need(height, width, "float32") <= budget:
        return None
    precision = _precision(settings, layout, device)
    if need(height, width, precision) <= budget:
        return None
    unit = _unit_bytes(settings, layout, channels)
    largest = max(height, width) // TILE_STEP * TILE_STEP
    for side in range(largest, SMALLEST_TILE - 1, -TILE_STEP):
        if unit + need(min(side, height), min(side, width), precision) <= budget:
            return side
    given = f"memory={settings.memory!r}" if settings.memory else "the free memory"
    tile = need(SMALLEST_TILE, SMALLEST_TILE, precision)
    raise BadSettings(
        f"{given} leaves {max(0, budget) / MEGA:,.0f} MB to work in, but the planes that are "
        f"restored together need {unit / MEGA:,.0f} MB, and a tile of {SMALLEST_TILE} pixels "
        f"{tile / MEGA:,.0f} MB more; {_cure(settings)}"
    )


def choose_at_once(
    settings: Settings,
    layout: Layout,
    channels: int,
    device: str,
    tile: int | None,
    fits: int,
    kernel: tuple[int, ...] = (),
) -> int:
    """Choose how many of ``fits`` fits are computed at the same time.

    It is the number of CPU threads, or as many as keep a GPU busy, or fewer if the memory is short.
    ``settings.at_once`` overrides it.
    """
    if settings.at_once is not None or fits == 1:
        return min(settings.at_once or 1, fits)
    sides = tuple(min(side, tile or side) for side in layout.spatial_shape[-2:])
    depth = math.prod(layout.spatial_shape[:-2]) * math.prod(settings.factors.values())
    most = min(fits, _efficient_fits(device, depth * math.prod(sides)))
    budget = _budget(settings, device)
    if most == 1 or budget is None:
        return 1
    unit = _unit_bytes(settings, layout, channels)
    if most * (unit + _fit_bytes(settings, layout, channels, sides, "float32", kernel)) <= budget:
        return most
    precision = _precision(settings, layout, device)
    each = unit + _fit_bytes(settings, layout, channels, sides, precision, kernel)
    return max(1, min(most, budget // each))


def _efficient_fits(device: str, pixels: int) -> int:
    """Return how many fits of so many pixels a device computes in about the time of one."""
    from napari_dip.compute.device import cpu_threads

    if device == "cpu":
        return cpu_threads()
    if not device.startswith("cuda"):
        return 1
    return min(MAX_FITS_ON_GPU, max(1, FILLED_GPU // pixels))


def _budget(settings: Settings, device: str) -> int | None:
    """Return the bytes that may be used; ``None`` if the device is on another machine."""
    from napari_dip.compute.device import free_bytes

    if settings.memory_bytes is not None:
        grown = psutil.Process().memory_info().rss if device == "cpu" else 0
        return int(USED_OF_GIVEN * settings.memory_bytes) - grown
    free = free_bytes(device)
    return None if free is None else int(USED_OF_FREE * free)


def _precision(settings: Settings, layout: Layout, device: str) -> str:
    from napari_dip.pipeline.precision import choose_arithmetic

    return choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision


def _unit_bytes(settings: Settings, layout: Layout, channels: int) -> int:
    """Return the memory of a whole unit, beside its tiles."""
    values = channels * math.prod(layout.spatial_shape) * math.prod(settings.factors.values())
    return UNIT_BYTES * values


def _fit_bytes(
    settings: Settings,
    layout: Layout,
    channels: int,
    sides: Sequence[int],
    precision: str,
    kernel: tuple[int, ...],
) -> int:
    """Return the memory of one fit to a tile with these sides along the last two axes."""
    from napari_dip.pipeline.registration import max_growth

    shares_planes = channels > 1 and layout.shares_planes
    if shares_planes and may_align(settings, blurred=False):
        sides = [side + max_growth(side) for side in sides]  # the canvas of aligned planes
    return peak_bytes(settings, channels, (*layout.spatial_shape[:-2], *sides), precision, kernel)


def _cure(settings: Settings) -> str:
    """Say what takes less memory than these settings."""
    cures = [
        "give more" if settings.memory else "",
        "choose a smaller factor" if math.prod(settings.factors.values()) > 1 else "",
        "restore fewer planes together (window)" if (settings.window or 1) > 1 else "",
        "restore a part of the image",
    ]
    return ", or ".join(cure for cure in cures if cure)
