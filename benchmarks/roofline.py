"""Compare the time of an iteration with the roofline of the machine.

    python benchmarks/roofline.py [--size 256] [--preset fast] [--device cpu]

Operations are those of convolutions and matrix products; bytes are those that all operators read
and write, one after another. The roofline is the longer of the two times at the measured peaks: an
iteration that takes twice as long has a share of 0.5.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from napari_dip import Settings
from napari_dip.compute.cuda_graph import WARM_UP_CALLS, GraphRunner
from napari_dip.dip.iteration import run_iteration
from napari_dip.image.problem import make_problem
from napari_dip.image.unit import make_block, unit_seed
from napari_dip.pipeline.restore_block import prepare_member

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Pixels

REPEATS = 5


@dataclass(frozen=True)
class Machine:
    """Measured peaks: operations a second in the precision of the fit, and bytes a second."""

    operations: float
    bytes: float


@dataclass(frozen=True)
class Cost:
    """Operations, bytes and launches of one iteration."""

    operations: float
    bytes: float
    launches: int

    def seconds(self, machine: Machine) -> float:
        """Return the shortest time that the machine could take."""
        return max(self.operations / machine.operations, self.bytes / machine.bytes)


class Traffic(TorchDispatchMode):
    """Count the bytes that operators read and write; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes, self.launches = 0, 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        results = operator(*args, **(kwargs or {}))
        if not operator.is_view and "empty" not in str(operator):
            tensors = [t for t in tree_leaves((args, kwargs, results)) if torch.is_tensor(t)]
            self.bytes += sum(t.numel() * t.element_size() for t in tensors)
            self.launches += 1
        return results


def an_iteration(image: Pixels, settings: Settings) -> tuple[Callable[[], object], str]:
    """Prepare a fit, run one iteration, and return the next iteration and its precision."""
    problem = make_problem(image, settings, None, None)
    unit = problem.plan.units[0]
    observed, scale = problem.observed.read(unit.input_index), problem.scale(unit)
    block = make_block(problem, unit, observed, scale)
    one = prepare_member(block, problem.settings, problem.device, unit_seed(0, unit.number))
    fit = one.pipeline.fit
    fit_state, recipe = fit.begin(one.data, one.context), fit.computed(one.context)
    fit_state.input_code.draw()
    work = partial(run_iteration, fit_state, recipe)
    work()  # allocates the moments of the optimiser
    return work, one.context.arithmetic.precision


def cost(work: Callable[[], object]) -> Cost:
    """Count the operations, bytes and launches of one call."""
    with FlopCounterMode(display=False) as operations:
        work()
    with Traffic() as traffic:
        work()
    return Cost(operations.get_total_flops(), traffic.bytes, traffic.launches)


def peaks(device: str, precision: str) -> Machine:
    """Measure a large matrix product and a large copy."""
    on_gpu = device.startswith("cuda")
    side = 8192 if on_gpu else 2048
    a = torch.rand(side, side, device=device, dtype=getattr(torch, precision))
    much = torch.rand(2**28 if on_gpu else 2**26, device=device)
    there = torch.empty_like(much)
    product = median_s(lambda: a @ a, device)
    copying = median_s(lambda: there.copy_(much), device)
    return Machine(2 * side**3 / product, 2 * much.numel() * 4 / copying)


def median_s(work: Callable[[], object], device: str) -> float:
    seconds = []
    for _ in range(REPEATS + 2):
        began = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    image = np.random.default_rng(0).random((options.size, options.size), np.float32)
    settings = Settings(preset=options.preset, device=options.device, axes="YX")
    work, precision = an_iteration(image, settings)
    counted = cost(work)
    launch = GraphRunner(work, torch.device(options.device))
    for _ in range(WARM_UP_CALLS):
        launch()
    took = median_s(launch, options.device)
    machine = peaks(options.device, precision)
    least = counted.seconds(machine)
    print(
        f"{options.preset}, {options.size}², {precision}: {counted.operations / 1e9:.1f} GFLOP, "
        f"{counted.bytes / 1e9:.2f} GB, {counted.launches} launches an iteration"
    )
    print(
        f"{options.device}: {machine.operations / 1e12:.2f} TFLOP/s, "
        f"{machine.bytes / 1e9:.0f} GB/s: at least {1e3 * least:.2f} ms an iteration; "
        f"it takes {1e3 * took:.2f} ms, a share of {least / took:.2f}"
    )


if __name__ == "__main__":
    main()
