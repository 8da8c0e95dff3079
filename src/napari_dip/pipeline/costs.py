"""Measure once how long an iteration and a pass of the patch filter take, for forecasts."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_dip.compute.calibration_cache import cached_measurement, describe_machine
from napari_dip.compute.cuda_graph import WARM_UP_CALLS, GraphRunner
from napari_dip.compute.device import cpu_threads, default_modes, synchronise, torch_errors
from napari_dip.dip.iteration import run_iteration
from napari_dip.dip.operators import CircularBlur
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.cost_model import FIRST_FIT_S, PASSES_BEFORE, Costs
from napari_dip.pipeline.filter_steps import PatchFilter
from napari_dip.pipeline.first_filter import FirstFilter
from napari_dip.pipeline.precision import benchmark_side, calibrate, run_with_threads
from napari_dip.pipeline.restore_block import Prepared, prepare_member
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Costs", "first_fit_seconds", "measure_costs", "prepare_first_fit"]

_ITERATION_REPEATS = 3
"""Iterations of which the fastest counts. Not measured."""

_FILTER_REPEATS = 2
"""Calls of the filter of which the faster counts. Not measured."""

_MAX_REPEAT_S = 1.0
"""Seconds after which a measurement is not repeated: other programs may keep the processor busy.
Not measured."""

_SIGMA = 0.1
"""Standard deviation of the noise of the test image, of the range of intensities. The time does not
depend on it."""

_SMALL_SIDE = 32
"""Pixels: side of the image of a fit that only loads code. Not measured."""

_costs_lock = threading.Lock()


def measure_costs(device: torch.device | str, threads: int | None = None) -> Costs:
    """Return the costs on a device. They are measured once, in about a second, and cached.

    Parameters
    ----------
    device
        Name of the device.
    threads
        Threads of the CPU; ``None`` for those of the calling thread.
    """
    device = torch.device(device)
    calibrate(device, threads)  # chooses the arithmetic of the measurement
    with _costs_lock:
        return run_with_threads(partial(_recall_or_measure, device), device, threads)


def first_fit_seconds() -> float:
    """Return how much longer the first fit of this process takes, in seconds; 0 after it.

    torch loads its compiler when the first optimiser is made, whether or not it is used.
    """
    return 0.0 if "torch._dynamo" in sys.modules else FIRST_FIT_S


def prepare_first_fit(device: torch.device | str) -> None:
    """Load the code of a fit, with a small fit, if this process has run none.

    Parameters
    ----------
    device
        Name of the device.
    """
    device = torch.device(device)
    with _costs_lock, torch_errors(device), default_modes():
        if first_fit_seconds():
            _iteration_s(_prepare(_SMALL_SIDE, device, Settings(refinement=0)), device)
            _filter(_prepare(_SMALL_SIDE, device, Settings()))


def _recall_or_measure(device: torch.device) -> Costs:
    arithmetic = calibrate(device).chosen
    image = f"{benchmark_side(device)} pixels"
    key = f"costs with sparse patches and blur: {describe_machine(device)}, {image}, {arithmetic}"

    def measure(_earlier: object, busy: bool) -> dict[str, Any]:
        # Several threads would wait for each other and for the other programs.
        measured = run_with_threads(partial(_measure, device), device, 1 if busy else None)
        return asdict(measured.with_threads(cpu_threads()) if busy else measured)

    costs, _ = cached_measurement(key, device, measure, _parse)
    return costs


def _parse(record: dict[str, Any]) -> Costs:
    return Costs(**{name: float(record[name]) for name in Costs.__dataclass_fields__})


def _measure(device: torch.device) -> Costs:
    side = benchmark_side(device)
    small, large = side // 2, 2 * side
    with torch_errors(device), default_modes():
        few, many = (
            _iteration_s(_prepare(each, device, Settings(refinement=0)), device)
            for each in (small, large)
        )
        member = _prepare(small, device, Settings())
        filtering = _least_s(partial(_filter, member), device, _FILTER_REPEATS)
        image = torch.ones(1, 1, large, large, device=device)
        blur = partial(CircularBlur(image[0, 0, :3, :3] / 9, image.shape[2:]), image)
        blur()  # the first call plans the transform
        blurring = _least_s(blur, device, _ITERATION_REPEATS)
    pixel_s = max(many - few, 0.0) / (large**2 - small**2)
    return Costs(
        iteration_s=max(few - pixel_s * small**2, 0.0),
        pixel_s=pixel_s,
        filter_s=filtering / (member.pipeline.recipe.refinement + PASSES_BEFORE) / small**2,
        blur_s=blurring / large**2,
    )


def _prepare(side: int, device: torch.device, settings: Settings) -> Prepared:
    """Prepare a fit to a wave with noise."""
    wave = np.sin(np.linspace(0, 20, side, dtype=np.float32))
    noise = np.random.default_rng(0).normal(0, _SIGMA, (1, side, side))
    values = (0.5 + 0.2 * wave[:, None] * wave + noise).astype(np.float32)
    block = Block(values, np.ones(values.shape, bool), (PoissonGaussian(read=_SIGMA),))
    return prepare_member(block, settings, str(device), seed=0)


def _filter(member: Prepared) -> None:
    """Filter the noisy image alone, then as if it were the estimate of a fit."""
    data = replace(member.data, estimate=member.data.block.values)
    for step in member.pipeline.every_step:
        if isinstance(step, FirstFilter):
            data = step.apply(data, member.context)
        if isinstance(step, PatchFilter):
            step.apply(data, member.context)


def _iteration_s(member: Prepared, device: torch.device) -> float:
    """Return the least time of an iteration in seconds."""
    fit = member.pipeline.fit
    fit_state = fit.begin(member.data, member.context)

    def iteration() -> None:
        fit_state.iteration += 1
        fit_state.input_code.draw()
        launch()

    recipe = fit.computed(member.context)
    launch = GraphRunner(partial(run_iteration, fit_state, recipe), device)
    for _ in range(WARM_UP_CALLS):  # these calls choose their kernels
        iteration()
    return _least_s(iteration, device, _ITERATION_REPEATS)


def _least_s(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Return the least time of some work in seconds.

    On the CPU it is the processor time of this thread, which computes during the whole iteration:
    if it is the only one, other programs do not count.
    """
    now = time.thread_time if device.type == "cpu" else time.perf_counter
    seconds: list[float] = []
    until = time.perf_counter() + _MAX_REPEAT_S
    while len(seconds) < repeats and (not seconds or time.perf_counter() < until):
        synchronise(device)
        began = now()
        work()
        synchronise(device)
        seconds.append(now() - began)
    return min(seconds)
