"""How long a restoration will take, roughly, before it begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_dip.prior.recipes import recipe

if TYPE_CHECKING:
    from napari_dip.stack.problem import Problem

__all__ = ["expected_seconds"]

_SIDE = 128
"""Of the image whose iterations were timed on this device."""

_STEADY = 0.7
"""Part of an iteration's time at that size which does not grow with the image."""

_PART = 0.6
"""Of the most iterations, those that a fit needs until it stops by itself."""

_PAPER = 20.0
"""Time of an iteration of ``paper``, beside one of ``fast`` and ``best``, which was timed."""


def expected_seconds(problem: Problem) -> float:
    """Estimate how long all units take, from the iterations that were timed on the device.

    It is good to a factor of two or so: nobody knows yet when the fits will stop.
    """
    from napari_dip.prior.calibrate import calibrate

    calibration = calibrate(problem.device)
    settings, chosen = problem.settings, recipe(problem.settings)
    pixels = math.prod((*problem.layout.spatial_shape, *problem.factors.values()))
    growth = _STEADY + (1 - _STEADY) * pixels / _SIDE**2
    iteration_s = calibration.milliseconds[calibration.chosen] / 1000 * growth
    if settings.preset == "paper":
        iteration_s *= _PAPER
    part = _PART if chosen.stopping.rule != "fixed" else 1.0
    most = chosen.shared_iterations if problem.plan.window > 1 else 0
    iterations = part * (most or chosen.iterations) * chosen.members
    units = len(problem.plan.units)
    return float(units * iterations * iteration_s)
