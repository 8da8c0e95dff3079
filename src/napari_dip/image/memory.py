"""How much memory a unit takes, and the tile that fits into what there is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from napari_dip.errors import BadSettings
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.stages import denoises_first, stage_settings

if TYPE_CHECKING:
    from napari_dip.image.axes import Layout
    from napari_dip.settings import Settings

__all__ = ["choose_at_once", "choose_tile", "peak_bytes"]

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

_FILLED, _MOST = 2**20, 8
"""Pixels that keep a GPU busy, and the most fits that share it: guesses, for nobody measured it."""

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
        return max(fit, peak_bytes(stage_settings(settings)[0], coarse, channels, precision))
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
    budget = _budget(settings, device)
    if budget is None:
        return None  # a device of another machine
    height, width = layout.spatial_shape[-2:]
    need = _Fit(settings, layout, channels).need
    if need(height, width) <= budget:
        return None
    need = _Fit(settings, layout, channels, device).need
    if need(height, width) <= budget:
        return None
    held = _held(settings, layout, channels)
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


def choose_at_once(
    settings: Settings, layout: Layout, channels: int, device: str, tile: int | None, fits: int
) -> int:
    """Choose how many of so many fits are computed at the same time.

    As many as there are threads, or as keep a GPU busy, if the memory does for all of them. What
    was asked for is taken as it is.
    """
    if settings.at_once is not None or fits == 1:
        return min(settings.at_once or 1, fits)
    height, width = (min(side, tile or side) for side in layout.spatial_shape[-2:])
    most = min(fits, _room(device, height * width * _depth(settings, layout)))
    budget = _budget(settings, device)
    if most == 1 or budget is None:
        return 1
    held = _held(settings, layout, channels)
    if most * (held + _Fit(settings, layout, channels).need(height, width)) <= budget:
        return most
    each = held + _Fit(settings, layout, channels, device).need(height, width)
    return max(1, min(most, budget // each))


def _room(device: str, pixels: int) -> int:
    """Tell how many fits of so many pixels a device computes as fast as one, or nearly so."""
    from napari_dip.compute.device import cpu_threads

    if device == "cpu":
        return cpu_threads()
    return min(_MOST, max(1, _FILLED // pixels)) if device.startswith("cuda") else 1


def _budget(settings: Settings, device: str) -> int | None:
    """Tell how many bytes may be taken; ``None`` if nobody knows."""
    from napari_dip.compute.device import free_bytes

    if settings.memory_bytes is not None:
        grown = psutil.Process().memory_info().rss if device == "cpu" else 0
        return int(_KEPT * settings.memory_bytes) - grown
    free = free_bytes(device)
    return None if free is None else int(_PART * free)


def _depth(settings: Settings, layout: Layout) -> int:
    """Tell how many pixels of the result there are for each of a plane of the image."""
    return math.prod(layout.spatial_shape[:-2]) * math.prod(settings.factors.values())


def _held(settings: Settings, layout: Layout, channels: int) -> int:
    """Tell how many bytes a whole unit takes beside its tiles."""
    pixels = _depth(settings, layout) * math.prod(layout.spatial_shape[-2:])
    return _HELD * pixels * channels


class _Fit:
    """What a fit takes: in float32, or in the arithmetic of a device, which is measured for it."""

    def __init__(
        self, settings: Settings, layout: Layout, channels: int, device: str | None = None
    ) -> None:
        from napari_dip.pipeline.conditions import may_align
        from napari_dip.pipeline.precision import choose_arithmetic

        self._settings, self._channels = settings, channels
        self._depth = _depth(settings, layout)
        self._precision: str = "float32"
        if device is not None:
            asked = recipe(settings).precision
            self._precision = choose_arithmetic(asked, device, layout.ndim).precision
        # Planes that are aligned lie on a larger canvas.
        self._moves = (
            channels > 1 and layout.shared not in ("", "C") and may_align(settings, blurred=False)
        )

    def need(self, height: int, width: int) -> int:
        """Tell how many bytes so many pixels of the image take at once."""
        from napari_dip.pipeline.registration import max_growth

        if self._moves:
            height, width = (side + max_growth(side) for side in (height, width))
        pixels = self._depth * height * width
        return peak_bytes(self._settings, pixels, self._channels, self._precision)


def _cure(settings: Settings) -> str:
    """Say what takes less memory than these settings."""
    cures = [
        "give more" if settings.memory else "",
        "choose a smaller factor" if math.prod(settings.factors.values()) > 1 else "",
        "restore fewer planes together (window)" if (settings.window or 1) > 1 else "",
        "restore a part of the image",
    ]
    return ", or ".join(cure for cure in cures if cure)
