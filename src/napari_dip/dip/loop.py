"""The loop: fit f_theta(z) to one observation, and keep the best average on the way."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_dip.compute.cuda_graph import GraphRunner
from napari_dip.compute.device import torch_errors
from napari_dip.dip.iteration import iterate
from napari_dip.dip.optimisers import make_optimiser
from napari_dip.dip.state import Averages, Course, State, cure
from napari_dip.errors import Diverged
from napari_dip.network.input_code import CodeNoise

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.dip.objective import Observation
    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.stopping_rules import StoppingRule

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

    def after(self, before: int) -> Iterate:
        """Count on the iterations that came first."""
        best = before + self.best_iteration
        return replace(self, iteration=before + self.iteration, best_iteration=best)


@dataclass(frozen=True)
class Fitted:
    """How the fit ended: the best and the latest average, and why.

    Both are float32 of shape ``(channels, *spatial)``. ``launched`` tells how a GPU was given its
    work, as :attr:`~napari_dip.compute.cuda_graph.GraphRunner.launch_mode` does.
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
    launched: str
    metrics: tuple[tuple[int, float], ...]


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
    clock = torch.zeros((), dtype=torch.int64, device=code.device)
    shape = (1, observation.y.shape[1], *code.shape[2:])
    averages = Averages(torch.zeros(shape, device=code.device, dtype=torch.float32))
    state = State(network, make_optimiser(network, recipe), rule, averages, clock)
    return Course(observation, state, codes)


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
    device = codes.code.device
    with torch_errors(device):
        an_iteration = GraphRunner(partial(iterate, course, recipe), device)
        save = GraphRunner(state.save, device)
        overruled = bool(ledger.reason)
        trail: list[Tensor] = []  # loss and numbers of each iteration since the last look
        shown = time.monotonic()

        for iteration in range(course.iteration + 1, recipe.iterations + 1):
            course.iteration = iteration
            codes.draw()
            trail.append(an_iteration().clone())
            if iteration == 1:
                state.save()  # from now on all is there that can be put back

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
                    save()

            # show, but no picture that is not finite: it is about to be put back
            finite = all(math.isfinite(row[0]) for row in numbers)
            estimate = _to_array(state.averages.average) if preview and finite else None
            loss_now, metric_now, *_ = numbers[-1]
            best = ledger.best_iteration(state.rule)
            yield Iterate(iteration, loss_now, metric_now, estimate, best)
            shown = time.monotonic() if preview else shown
            if stopped_by_user or (ledger.reason and not overruled):
                break

        if state.averages.best is None or not ledger.metrics:
            raise Diverged(f"no iteration gave a finite loss; {cure(recipe)}")
        latest = _to_array(state.averages.average)
        choice = None if overruled else state.rule.choice
        best = course.iteration if choice is None else ledger.best_iteration(state.rule)
        reason = f"continued to iteration {course.iteration}" if overruled else ledger.reason
        return Fitted(
            estimate=latest if choice is None else _to_array(state.averages.best[choice]),
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
            launched=an_iteration.launch_mode,
            metrics=tuple(ledger.metrics),
        )
