"""How long a restoration will take, and how much memory, roughly, before it begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_dip.prior.presets import recipe
from napari_dip.prior.turns import denoises_first, in_turn
from napari_dip.settings import Denoise, Inpaint
from napari_dip.stack.memory import peak_bytes
from napari_dip.stack.tiling import cut

if TYPE_CHECKING:
    from napari_dip.prior.recipes import Recipe
    from napari_dip.settings import Hole, Settings
    from napari_dip.stack.lazy import Lazy
    from napari_dip.stack.plan import Plan

__all__ = ["expected_bytes", "expected_seconds", "survey_seconds"]

# Measured on one thread (benchmarks/NOTES.md, "The time that is told"), as multiples of the time
# that forward and backward took on this device, at 128² pixels. On CUDA all is taken for the same
# multiples of the larger image that is timed there, which nobody has measured.
_STEADY, _GROWING = 0.95, 0.7
"""An iteration: of any image, and of each 128² pixels of it more."""

_VOXELS = 1.2
"""An iteration: of each 128² voxels of a volume, in the time of its own arithmetic."""

_PASS, _CHANNEL = 0.8e-4, 1.8e-4
"""A pass of the refinement: of each pixel, and of each of its channels."""

_PASS_OF_PLANES = 2.4e-4
"""A pass where neighbouring planes are compared: of each pixel of each plane."""

_PASS_WITH_GAPS = 9.9e-4
"""A pass where pixels are missing: of each pixel and channel."""

_SECOND_OPINION = 14e-4
"""Of each pixel and channel."""

_SIDE_BY_SIDE = 1.15
"""Of fits at the same time, how much longer each takes."""

_PAPER = 22.0
"""Time of an iteration of ``paper``, beside one of ``fast`` and ``best``."""

_PART = 0.6
"""Of the most iterations of a preset, those that a fit needs until it stops by itself."""

_LARGEST = 2**24
"""In pixels: gaps of larger units are not looked at before they are restored."""

_LOOK = 0.6e-6
"""Seconds for a value to be read, hashed, and searched for its noise before the first unit."""

_LOOK_AT_A_PLANE = 1e-3
"""Seconds that a plane takes for it, however small it is."""


def expected_seconds(
    plan: Plan, settings: Settings, device: str, missing: Lazy | None = None
) -> float:
    """Estimate how long all units take, from the iterations that were timed on the device.

    It is good to a factor of two or so: nobody knows yet when the fits will stop. Where pixels are
    ``missing``, of the image's shape, the kind of the first gaps stands for that of all.
    """
    if denoises_first(settings):
        return sum(expected_seconds(plan, stage, device) for stage in in_turn(settings))
    hole, layout = _hole(plan, settings, missing), plan.layout
    chosen = recipe(settings, hole=hole)
    factors = tuple(settings.factors.values())
    whole = tuple(slice(0, size) for size in layout.spatial_shape)
    tiles = cut(layout.spatial_shape, plan.tile, settings.overlap) if plan.tile else [whole]
    shapes = [
        tuple(f * (part.stop - part.start) for f, part in zip(factors, tile, strict=True))
        for tile in tiles
    ]
    iteration = sum(_iteration(shape, device) for shape in shapes)
    if settings.preset == "paper":
        iteration *= _PAPER
    pixels = sum(map(math.prod, shapes)) * (128 / _side(device)) ** 2
    channels = layout.units / len(plan.units) if plan.window > 1 else plan.channels
    iterations = _iterations(chosen, plan, settings)
    planes = layout.ndim == 3 or (plan.window > 1 and layout.shared != "C")
    fit = iterations * iteration + pixels * _refining(chosen, settings, channels, planes=planes)
    asked = chosen.second_opinion and isinstance(settings.task, Denoise) and not planes
    again = pixels * channels * _SECOND_OPINION * asked
    units = math.ceil(len(plan.units) / plan.units_at_once)
    fits = math.ceil(chosen.members / plan.fits_at_once)
    side_by_side = _SIDE_BY_SIDE if plan.at_once > 1 else 1
    return float(units * (fits * fit + again) * side_by_side * _timed_s(chosen, plan, device))


def survey_seconds(plan: Plan) -> float:
    """Estimate how long the look at all planes takes, before the first unit."""
    layout = plan.layout
    planes = math.prod(layout.shape) // math.prod(layout.shape[layout.axes.index(a)] for a in "YX")
    return _LOOK * math.prod(layout.shape) + _LOOK_AT_A_PLANE * planes


def _hole(plan: Plan, settings: Settings, missing: Lazy | None) -> Hole:
    """Tell what kind of gaps there are, as far as that is known."""
    task = settings.task
    if not isinstance(task, Inpaint):
        return "scratches"  # of no account
    if task.missing != "auto" or missing is None:
        return "scratches" if task.missing == "auto" else task.missing
    from napari_dip.stack.problem import find_hole  # the shell's --help need not wait for scipy

    for unit in plan.units:
        known = ~plan.layout.to_block(missing[unit.index])
        if not known.all() and known.size <= _LARGEST:
            return find_hole(known, task)
    return "scratches"


def _timed_s(chosen: Recipe, plan: Plan, device: str) -> float:
    """Give what the forward and backward pass took that all is counted in."""
    from napari_dip.prior.abreast import threads_of_a_fit
    from napari_dip.prior.calibrate import calibrate, choose_arithmetic
    from napari_dip.prior.device import cpu_threads

    threads = threads_of_a_fit(cpu_threads(), plan.at_once)
    calibration = calibrate(device, threads)
    timed = calibration.milliseconds[calibration.chosen]
    if plan.layout.ndim == 3:  # seldom in the arithmetic that is best for planes
        arithmetic = choose_arithmetic(chosen.precision, device, 3, threads)
        timed = calibration.milliseconds.get(str(arithmetic), timed)
    return timed / 1000


def _iteration(shape: tuple[int, ...], device: str) -> float:
    """Estimate what an iteration takes, in the time that was timed."""
    growing = _VOXELS if len(shape) == 3 else _GROWING
    return _STEADY + growing * math.prod(shape) / _side(device) ** 2


def _side(device: str) -> int:
    from napari_dip.prior.calibrate import timed_side

    return timed_side(device)


def _iterations(chosen: Recipe, plan: Plan, settings: Settings) -> float:
    """Estimate how many iterations a fit takes."""
    # Planes that share a network seldom stop before the few iterations that they are given.
    if plan.window > 1 and chosen.shared_iterations and settings.iterations is None:
        return chosen.shared_iterations
    # Nor do fits to an image with gaps, but for its noise.
    ends = chosen.stopping.rule == "fixed" or isinstance(settings.task, Inpaint)
    if ends:
        return chosen.iterations
    return min(chosen.iterations, _PART * recipe(settings.replace(iterations=None)).iterations)


def _refining(chosen: Recipe, settings: Settings, channels: float, *, planes: bool) -> float:
    """Estimate what the refinement of a pixel takes, in the time that was timed."""
    gaps = isinstance(settings.task, Inpaint)
    filling = chosen.filling * channels * _PASS_WITH_GAPS if gaps else 0.0
    if settings.keeps_known:
        return filling
    return filling + _smoothing(chosen.refinement, channels, planes=planes)


def _smoothing(passes: int, channels: float, *, planes: bool) -> float:
    """Estimate what it takes to take the noise out of a pixel, in the time that was timed."""
    if passes and planes:
        # One goes before, on the noisy planes alone, and one of pairs comes after.
        return (passes + 2) * _PASS_OF_PLANES * channels
    # Two more go before, which look at the noisy image alone.
    return (passes + 2) * (_PASS + _CHANNEL * channels) if passes else 0.0


def expected_bytes(plan: Plan, settings: Settings, device: str) -> int:
    """Estimate how much memory the work takes at most at a time, the result not counted."""
    from napari_dip.prior.calibrate import choose_arithmetic

    layout = plan.layout
    *depth, height, width = layout.spatial_shape
    side = plan.tile or max(height, width)
    pixels = math.prod((*depth, min(side, height), min(side, width), *settings.factors.values()))
    precision = choose_arithmetic(recipe(settings).precision, device, layout.ndim).precision
    return plan.at_once * peak_bytes(settings, pixels, plan.channels, precision)
