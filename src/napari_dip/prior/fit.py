"""The loop: fit f_theta(z) to one observation, and keep the best average on the way."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_dip.errors import Diverged
from napari_dip.prior.code import CodeNoise
from napari_dip.prior.device import torch_errors
from napari_dip.prior.energy import total_variation
from napari_dip.prior.ledger import Course, State, cure
from napari_dip.prior.optimiser import make_optimiser
from napari_dip.prior.stopping import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.prior.energy import Observation
    from napari_dip.prior.recipes import Recipe
    from napari_dip.prior.stopping import StoppingRule

__all__ = ["Fitted", "Iterate", "begin", "fit"]

CHECK_EVERY = 10
"""Iterations between two looks at the numbers; each look makes a GPU wait."""


@dataclass(frozen=True)
class Iterate:
    """Where the fit stands.

    ``estimate``, float32 of shape ``(channels, *spatial)``, is there only when a preview is due;
    ``best_iteration`` is the one that the rule would choose now.
    """

    iteration: int
    loss: float
    metric: float
    estimate: NDArray[np.float32] | None = None
    best_iteration: int = 0


@dataclass(frozen=True)
class Fitted:
    """How the fit ended: the best and the latest average, and why.

    Both are float32 of shape ``(channels, *spatial)``.
    """

    estimate: NDArray[np.float32]
    latest: NDArray[np.float32]
    iterations: int
    best_iteration: int
    rule: str
    reason: str
    stopped_by_user: bool
    loss: float
    rollbacks: int
    metrics: tuple[tuple[int, float], ...]


def _weight_of_past(recipe: Recipe, iteration: int) -> float:
    """Weight in the exponential average; with warm-up its memory is a tenth of the time so far."""
    warm = (1 + iteration) / (10 + iteration) if recipe.warm_up else 1.0
    return min(recipe.averaging, warm)


def _to_array(x: Tensor) -> NDArray[np.float32]:
    """Copy ``(1, channels, *spatial)`` to the host, without its first axis."""
    return x[0].cpu().numpy().copy()


def begin(
    observation: Observation,
    network: nn.Module,
    code: Tensor,
    rule: StoppingRule,
    recipe: Recipe,
    *,
    seed: int = 0,
) -> Course:
    """Get a fit ready.

    Parameters
    ----------
    observation
        What was seen and is to be fitted, on the device of the code.
    network, code
        f_theta and z, on one device; the network is trained in place.
    rule
        When to stop, and which estimate is the best.
    recipe
        Rates and weights.
    seed
        Of the fresh noise that each iteration adds to the code.
    """
    codes = CodeNoise(code, recipe.code_noise, seed, pooled=recipe.noise_pool)
    return Course(observation, State(network, make_optimiser(network, recipe), rule), codes)


def fit(
    course: Course,
    recipe: Recipe,
    *,
    preview_every_s: float = 1.0,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Generator[Iterate, None, Fitted]:
    """Minimise E(f_theta(z); y) + R(f_theta(z)) over theta.

    Equation (2) of Ulyanov, Vedaldi and Lempitsky, IJCV 128 (2020). Where nothing is shown, no
    number leaves the device.

    Parameters
    ----------
    course
        From :func:`begin`, or one that has ended: it goes on from there, to the same bytes as if it
        had not ended (but for a jump of the loss near that place). A rule that had said stop is
        overruled: it no longer ends the fit, and the latest average is the estimate.
    recipe
        Rates, weights and the most iterations, counted from the very first.
    preview_every_s
        The least time in seconds between two iterates that carry an estimate.
    stop_requested
        Read in every iteration; true ends the fit, and the best estimate so far is kept.

    Yields
    ------
    Iterate
        Every few iterations, and whenever a preview is due.

    Returns
    -------
    Fitted
        With the best averaged estimate.

    Raises
    ------
    Diverged
        If the loss jumps again and again.
    OutOfMemory, DeviceFailed
        In place of every error of torch.
    """
    state, ledger, codes = course.state, course.ledger, course.codes
    network, optimiser = state.network, state.optimiser
    with torch_errors(codes.code.device):
        state.save()
        overruled = bool(ledger.reason)
        trail: list[Tensor] = []  # loss and metrics of each iteration since the last look
        shown = time.monotonic()

        for iteration in range(course.iteration + 1, recipe.iterations + 1):
            course.iteration = iteration

            # forward: the code with fresh noise, the estimate, its energy
            z = codes.draw()
            with torch.autocast(
                codes.code.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"
            ):
                output = network(z)
            output = output.float()
            data_term = course.observation.data_term(output)
            loss = data_term
            if recipe.tv_weight:
                loss = loss + recipe.tv_weight * total_variation(output)

            # backward: one step of the optimiser
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

            # average the outputs, let the rule rate the average, keep the best on the side
            with torch.no_grad():
                averages = state.average(output.detach(), _weight_of_past(recipe, iteration))
                step = Step(iteration, output.detach(), averages.average, data_term.detach())
                metrics = state.rule.measure(step).reshape(-1)
                averages.keep_better(metrics)
            trail.append(torch.cat([loss.detach().reshape(1), metrics]))

            # nothing to show: on to the next, without waiting for the device
            stopped_by_user = stop_requested()
            look = stopped_by_user or iteration % CHECK_EVERY == 0 or iteration == recipe.iterations
            preview = time.monotonic() - shown >= preview_every_s
            if not (look or preview):
                continue

            # look: hand the numbers to the rule, or put everything back after a jump
            numbers: list[list[float]] = torch.stack(trail).tolist()
            if look:
                trail = []
                if ledger.jumped(numbers):
                    ledger.count_rollback(iteration, recipe)
                    state.roll_back()
                else:
                    ledger.enter(state.rule, iteration, numbers)
                    state.save()

            # show, but no picture that is not finite: it is about to be put back
            finite = all(math.isfinite(row[0]) for row in numbers)
            estimate = _to_array(averages.average) if preview and finite else None
            loss_now, metric_now, *_ = numbers[-1]
            best = ledger.best_iteration(state.rule)
            yield Iterate(iteration, loss_now, metric_now, estimate, best)
            shown = time.monotonic() if preview else shown
            if stopped_by_user or (ledger.reason and not overruled):
                break

        if state.averages is None or state.averages.best is None:
            raise Diverged(f"no iteration gave a finite loss; {cure(recipe)}")
        latest = _to_array(state.averages.average)
        best = course.iteration if overruled else ledger.best_iteration(state.rule)
        reason = f"continued to iteration {course.iteration}" if overruled else ledger.reason
        return Fitted(
            estimate=latest if overruled else _to_array(state.averages.best[state.rule.choice]),
            latest=latest,
            iterations=course.iteration,
            best_iteration=best,
            rule=state.rule.name,
            reason="stopped by the user"
            if stopped_by_user
            else reason or f"all {recipe.iterations} iterations done",
            stopped_by_user=stopped_by_user,
            loss=ledger.level,
            rollbacks=ledger.rollbacks,
            metrics=tuple(ledger.metrics),
        )
