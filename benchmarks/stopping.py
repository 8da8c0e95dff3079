"""How much the automatic stop loses against an oracle that knows the truth.

    python benchmarks/stopping.py [--seeds 3] [--quick] [--out build/bench]

Each fit runs on beyond the stop, and the PSNR of what it would have returned is taken at every
look, refined where the preset refines. The oracle returns the best of them. Prints the loss of
each case, its median and worst, and the ratio of the iterations.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from cases import Case, decimated, frame, gaussian, half_missing, poisson
from measure import psnr

from napari_dip.prior.block import Fit, block_recipe
from napari_dip.prior.calibrate import choose_arithmetic
from napari_dip.stack.problem import make_problem
from napari_dip.stack.unit import make_block

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.prior.stopping import Step, StoppingRule

BEYOND = 1.6
"""How far beyond the automatic stop a fit goes on, times its iterations."""


def cases(seed: int, quick: bool) -> list[Case]:
    small = [
        gaussian("01", 128, 5, seed),
        gaussian("05", 128, 10, seed),
        gaussian("01", 128, 25, seed),
        gaussian("05", 128, 50, seed),
        gaussian("cbsd", 128, 25, seed, clipped=True),
        gaussian("neuron", 128, 15, seed),
        gaussian("01", 64, 25, seed),
        gaussian("cell", 64, 15, seed),
        poisson("01", 128, 30, seed),
        poisson("05", 64, 30, seed),
        poisson("neuron", 128, 10, seed),
        frame("fish", 128, seed),
        frame("mice", 128, seed),
        half_missing("barbara", 128, seed),
        half_missing("05", 64, seed, 0.3),
        decimated("butterfly", 128, 4, seed),
        decimated("zebra", 128, 2, seed, 10),
    ]
    if quick:
        return small
    return [
        *small,
        gaussian("05", 256, 25, seed),
        gaussian("F16", 192, 25, seed, clipped=True),
        gaussian("neuron", 256, 30, seed),
        poisson("01", 192, 30, seed),
        frame("fish", 256, seed),
        frame("mice", 192, seed),
        half_missing("barbara", 256, seed),
        decimated("butterfly", 256, 4, seed),
        *([frame("mice", 512, seed), gaussian("barbara", 512, 25)] if seed == 0 else []),
    ]


@dataclass
class Outcome:
    """In dB and iterations."""

    automatic: float
    oracle: float
    stop: int
    best: int
    reason: str

    @property
    def loss(self) -> float:
        return self.oracle - self.automatic


@dataclass
class Watched:
    """A rule that is asked, and not obeyed."""

    rule: StoppingRule
    name: str = "watched"
    choice: int = 0
    count: int = 0
    stop: int = 0
    reason: str = ""
    minima: list[tuple[float, int]] | None = None

    def measure(self, step: Step, /) -> Tensor:
        return self.rule.measure(step)

    def update(self, *numbers: float) -> str:
        self.count += 1
        self.minima = self.minima or [(np.inf, 0)] * len(numbers)
        for k, number in enumerate(numbers):
            if number < self.minima[k][0] and not self.stop:
                self.minima[k] = (number, self.count)
        reason = self.rule.update(*numbers)
        if reason and not self.stop:
            self.stop, self.reason, self.choice = self.count, reason, self.rule.choice
        return ""

    @property
    def best(self) -> int:
        return self.minima[self.choice][1]


def judge(case: Case, every: int = 10) -> Outcome:
    """Follow one fit beyond its stop."""
    settings = case.settings.replace(dtype="float32", preview_every_s=0)
    problem = make_problem(case.seen, settings, case.missing, None)
    (index,), (scale,) = problem.layout.indices(), problem.scales
    block = make_block(problem, 0, index, scale)
    chosen, domain = block_recipe(block, settings)
    place = torch.device(problem.device)
    arithmetic = choose_arithmetic(chosen.precision, place)
    one = Fit(block, settings, chosen, domain, arithmetic, place, settings.seed)
    watched: list[Watched] = []

    def watch(rule: StoppingRule) -> Watched:
        watched.append(Watched(rule))
        return watched[0]

    found: dict[int, float] = {}
    for iterate in one.begin(lambda: False, watch):
        if iterate.iteration % every == 0:
            image = problem.finish(index, scale, one.finish(iterate.estimate))
            found[iterate.iteration] = psnr(case, image)
            if watched[0].stop and iterate.iteration > BEYOND * watched[0].stop:
                break
    rule = watched[0]
    # The loop looks at the numbers every ten iterations; the end of all of them is a stop, too.
    stop = min(-(-(rule.stop or max(found)) // 10) * 10, max(found))
    returned = stop if one.refines or not rule.stop else rule.best
    nearest = min(found, key=lambda iteration: abs(iteration - returned))
    best = max(found, key=lambda iteration: found[iteration])
    return Outcome(found[nearest], found[best], stop, best, rule.reason or "all iterations done")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="64 and 128 pixels alone")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    print("| case | seed | automatic / dB | oracle / dB | loss / dB | stop | oracle's | why |")
    print("|---|---|---|---|---|---|---|---|")
    outcomes: list[Outcome] = []
    record: list[dict[str, Any]] = []
    for seed in range(asked.seeds):
        for case in cases(seed, asked.quick):
            if asked.only not in case.name:
                continue
            o = judge(case)
            outcomes.append(o)
            record.append({"case": case.name, "seed": seed} | vars(o))
            print(
                f"| {case.name} | {seed} | {o.automatic:.2f} | {o.oracle:.2f} | {o.loss:.3f} "
                f"| {o.stop} | {o.best} | {o.reason} |",
                flush=True,
            )
    losses = [outcome.loss for outcome in outcomes]
    ratio = sum(o.stop for o in outcomes) / sum(o.best for o in outcomes)
    print(
        f"\n{len(losses)} fits: median loss {np.median(losses):.3f} dB, worst {max(losses):.3f} dB"
    )
    print(f"{ratio:.2f} times the oracle's iterations")
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "stopping.json").write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
