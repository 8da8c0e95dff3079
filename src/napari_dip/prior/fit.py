"""The loop: fit f_theta(z) to one observation, and keep the best average on the way."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_dip.errors import Diverged
from napari_dip.prior.device import torch_errors
from napari_dip.prior.energy import Observation, total_variation
from napari_dip.prior.stopping import Step, StoppingRule

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.prior.recipes import Recipe

__all__ = ["Fitted", "Iterate", "fit"]

CHECK_EVERY = 10
"""Iterations between two looks at the numbers; each look makes a GPU wait."""

JUMP = 10**0.5
"""A loss that grew so much since the last look is a jump: 5 dB, as published."""

RETRIES = 3
"""From the same place; after that a finite jump is accepted: a loss near zero jumps for nothing."""

MOST_ROLLBACKS = 20
"""From the same place, where the loss is not even finite."""


@dataclass(frozen=True)
class Iterate:
    """Where the fit stands.

    ``estimate``, float32 of shape ``(channels, *spatial)``, is there only when a preview is due.
    """

    iteration: int
    loss: float
    metric: float
    estimate: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Fitted:
    """How the fit ended: the best average, float32 of shape ``(channels, *spatial)``, and why."""

    estimate: NDArray[np.float32]
    iterations: int
    best_iteration: int
    rule: str
    reason: str
    stopped_by_user: bool
    loss: float
    rollbacks: int
    metrics: tuple[tuple[int, float], ...]


@dataclass
class _Averages:
    """The exponential average of the outputs, and what it was when the rule liked it best."""

    average: Tensor
    best: Tensor
    lowest: Tensor

    @classmethod
    def of(cls, output: Tensor) -> _Averages:
        """Begin with the first output, as published."""
        return cls(output.clone(), output.clone(), output.new_full((), math.inf))

    def keep_better(self, metric: Tensor) -> None:
        better = metric < self.lowest
        self.lowest = torch.where(better, metric, self.lowest)
        self.best = torch.where(better, self.average, self.best)


@dataclass
class _State:
    """All that changes from one iteration to the next, so that it can be put back whole."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    rule: StoppingRule
    averages: _Averages | None = None
    saved: tuple[Any, ...] = ()

    def average(self, output: Tensor, weight: float) -> _Averages:
        """Take in one more output; the past keeps ``weight``."""
        if self.averages is None:
            self.averages = _Averages.of(output)
        self.averages.average.lerp_(output, 1 - weight)
        return self.averages

    def save(self) -> None:
        weights, moments = self.network.state_dict(), self.optimizer.state_dict()
        self.saved = copy.deepcopy((weights, moments, self.rule, self.averages))

    def roll_back(self) -> None:
        weights, moments, self.rule, self.averages = copy.deepcopy(self.saved)
        self.network.load_state_dict(weights)  # BatchNorm's buffers are among them
        self.optimizer.load_state_dict(moments)


@dataclass
class _Ledger:
    """The numbers that have reached the host, and what the rule made of them."""

    metrics: list[tuple[int, float]] = field(default_factory=list)
    best_iteration: int = 0
    level: float = math.inf
    rollbacks: int = 0
    retries: int = 0
    reason: str = ""

    def jumped(self, numbers: list[list[float]]) -> bool:
        """Whether a loss is not finite, or the last one is far above those of the last look."""
        losses = [loss for loss, _ in numbers]
        finite = all(map(math.isfinite, losses))
        return not finite or (self.retries < RETRIES and losses[-1] > JUMP * self.level)

    def count_rollback(self, iteration: int, recipe: Recipe) -> None:
        self.rollbacks += 1
        self.retries += 1
        if self.retries > MOST_ROLLBACKS:
            raise Diverged(
                f"the loss is not finite, {self.retries} times in a row, last at iteration "
                f"{iteration}; {_cure(recipe)}"
            )

    def enter(self, rule: StoppingRule, iteration: int, numbers: list[list[float]]) -> None:
        """Ask the rule about each iteration up to this one, in their order."""
        self.retries = 0
        self.level = sum(loss for loss, _ in numbers) / len(numbers)
        for number, (_, metric) in enumerate(numbers, start=iteration - len(numbers) + 1):
            verdict = rule.update(metric)
            self.metrics.append((number, metric))
            self.best_iteration = number if verdict.best else self.best_iteration
            # No break at a stop: the estimate on the side has seen all these iterations.
            self.reason = self.reason or verdict.reason


