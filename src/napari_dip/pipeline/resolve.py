"""The decisions: from measured facts and settings to the steps of a restoration.

This is the only place that looks at the task, the preset and the axes of a block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.noise.domain import Domain
from napari_dip.pipeline.conditions import (
    LITTLE_NOISE,
    can_sharpen,
    filters_and_projects,
    mixes_pixels,
    uses_noise_model,
)
from napari_dip.pipeline.ensemble import Ensemble
from napari_dip.pipeline.equal_noise import EqualNoise
from napari_dip.pipeline.filter_and_project import FilterAndProject
from napari_dip.pipeline.filter_steps import (
    AverageWithFilter,
    FilterAlone,
    PatchFilter,
    Project,
)
from napari_dip.pipeline.first_estimate import AverageWithFirst
from napari_dip.pipeline.first_fill import FirstFill
from napari_dip.pipeline.first_filter import FirstFilter
from napari_dip.pipeline.fit_step import Fit
from napari_dip.pipeline.match_noise import MatchNoise
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.sharpen import FirstSharp
from napari_dip.pipeline.steps import Align, PutBack, Stabilise, Unstabilise
from napari_dip.settings import Consensus
from napari_dip.settings.architectures import NoNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.dip.recipe import Recipe
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.facts import Facts
    from napari_dip.pipeline.steps import Step
    from napari_dip.settings import Settings

__all__ = ["Pipeline", "resolve"]

EXPECTED_STOP = 0.5  # of the preset's iterations, the mean; 0.3 to 0.7 (NOTES, "Run time forecast")
STOP_WITH_GAPS = 100  # iterations: 70 to 150 (NOTES, "Run time forecast")
FIRST_GAP_PASSES = 8  # that fill gaps before a fit (NOTES, "Fit from filled gaps")
MOST_MISSING = 0.1  # of the pixels of a blurred image, to fill them before it is sharpened
FIRST_ROUND_SIGMA = 10 / 255  # of the range, a unit of the factor (NOTES, "Filter and projection")
LAST_ROUND_SIGMA = 4 / 255  # of the range; not measured
TRUSTED_IN_GAPS = 0.5  # of the noise, where known pixels stay: a filter that blurs costs more


@dataclass(frozen=True)
class Pipeline:
    """The steps of a restoration, in their order.

    Parameters
    ----------
    steps
        All of them. Those of an ensemble member are inside the :class:`Ensemble`; a single fit
        needs none.
    recipe
        What the preset and the settings say about the fit.
    """

    steps: tuple[Step, ...]
    recipe: Recipe

    @property
    def every_step(self) -> tuple[Step, ...]:
        """All steps in their order; those of an ensemble member come before the ensemble."""
        steps: list[Step] = []
        for step in self.steps:
            steps += [*step.steps, step] if isinstance(step, Ensemble) else [step]
        return tuple(steps)

    @property
    def fit(self) -> Fit:
        """The fit of one ensemble member."""
        return next(step for step in self.every_step if isinstance(step, Fit))

    @property
    def most_iterations(self) -> int:
        """The most iterations of all members together."""
        return self.recipe.members * self.recipe.iterations

    @property
    def largest_shift(self) -> int:
        """By how many pixels the planes lie apart at most; 0 where they are not aligned."""
        shifts = (step.shifts for step in self.steps if isinstance(step, Align))
        return max((max(map(max, each)) for each in shifts), default=0)

    def with_iterations(self, iterations: int) -> Pipeline:
        """Return the pipeline with another number of iterations."""
        longer = replace(self.recipe, iterations=iterations)
        return Pipeline(_with_recipe(self.steps, longer), longer)

    def sentences(self) -> list[str]:
        """Describe the steps in their order."""
        return [said for step in self.every_step if (said := step.describe())]

    def seconds(self, shape: Sequence[int], costs: Costs, concurrency: int = 1) -> float:
        """Estimate the time for a block, with so many members at the same time."""
        members = self.recipe.members
        together = math.ceil(members / concurrency) / members
        return sum(
            step.seconds(shape, costs) * (together if isinstance(step, Ensemble) else 1)
            for step in self.steps
        )

    def peak_bytes(self, shape: Sequence[int], precision: str) -> int:
        """Estimate the memory for a block with one member at a time, in bytes.

        The network stays in memory until the last step.
        """
        return sum(step.peak_bytes(shape, precision) for step in self.steps)

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def resolve(facts: Facts, settings: Settings) -> Pipeline:
    """Decide which steps restore a block, with all their numbers.

    Parameters
    ----------
    facts
        Measured of the block.
    settings
        What was asked.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> from napari_dip.pipeline.facts import Facts, NoiseLevel
    >>> from napari_dip.settings import Settings
    >>> level = NoiseLevel(0.1, (0.1,))
    >>> facts = Facts((1, 64, 64), (PoissonGaussian(read=0.1),), level, level)
    >>> print(resolve(facts, Settings()))
    Filter groups of similar patches of the noisy image, at several scales.
    Fit a network to the image with Muon, as a correction of that estimate, at most 16 iterations;
    the rule consensus may stop it earlier.
    Filter groups of similar patches, 2 passes.
    """
    models_noise = uses_noise_model(settings)
    mixes = mixes_pixels(settings, blurred=facts.blurred)
    stabilises = models_noise and not mixes
    domain = Domain.of(facts.noises, stabilise=stabilises)
    level = facts.stabilised_level if stabilises else facts.level
    factors = tuple(settings.factors.values())
    correlation = facts.correlation

    removes_noise = not settings.keeps_known and level.typical > 0
    # With correlated noise the first estimate is the worse one, and a fit would follow it.
    complete = not (mixes or facts.has_gaps or any(correlation))
    filters_first = removes_noise and complete
    sharpens = (
        removes_noise
        and can_sharpen(settings, blurred=facts.blurred)
        and facts.missing <= MOST_MISSING
        and not any(correlation)
    )
    fills_first = settings.keeps_known and facts.has_gaps and not (mixes or facts.is_stack)
    projects = level.typical == 0 and filters_and_projects(
        settings, blurred=facts.blurred, one_plane=not facts.is_stack
    )
    may_start = (filters_first or fills_first or sharpens) and settings.refinement != 0
    chosen = _recipe(
        facts,
        settings,
        level.typical,
        from_estimate=may_start,
        projects=projects,
        sharpens=sharpens,
    )

    # What was given of the noise counts. An estimate counts neither along Z nor where pixels are
    # mixed and the noise seems correlated: decimated texture looks like that.
    given = not isinstance(settings.noise, str)
    trusts_noise = given or not (chosen.projection_steps or (mixes and any(correlation)))

    passes = chosen.refinement if removes_noise else 0
    filters = not mixes and (passes > 0 or (chosen.gap_passes > 0 and facts.has_gaps))
    scaling = EqualNoise(
        level.channels,
        trusted=TRUSTED_IN_GAPS if settings.keeps_known else 1,
        each_too=facts.shared == "C",
        planes=facts.is_stack,
    )
    stabilise = Stabilise(
        domain,
        settings.task,
        factors,
        uses_noise=models_noise and trusts_noise,
    )
    unstabilise = Unstabilise(domain)
    fit = Fit(
        chosen,
        domain,
        factors,
        level.typical,
        correlation=float(np.mean([along[:1] or (0.0,) for along in correlation])),
        everything_observed=not mixes and not facts.has_gaps,
        fills_only=settings.keeps_known,
        mean_of_averages=filters and isinstance(chosen.stopping, Consensus),
        expected_iterations=_expected_iterations(chosen, level.typical, facts, settings),
        kernel=facts.kernel,
    )
    starts = chosen.estimate_strength > 0
    estimate: list[Step] = [fit]
    if starts and (fills_first or sharpens):
        estimate.append(AverageWithFirst())
    if isinstance(chosen.network, NoNetwork):
        estimate = [FilterAlone(domain, level.typical, scaling, correlation, passes)]
    elif chosen.projection_steps:
        estimate += [Project(chosen.projection_steps, level.typical if trusts_noise else 0.0)]
    elif projects and chosen.refinement:
        estimate += [_filter_and_project(chosen.refinement, max(factors))]
    elif filters:
        gaps, filling = facts.has_gaps, chosen.gap_passes
        estimate += [PatchFilter(scaling, correlation, gaps, filling, passes, starts)]
    before_fit: list[Step] = [stabilise]
    if starts and fills_first:
        before_fit.append(FirstFill(domain, level.typical, _filling(scaling, facts)))
    elif starts and sharpens:
        before_fit.append(_first_sharp(facts, stabilise))
    elif starts:
        before_fit.append(FirstFilter(scaling, correlation))
    member = (*estimate, unstabilise)
    # All members start from the same observation and the same first estimate.
    steps = [*before_fit, *([Ensemble(chosen.members, member)] if chosen.members > 1 else member)]
    plane_with_noise = not facts.is_stack and level.typical > 0 and not facts.has_gaps
    if chosen.average_with_filter and filters and plane_with_noise:
        steps.append(AverageWithFilter(stabilise, unstabilise, scaling, correlation))
    if facts.shifts is not None:
        steps = [Align(facts.shifts), *steps, PutBack(facts.shifts)]
    noisy = any(not noise.is_none for noise in facts.noises)
    if settings.task.matches_noise and facts.has_gaps and noisy:
        steps.append(MatchNoise(facts.noises))
    return Pipeline(tuple(steps), chosen)


def _first_sharp(facts: Facts, observe: Stabilise) -> FirstSharp:
    """Return the step that denoises a blurred image where its noise is equal, and sharpens it."""
    domain, level = Domain.of(facts.noises, stabilise=True), facts.stabilised_level
    scaling = EqualNoise(level.channels, each_too=facts.shared == "C", planes=facts.is_stack)
    return FirstSharp(
        replace(observe, domain=domain),
        FirstFilter(scaling, facts.correlation),
        Unstabilise(domain),
        level.typical,
        facts.kernel,
        FirstFill(domain, level.typical, _filling(scaling, facts)) if facts.has_gaps else None,
    )


def _filling(scaling: EqualNoise, facts: Facts) -> PatchFilter:
    """Return the filter that fills gaps before a fit."""
    return PatchFilter(scaling, facts.correlation, True, FIRST_GAP_PASSES, 0)


def _filter_and_project(rounds: int, factor: int) -> FilterAndProject:
    """Return the step with its rounds, which assume less and less noise."""
    sigmas = np.geomspace(factor * FIRST_ROUND_SIGMA, LAST_ROUND_SIGMA, rounds)
    return FilterAndProject(tuple(map(float, sigmas)), factor)


def _with_recipe(steps: Sequence[Step], recipe: Recipe) -> tuple[Step, ...]:
    """Replace the recipe of each fit."""
    changed: list[Step] = []
    for step in steps:
        match step:
            case Fit():
                changed.append(replace(step, recipe=recipe))
            case Ensemble():
                changed.append(replace(step, steps=_with_recipe(step.steps, recipe)))
            case _:
                changed.append(step)
    return tuple(changed)


def _expected_iterations(chosen: Recipe, sigma: float, facts: Facts, settings: Settings) -> float:
    """Estimate after how many iterations the stopping rule ends the fit."""
    few = chosen.estimate_strength > 0 or _shares_iterations(chosen, facts, settings)
    if few or not chosen.stopping.stops_early:
        return chosen.iterations  # such fits seldom stop before their few iterations
    if facts.has_gaps:  # only noise ends a fit to an image with gaps
        return min(chosen.iterations, STOP_WITH_GAPS) if sigma > LITTLE_NOISE else chosen.iterations
    of_preset = recipe(settings.replace(iterations=None)).iterations
    return min(chosen.iterations, EXPECTED_STOP * of_preset)


def _recipe(
    facts: Facts,
    settings: Settings,
    sigma: float,
    *,
    from_estimate: bool,
    projects: bool,
    sharpens: bool,
) -> Recipe:
    """Return what the preset and the settings say about the fit of a block."""
    factors = settings.factors.values()
    side = max(n * f for n, f in zip(facts.shape[1:], factors, strict=True))
    chosen = recipe(
        settings,
        hole=facts.gaps,
        sigma=sigma,
        side=side,
        from_estimate=from_estimate,
        projects=projects,
        sharpens=sharpens,
    )
    if _shares_iterations(chosen, facts, settings):
        chosen = replace(chosen, iterations=chosen.shared_iterations)
    return chosen


def _shares_iterations(chosen: Recipe, facts: Facts, settings: Settings) -> bool:
    """Whether the preset's number of iterations for planes that share a network applies."""
    return bool(facts.shared and chosen.shared_iterations and settings.iterations is None)
