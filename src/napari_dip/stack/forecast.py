"""How long a restoration will take, and how much memory, roughly, before it begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_dip.prior.recipes import recipe
from napari_dip.settings import Inpaint
from napari_dip.stack.memory import peak_bytes
from napari_dip.stack.tiling import cut

if TYPE_CHECKING:
    from napari_dip.settings import Settings
    from napari_dip.stack.plan import Plan

__all__ = ["expected_bytes", "expected_seconds", "survey_seconds"]

# Measured on one thread (benchmarks/NOTES.md, "The time that is told"), as multiples of the time
# that forward and backward took on this device, at 128² pixels.
_STEADY, _GROWING = 1.4, 0.5
"""An iteration: of any image, and of each 128² pixels of it more."""

_PASS, _CHANNEL = 2.9e-4, 1.8e-4
"""A pass of the refinement: of each pixel, and of each of its channels."""

_PASS_WITH_GAPS = 11e-4
"""A pass where pixels are missing: of each pixel and channel."""

_SECOND_OPINION = 30e-4
"""Of each pixel and channel."""

_PAPER = 20.0
"""Time of an iteration of ``paper``, beside one of ``fast`` and ``best``."""

_SIDE = 128

_PART = 0.6
"""Of the most iterations, those that a fit needs until it stops by itself."""

_LOOK = 0.6e-6
"""Seconds for a value to be read, hashed, and searched for its noise before the first unit."""


def expected_seconds(plan: Plan, settings: Settings, device: str) -> float:
    """Estimate how long all units take, from the iterations that were timed on the device.

    It is good to a factor of two or so: nobody knows yet when the fits will stop.
    """
    from napari_dip.prior.calibrate import calibrate

    calibration, chosen, layout = calibrate(device), recipe(settings), plan.layout
    timed_s = calibration.milliseconds[calibration.chosen] / 1000
    finer = math.prod(settings.factors.values())
    whole = tuple(slice(0, size) for size in layout.spatial_shape)
    tiles = cut(layout.spatial_shape, plan.tile, settings.overlap) if plan.tile else [whole]
    pixels = [finer * math.prod(part.stop - part.start for part in tile) for tile in tiles]
    iteration = sum(_STEADY + _GROWING * each / _SIDE**2 for each in pixels)
    if settings.preset == "paper":
        iteration *= _PAPER
    # Planes that share a network seldom stop before the few iterations that they are given.
    shared = chosen.shared_iterations if plan.window > 1 else 0
    part = _PART if chosen.stopping.rule != "fixed" else 1.0
    iterations = shared or part * chosen.iterations
    channels = layout.units / len(plan.units) if plan.window > 1 else plan.channels
    fit = iterations * iteration + sum(pixels) * _refining(settings, channels)
    again = sum(pixels) * channels * _SECOND_OPINION * chosen.second_opinion
    return float(len(plan.units) * (chosen.members * fit + again) * timed_s)


def survey_seconds(plan: Plan) -> float:
    """Estimate how long the look at all planes takes, before the first unit."""
    return _LOOK * math.prod(plan.layout.shape)


def _refining(settings: Settings, channels: float) -> float:
    """Estimate what the refinement of a pixel takes, in the time that was timed."""
    passes = recipe(settings).refinement
    if isinstance(settings.task, Inpaint):
        return passes * channels * _PASS_WITH_GAPS
    # Two more go before, which look at the noisy image alone.
    return (passes + 2) * (_PASS + _CHANNEL * channels) if passes else 0.0


def expected_bytes(plan: Plan, settings: Settings, device: str) -> int:
    """Estimate how much memory the work on one unit takes at most, the result not counted."""
    from napari_dip.prior.calibrate import choose_arithmetic

    layout = plan.layout
    *depth, height, width = layout.spatial_shape
    side = plan.tile or max(height, width)
    pixels = math.prod((*depth, min(side, height), min(side, width), *settings.factors.values()))
    precision = choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision
    return peak_bytes(settings, pixels, plan.channels, precision)
