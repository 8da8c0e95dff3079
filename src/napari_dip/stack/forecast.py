"""How long a restoration will take, and how much memory, roughly, before it begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_dip.prior.recipes import recipe
from napari_dip.stack.memory import peak_bytes

if TYPE_CHECKING:
    from napari_dip.settings import Settings
    from napari_dip.stack.plan import Plan

__all__ = ["expected_bytes", "expected_seconds"]

_SIDE = 128
"""Of the image whose iterations were timed on this device."""

_STEADY = 0.7
"""Part of an iteration's time at that size which does not grow with the image."""

_PART = 0.6
"""Of the most iterations, those that a fit needs until it stops by itself."""

_PAPER = 20.0
"""Time of an iteration of ``paper``, beside one of ``fast`` and ``best``, which was timed."""


def expected_seconds(plan: Plan, settings: Settings, device: str) -> float:
    """Estimate how long all units take, from the iterations that were timed on the device.

    It is good to a factor of two or so: nobody knows yet when the fits will stop.
    """
    from napari_dip.prior.calibrate import calibrate

    calibration = calibrate(device)
    chosen, layout = recipe(settings), plan.layout
    pixels = math.prod((*layout.spatial_shape, *settings.factors.values()))
    growth = _STEADY + (1 - _STEADY) * pixels / _SIDE**2
    iteration_s = calibration.milliseconds[calibration.chosen] / 1000 * growth
    if settings.preset == "paper":
        iteration_s *= _PAPER
    part = _PART if chosen.stopping.rule != "fixed" else 1.0
    most = chosen.shared_iterations if plan.window > 1 else 0
    iterations = part * (most or chosen.iterations) * chosen.members
    return float(len(plan.units) * iterations * iteration_s)


def expected_bytes(plan: Plan, settings: Settings, device: str) -> int:
    """Estimate how much memory the work on one unit takes at most, the result not counted."""
    from napari_dip.prior.calibrate import choose_arithmetic

    layout = plan.layout
    *depth, height, width = layout.spatial_shape
    side = plan.tile or max(height, width)
    pixels = math.prod((*depth, min(side, height), min(side, width), *settings.factors.values()))
    precision = choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision
    return peak_bytes(settings, pixels, plan.channels, precision)