def _weight_of_past(recipe: Recipe, iteration: int) -> float:
    """Weight in the exponential average; with warm-up its memory is a tenth of the time so far."""
    warm = (1 + iteration) / (10 + iteration) if recipe.warm_up else 1.0
    return min(recipe.averaging, warm)


def _to_array(x: Tensor) -> NDArray[np.float32]:
    """Copy ``(1, channels, *spatial)`` to the host, without its first axis."""
    return x[0].cpu().numpy().copy()


def _cure(recipe: Recipe) -> str:
    return f"lower learning_rate={recipe.learning_rate:g} or choose another seed"


def fit(
    observation: Observation,
    network: nn.Module,
    code: Tensor,
    rule: StoppingRule,
    recipe: Recipe,
    *,
    seed: int = 0,
    preview_every_s: float = 1.0,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Generator[Iterate, None, Fitted]:
    """Minimise E(f_theta(z); y) + R(f_theta(z)) over theta with Adam.

    Equation (2) of Ulyanov, Vedaldi and Lempitsky, IJCV 128 (2020). Where nothing is shown, no
    number leaves the device.

    Parameters
    ----------
    observation
        What was seen and is to be fitted, on the device of the code.
    network, code
        f_theta and z, on one device; the network is trained in place.
    rule
        When to stop, and which estimate is the best.
    recipe
        Rates, weights and the most iterations.
    seed
        Of the fresh noise that each iteration adds to the code.
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
    with torch_errors(code.device):
        generator = torch.Generator(code.device).manual_seed(seed)
        optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
        state = _State(network, optimizer, rule)
        state.save()
        ledger = _Ledger()
        trail: list[Tensor] = []  # loss and metric of each iteration since the last look
        shown = time.monotonic()

        for iteration in range(1, recipe.iterations + 1):
            # forward: the code with fresh noise, the estimate, its energy
            z = code + recipe.code_noise * torch.randn(
                code.shape, generator=generator, device=code.device
            )
            with torch.autocast(
                code.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"
            ):
                output = network(z)
            output = output.float()
            data_term = observation.data_term(output)
            loss = data_term
            if recipe.tv_weight:
                loss = loss + recipe.tv_weight * total_variation(output)

            # backward: one step of Adam
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            # average the outputs, let the rule rate the average, keep the best on the side
            with torch.no_grad():
                averages = state.average(output.detach(), _weight_of_past(recipe, iteration))
                step = Step(iteration, output.detach(), averages.average, data_term.detach())
                metric = state.rule.measure(step)
                averages.keep_better(metric)
            trail.append(torch.stack([loss.detach(), metric]))

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
            finite = all(math.isfinite(loss) for loss, _ in numbers)
            estimate = _to_array(averages.average) if preview and finite else None
            loss_now, metric_now = numbers[-1]
            yield Iterate(iteration, loss_now, metric_now, estimate)
            shown = time.monotonic() if preview else shown
            if ledger.reason or stopped_by_user:
                break

        if state.averages is None:
            raise Diverged(f"no iteration gave a finite loss; {_cure(recipe)}")
        reason = "stopped by the user" if stopped_by_user else ledger.reason
        return Fitted(
            estimate=_to_array(state.averages.best),
            iterations=iteration,
            best_iteration=ledger.best_iteration,
            rule=rule.name,
            reason=reason or f"all {recipe.iterations} iterations done",
            stopped_by_user=stopped_by_user,
            loss=ledger.level,
            rollbacks=ledger.rollbacks,
            metrics=tuple(ledger.metrics),
        )
