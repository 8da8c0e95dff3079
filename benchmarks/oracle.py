"""Follow a fit beyond its stop and compare every look with the truth.

The oracle knows the truth and returns the best of all looks.
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
from napari_dip.image.unit import make_block, unit_seed
from napari_dip.pipeline.ensemble import Ensemble
from napari_dip.pipeline.filter_steps import AverageWithFilter
from napari_dip.pipeline.restore_block import Prepared, prepare_member, restore_block
from napari_dip.pipeline.stages import stages
from napari_dip.pipeline.steps import PutBack, Unstabilise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cases import Case, Pixels
    from torch import Tensor

    from napari_dip import Settings
    from napari_dip.dip.stopping_rules import IterationState, StoppingRule
    from napari_dip.pipeline.block import Block

BEYOND = 1.6
"""Factor of the iterations by which a fit runs beyond its stop, and beyond the preset's number."""

LOOK_EVERY = 10
"""Iterations between two looks, as in the loop of the fit."""


@dataclass
class Trajectory:
    """PSNR in dB at the stop and at the best look, and their iterations.

    ``looks`` are (iteration, PSNR of the average, PSNR of the result). The result is the average,
    refined where the preset refines. An ensemble is compared by its mean, with the mean number of
    iterations of its members.
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
    """The verdicts of a stopping rule that does not stop the fit."""

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
    """A stopping rule that records its verdict and never stops the fit.

    ``most`` is the preset's number of iterations, which counts as a stop.
    """

    rule: StoppingRule
    verdicts: Verdicts
    most: int
    name: str = "watched"
    choice: int = 0

    @property
    def buffers(self) -> Sequence[Tensor]:
        return self.rule.buffers

    def measure(self, state: IterationState, /) -> Tensor:
        return self.rule.measure(state)

    def update(self, *numbers: float) -> str:
        verdicts = self.verdicts
        verdicts.count += 1
        reason = self.rule.update(*numbers)
        if verdicts.stop:
            return ""
        verdicts.minima = verdicts.minima or [(np.inf, 0)] * len(numbers)
        for k, number in enumerate(numbers):
            if number < verdicts.minima[k][0]:
                verdicts.minima[k] = (number, verdicts.count)
        verdicts.choice = self.rule.choice
        if reason or verdicts.count == self.most:
            verdicts.stop, verdicts.reason = verdicts.count, reason or "all iterations done"
        return ""


@dataclass
class Followed:
    """One fit: the verdicts of its rule, and the averages at all looks in the domain of the fit."""

    one: Prepared
    verdicts: Verdicts
    averages: dict[int, Pixels]

    @property
    def stop(self) -> int:
        """The look at which the loop would end: the first after the verdict."""
        return -(-self.verdicts.stop // LOOK_EVERY) * LOOK_EVERY

    @property
    def returned(self) -> Pixels:
        """The result of the block at the automatic stop.

        The best average is that of the nearest look, which may differ by a tenth of a dB.
        """
        best = min(self.averages, key=lambda iteration: abs(iteration - self.verdicts.best))
        fit = self.one.pipeline.fit
        return apply_later_steps(
            self.one, fit.choose(self.averages[self.stop], self.averages[best])
        )


def apply_later_steps(one: Prepared, estimate: Pixels, *, filtered: bool = True) -> Pixels:
    """Apply the steps after the fit, or with ``filtered=False`` those that are no filters."""
    steps = one.pipeline.every_step
    data = replace(one.data, estimate=estimate)
    for step in steps[steps.index(one.pipeline.fit) + 1 :]:
        if isinstance(step, Ensemble | AverageWithFilter):
            continue
        if filtered or isinstance(step, PutBack | Unstabilise):
            data = step.apply(data, one.context)
    return data.estimate


def follow(case: Case, settings: Settings | None = None) -> Trajectory:
    """Run the fits of a restoration beyond their stop, with the same random numbers."""
    # A preview every 0 s gives the average at every look.
    fits, show = prepare_fits(case, (settings or case.settings).replace(preview_every_s=0))
    sums: dict[int, list[Pixels]] = defaultdict(lambda: [0.0, 0.0])
    reached: dict[int, int] = defaultdict(int)
    returned, stops, reasons = [], [], []
    for one in fits:
        followed = follow_fit(one)
        returned.append(show(followed.returned))
        stops.append(followed.stop)
        reasons.append(followed.verdicts.reason)
        for iteration, average in followed.averages.items():
            average_then = show(apply_later_steps(one, average, filtered=False))
            result = show(apply_later_steps(one, average))
            images = (average_then, result)
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


def prepare_fits(
    case: Case, settings: Settings
) -> tuple[Iterator[Prepared], Callable[[Pixels], Pixels]]:
    """Prepare the fits of a case, and a function that converts estimates to the image's units."""
    settings = settings.replace(dtype="float32")
    problem = make_problem(case.observed, settings, case.missing, None)
    (unit,) = problem.plan.units
    observed, scale = problem.observed.read(unit.input_index), problem.scale(unit)
    seed = unit_seed(settings.seed, unit.number)
    block, settings = _after_denoising(
        make_block(problem, unit, observed, scale), settings, problem.device, seed
    )
    members = range(prepare_member(block, settings, problem.device, seed).pipeline.recipe.members)
    fits = (prepare_member(block, settings, problem.device, seed, n) for n in members)
    return fits, partial(problem.finish, unit, observed, scale)


def _after_denoising(
    block: Block, settings: Settings, device: str, seed: int
) -> tuple[Block, Settings]:
    """Denoise the block first where super-resolution does so."""
    *noisy, (last, options) = stages(block, settings)
    for stage in noisy:
        denoised = finished(restore_block(*stage, device, seed=seed))
        last = replace(last, values=denoised.estimate)
    return last, options


def follow_fit(one: Prepared) -> Followed:
    """Run one fit beyond its stop."""
    verdicts = Verdicts()
    averages: dict[int, Pixels] = {}
    most = one.pipeline.recipe.iterations
    longer = one.pipeline.with_iterations(round(BEYOND * most)).fit
    fit_state = longer.begin(one.data, one.context, lambda rule: Watched(rule, verdicts, most))
    for progress in longer.advance(fit_state, one.context):
        if progress.iteration % LOOK_EVERY:
            continue
        averages[progress.iteration] = progress.image
        if verdicts.stop and progress.iteration > BEYOND * verdicts.stop:
            break
    return Followed(one, verdicts, averages)
