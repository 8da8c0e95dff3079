"""What a fit would have returned at each look, on its way and beyond its stop, beside the truth.

The oracle knows the truth, and returns the best of the looks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from metrics import psnr

from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.stages import in_stages
from napari_dip.image.unit import make_block, unit_seed
from napari_dip.pipeline.ensemble import plan_fits, restore_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cases import Case, Pixels
    from torch import Tensor

    from napari_dip import Settings
    from napari_dip.dip.stopping_rules import Step, StoppingRule
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.member import Fit

BEYOND = 1.6
"""How far beyond its end a fit goes on, times its iterations, be it the rule's or the preset's."""

LOOK_EVERY = 10
"""Iterations; the loop itself looks at its numbers as often."""


@dataclass
class Trajectory:
    """In dB and iterations; ``looks`` are (iteration, PSNR of the average, PSNR of the result).

    The result is the average, refined where the preset refines. Of several fits the mean is
    compared, and the iterations are those of one of them.
    """

    automatic: float
    oracle: float
    stop: int
    best: int
    reason: str
    looks: list[tuple[int, float, float]]

    @property
    def loss(self) -> float:
        return self.oracle - self.automatic


@dataclass
class Verdicts:
    """What a rule said, though nobody obeyed."""

    choice: int = 0
    count: int = 0
    stop: int = 0
    reason: str = ""
    minima: list[tuple[float, int]] = field(default_factory=list)

    @property
    def best(self) -> int:
        return self.minima[self.choice][1]


@dataclass
class Watched:
    """A rule that is asked, and not obeyed; nor does a fit end after ``most`` iterations."""

    rule: StoppingRule
    verdicts: Verdicts
    most: int
    name: str = "watched"
    choice: int = 0

    @property
    def memory(self) -> Sequence[Tensor]:
        return self.rule.memory

    def measure(self, step: Step, /) -> Tensor:
        return self.rule.measure(step)

    def update(self, *numbers: float) -> str:
        said = self.verdicts
        said.count += 1
        reason = self.rule.update(*numbers)
        if said.stop:
            return ""
        said.minima = said.minima or [(np.inf, 0)] * len(numbers)
        for k, number in enumerate(numbers):
            if number < said.minima[k][0]:
                said.minima[k] = (number, said.count)
        said.choice = self.rule.choice
        if reason or said.count == self.most:
            said.stop, said.reason = said.count, reason or "all iterations done"
        return ""


@dataclass
class Followed:
    """One fit: its rule's verdicts, and the averages of all looks, as the network sees them."""

    fit: Fit
    said: Verdicts
    averages: dict[int, Pixels]

    @property
    def stop(self) -> int:
        """The look at which the loop ends: the first after the word."""
        return -(-self.said.stop // LOOK_EVERY) * LOOK_EVERY

    @property
    def returned(self) -> Pixels:
        """What is returned, of the block.

        The best average is taken from the nearest look, which may be a tenth of a dB off.
        """
        best = min(self.averages, key=lambda iteration: abs(iteration - self.said.best))
        chosen = self.fit.choose(self.averages[self.stop], self.averages[best])
        return self.fit.finish(chosen)


def follow(case: Case, settings: Settings | None = None) -> Trajectory:
    """Take the very fits of a restoration, with the same random numbers, beyond their stop."""
    # Every look needs its average.
    fits, show = fits_of(case, (settings or case.settings).replace(preview_every_s=0))
    sums: dict[int, list[Pixels]] = defaultdict(lambda: [0.0, 0.0])
    reached: dict[int, int] = defaultdict(int)
    returned, stops, reasons = [], [], []
    for one in fits:
        followed = follow_fit(one)
        returned.append(show(followed.returned))
        stops.append(followed.stop)
        reasons.append(followed.said.reason)
        for iteration, average in followed.averages.items():
            seen_then = show(one.domain.inverse_transform(average))
            result = show(one.finish(average)) if one.refines else seen_then
            images = (seen_then, result)
            sums[iteration] = [a + b for a, b in zip(sums[iteration], images, strict=True)]
            reached[iteration] += 1
    looks = [
        (iteration, *(psnr(case, image / len(returned)) for image in images))
        for iteration, images in sums.items()
        if reached[iteration] == len(returned)
    ]
    best, _, oracle = max(looks, key=lambda look: look[2])
    automatic = psnr(case, np.mean(returned, axis=0))
    reason = "; ".join(dict.fromkeys(reasons))
    return Trajectory(automatic, oracle, round(np.mean(stops)), best, reason, looks)


def fits_of(case: Case, settings: Settings) -> tuple[Iterator[Fit], Callable[[Pixels], Pixels]]:
    """Get the fits of a restoration ready, and what brings their estimates to the image's units."""
    settings = settings.replace(dtype="float32")
    problem = make_problem(case.seen, settings, case.missing, None)
    (unit,) = problem.plan.units
    seen, scale = problem.observed.look(unit.reach), problem.scale(unit)
    seed = unit_seed(settings.seed, unit.number)
    block, settings = _after_denoising(
        make_block(problem, unit, seen, scale), settings, problem.device, seed
    )
    fits = plan_fits(block, settings, problem.device, seed)
    return fits, partial(problem.finish, unit, seen, scale)


def _after_denoising(
    block: Block, settings: Settings, device: str, seed: int
) -> tuple[Block, Settings]:
    """Take the noise out of what is to be super-resolved, as its restoration does."""
    *noisy, (last, asked) = in_stages(block, settings)
    for stage in noisy:
        denoised = finished(restore_block(*stage, device, seed=seed, stop_requested=bool))
        last = replace(last, values=denoised.estimate)
    return last, asked


def follow_fit(fit: Fit) -> Followed:
    """Run one fit beyond its stop."""
    said = Verdicts()
    averages: dict[int, Pixels] = {}
    most = fit.recipe.iterations
    longer = replace(fit, recipe=replace(fit.recipe, iterations=round(BEYOND * most)))
    course = longer.begin(lambda rule: Watched(rule, said, most))
    for iterate in longer.advance(course, lambda: False):
        if iterate.iteration % LOOK_EVERY:
            continue
        averages[iterate.iteration] = iterate.estimate
        if said.stop and iterate.iteration > BEYOND * said.stop:
            break
    return Followed(fit, said, averages)
