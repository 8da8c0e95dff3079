"""How much memory a unit takes, and the tile that fits into what there is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from napari_dip.errors import BadSettings
from napari_dip.prior.presets import recipe
from napari_dip.prior.turns import denoises_first, in_turn

if TYPE_CHECKING:
    from napari_dip.settings import Settings
    from napari_dip.stack.axes import Layout

__all__ = ["choose_tile", "peak_bytes"]

MEGA = 1_000_000


@dataclass(frozen=True)
class _Need:
    """Bytes that a fit takes at most: at all, a pixel, and a pixel and channel."""

    fixed: int
    pixel: int
    channel: int


# By what a process grew on the CPU (torch 2.13), at 256² to 1024² pixels and 1 to 10 channels, with
# a tenth to spare; measured again by a test.
_NEEDS = {
    ("fast", "bfloat16"): _Need(250 * MEGA, 1000, 130),
    ("fast", "float32"): _Need(250 * MEGA, 1700, 130),
    ("paper", "bfloat16"): _Need(250 * MEGA, 6600, 130),
    ("paper", "float32"): _Need(250 * MEGA, 7500, 130),
}

_REFINING = _Need(150 * MEGA, 0, 40)
"""What the refinement takes beside it: so many patches at a time, and a few copies."""

_HELD = 30
"""Bytes a value of a whole unit takes, beside the tile: seen, scaled, blended, written."""

_SMALLEST = 96
_STEP = 32
_PART = 0.8
"""Of the memory that is free, what is taken if nobody says how much."""

_KEPT = 0.9
"""Of the memory that was given, what is counted on: some is lost between blocks."""


def peak_bytes(settings: Settings, pixels: int, channels: int, precision: str) -> int:
    """Say how much memory one fit takes at most.

    Parameters
    ----------
    settings
        What was asked.
    pixels, channels
        Of the result, at once.
    precision
        Of the convolutions, ``"float32"`` or ``"bfloat16"``.
    """
    need = _NEEDS["paper" if settings.preset == "paper" else "fast", precision]
    fit = need.fixed + pixels * (need.pixel + need.channel * channels)
    if denoises_first(settings):
        coarse = pixels // math.prod(settings.factors.values())
        return max(fit, peak_bytes(in_turn(settings)[0], coarse, channels, precision))
    if not recipe(settings).refinement:
        return fit
    return fit + _REFINING.fixed + pixels * _REFINING.channel * channels


def choose_tile(settings: Settings, layout: Layout, channels: int, device: str) -> int | None:
    """Choose the side of the tiles, in pixels of the image; ``None`` where it fits as a whole.

    Raises
    ------
    BadSettings
        If not even a small tile fits into the memory that was given.
    """
    if settings.tile is not None:
        return settings.tile if settings.tile < max(layout.spatial_shape[-2:]) else None
    from napari_dip.prior.align import aligns, margin
    from napari_dip.prior.calibrate import choose_arithmetic
    from napari_dip.prior.device import free_bytes

    depth = math.prod(layout.spatial_shape[:-2]) * math.prod(settings.factors.values())
    precision = "float32"
    # Planes that are aligned lie on a larger canvas.
    moves = channels > 1 and layout.shared not in ("", "C") and aligns(settings, None)

    def need(height: int, width: int) -> int:
        if moves:
            height, width = (side + margin(side) for side in (height, width))
        return peak_bytes(settings, depth * height * width, channels, precision)

    free = free_bytes(device)
    if settings.memory_bytes is not None:
        grown = psutil.Process().memory_info().rss if device == "cpu" else 0
        budget = int(_KEPT * settings.memory_bytes) - grown
    elif free is not None:
        budget = int(_PART * free)
    else:
        return None  # a device of another machine
    height, width = layout.spatial_shape[-2:]
    if need(height, width) <= budget:
        return None
    precision = choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision
    if need(height, width) <= budget:
        return None
    held = _HELD * depth * height * width * channels
    largest = max(height, width) // _STEP * _STEP
    for side in range(largest, _SMALLEST - 1, -_STEP):
        if held + need(min(side, height), min(side, width)) <= budget:
            return side
    given = f"memory={settings.memory!r}" if settings.memory else "the memory that is free"
    raise BadSettings(
        f"{given} leaves {max(0, budget) / MEGA:,.0f} MB to work in; what is restored at once "
        f"takes {held / MEGA:,.0f} MB, and a tile of {_SMALLEST} pixels "
        f"{need(_SMALLEST, _SMALLEST) / MEGA:,.0f} MB more; {_cure(settings)}"
    )


def _cure(settings: Settings) -> str:
    """Say what takes less memory than these settings."""
    cures = [
        "give more" if settings.memory else "",
        "choose a smaller factor" if math.prod(settings.factors.values()) > 1 else "",
        "restore fewer planes together (window)" if (settings.window or 1) > 1 else "",
        "restore a part of the image",
    ]
    return ", or ".join(cure for cure in cures if cure)
