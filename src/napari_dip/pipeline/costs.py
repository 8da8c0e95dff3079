"""What an iteration and the non-local filter cost on a machine: measured once, for forecasts."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_dip.compute.calibration_cache import cached_measurement, describe_machine
from napari_dip.compute.cuda_graph import WARM_UP_CALLS, GraphRunner
from napari_dip.compute.device import default_modes, synchronise, torch_errors
from napari_dip.dip.iteration import run_iteration
from napari_dip.noise.model import NoiseModel
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.cost_model import PASSES_BEFORE, Costs
from napari_dip.pipeline.filter_steps import PatchFilter
from napari_dip.pipeline.precision import calibrate, run_with_threads, timed_side
from napari_dip.pipeline.restore_block import Prepared, prepare_member
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Costs", "measure_costs"]

_REPEATS = 3
"""Iterations of which the fastest is taken."""

_PATIENCE_S = 1.0
"""Seconds after which nothing is repeated: other programs may keep the processor busy."""

_NOISE = NoiseModel(read=0.1)
"""The noise of the image that is timed, in parts of its range: it settles no cost."""

_lock = threading.Lock()


def measure_costs(device: torch.device | str, threads: int | None = None) -> Costs:
    """Return the costs on a device; they are measured once, in about a second, and remembered.

    Parameters
    ----------
    device
        Where.
    threads
        Of the CPU; those of this thread if not given.
    """
    device = torch.device(device)
    calibrate(device, threads)  # the arithmetic, in which the costs are measured
    with _lock:
        return run_with_threads(partial(_recall_or_measure, device), device, threads)


def _recall_or_measure(device: torch.device) -> Costs:
    arithmetic = calibrate(device).chosen
    key = f"costs: {describe_machine(device)}, {timed_side(device)} pixels, {arithmetic}"
    costs, _ = cached_measurement(key, device, lambda _: asdict(_measure(device)), _parse)
    return costs


def _parse(record: dict[str, Any]) -> Costs:
    return Costs(**{name: float(record[name]) for name in Costs.__dataclass_fields__})


def _measure(device: torch.device) -> Costs:
    side = timed_side(device)
    small, large = side // 2, 2 * side
    with torch_errors(device), default_modes():
        one = _fit(small, device)
        few, many = _iteration_s(one, device), _iteration_s(_fit(large, device), device)
        filtering = _least_s(partial(_filter, one), device, 2)
    pixel_s = max(many - few, 0.0) / (large**2 - small**2)
    return Costs(
        iteration_s=max(few - pixel_s * small**2, 0.0),
        pixel_s=pixel_s,
        filter_s=filtering / (one.pipeline.recipe.refinement + PASSES_BEFORE) / small**2,
    )


def _fit(side: int, device: torch.device) -> Prepared:
    """Prepare a fit of ``fast`` to a wave in noise."""
    wave = np.sin(np.linspace(0, 20, side, dtype=np.float32))
    noise = np.random.default_rng(0).normal(0, _NOISE.read, (1, side, side))
    values = (0.5 + 0.2 * wave[:, None] * wave + noise).astype(np.float32)
    block = Block(values, np.ones(values.shape, bool), (_NOISE,))
    return prepare_member(block, Settings(), str(device), seed=0)


def _filter(one: Prepared) -> None:
    """Filter the noisy image as if it were the estimate of a fit."""
    data = replace(one.data, estimate=one.data.block.values)
    for step in one.pipeline.ensemble.steps:
        if isinstance(step, PatchFilter):
            step.apply(data, one.context)


def _iteration_s(one: Prepared, device: torch.device) -> float:
    fit = one.pipeline.fit
    fit_state = fit.begin(one.data, one.context)

    def iteration() -> None:
        fit_state.iteration += 1
        fit_state.input_code.draw()
        launch()

    recipe = fit.computed(one.context)
    launch = GraphRunner(partial(run_iteration, fit_state, recipe), device)
    for _ in range(WARM_UP_CALLS):  # these choose their kernels
        iteration()
    return _least_s(iteration, device, _REPEATS)


def _least_s(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Return the least time of some work: of this thread on the CPU, else of the clock.

    The time of a thread leaves out what other programs take. On the CPU this thread computes from
    the first to the last of an iteration.
    """
    now = time.thread_time if device.type == "cpu" else time.perf_counter
    seconds: list[float] = []
    until = time.perf_counter() + _PATIENCE_S
    while len(seconds) < repeats and (not seconds or time.perf_counter() < until):
        synchronise(device)
        began = now()
        work()
        synchronise(device)
        seconds.append(now() - began)
    return min(seconds)
