"""Hold the state of a fit: tensors on the device, which can be rolled back, and its history."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.constants import JUMP_RATIO, MAX_JUMP_ROLLBACKS, MAX_ROLLBACKS
from napari_dip.dip.optimisers import moments
from napari_dip.errors import Diverged

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_dip.dip.objective import Observation
    from napari_dip.dip.optimisers import Optimiser
    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.stopping_rules import StoppingRule
    from napari_dip.network.input_code import CodeNoise

__all__ = ["Averages", "DeviceState", "FitHistory", "FitState", "divergence_remedy"]


@dataclass
class Averages:
    """Exponential average of the outputs, and its value at the minimum of each number of the rule.

    Parameters
    ----------
    average
        The average, ``(1, channels, *spatial)``.
    best
        The average at the minimum of each number, ``(numbers, 1, channels, *spatial)``; the latest
        one for a number that was not finite yet.
    lowest
        The minimum of each number, ``(numbers,)``.
    """

    average: Tensor
    best: Tensor | None = None
    lowest: Tensor | None = None

    def keep_better(self, numbers: Tensor) -> None:
        """Copy the average for each number that is a new minimum, or has no finite value yet."""
        if self.best is None or self.lowest is None:
            self.best = self.average.expand(len(numbers), *self.average.shape).clone()
            self.lowest = torch.full_like(numbers, math.inf)
        better = numbers < self.lowest
        torch.where(better, numbers, self.lowest, out=self.lowest)
        replaced = better | (self.lowest == math.inf)
        replaced = replaced.reshape(-1, *[1] * self.average.ndim)
        torch.where(replaced, self.average, self.best, out=self.best)


@dataclass
class DeviceState:
    """Tensors that an iteration changes in place, with a copy to roll back to.

    Parameters
    ----------
    network, optimiser, rule, averages
        The objects that hold the tensors.
    iteration
        Number of the iteration: a tensor without axes, which a rollback does not change.
    """

    network: nn.Module
    optimiser: Optimiser
    rule: StoppingRule
    averages: Averages
    iteration: Tensor
    saved: list[Tensor] = field(default_factory=list)

    def save(self) -> None:
        """Copy all tensors. The first call must come after the first iteration."""
        changing = self._changing()
        if not self.saved:
            self.saved = [tensor.clone() for tensor in changing]
        for copy, tensor in zip(self.saved, changing, strict=True):
            copy.copy_(tensor)

    def roll_back(self) -> None:
        """Restore all tensors from the copy."""
        for copy, tensor in zip(self.saved, self._changing(), strict=True):
            tensor.copy_(copy)

    def _changing(self) -> list[Tensor]:
        weights = [*self.network.parameters(), *self.network.buffers()]
        averages = (self.averages.average, self.averages.best, self.averages.lowest)
        everything = [*weights, *moments(self.optimiser), *self.rule.buffers, *averages]
        return [tensor.detach() for tensor in everything if tensor is not None]


@dataclass
class FitHistory:
    """Numbers that were copied to the host, and the decisions of the stopping rule.

    Parameters
    ----------
    metrics
        Iteration and first finite number of the stopping rule; without rolled-back iterations.
    lowest, best_iterations
        Minimum of each number, and its iteration.
    mean_loss
        Mean loss of the iterations that the last check recorded.
    rollbacks
        How many times the fit was rolled back.
    rollbacks_in_a_row
        How many of these were to the present copy.
    reason
        Why the rule stops the fit; empty if it does not.
    """

    metrics: list[tuple[int, float]] = field(default_factory=list)
    lowest: list[float] = field(default_factory=list)
    best_iterations: list[int] = field(default_factory=list)
    mean_loss: float = math.inf
    rollbacks: int = 0
    rollbacks_in_a_row: int = 0
    reason: str = ""

    def has_jumped(self, rows: list[list[float]]) -> bool:
        """Whether a loss is not finite, or the last one is far above those before the last check.

        ``rows`` has the loss and the numbers of each iteration since the last check.
        """
        losses = [loss for loss, *_ in rows]
        if not all(map(math.isfinite, losses)):
            return True
        may_roll_back = self.rollbacks_in_a_row < MAX_JUMP_ROLLBACKS
        return may_roll_back and losses[-1] > JUMP_RATIO * self.mean_loss

    def count_rollback(self, iteration: int, recipe: Recipe) -> None:
        """Count a rollback.

        Raises
        ------
        Diverged
            After too many rollbacks in a row.
        """
        self.rollbacks += 1
        self.rollbacks_in_a_row += 1
        if self.rollbacks_in_a_row > MAX_ROLLBACKS:
            raise Diverged(
                f"the loss is not finite, {self.rollbacks_in_a_row} times in a row, last at "
                f"iteration {iteration}; {divergence_remedy(recipe)}"
            )

    def record(self, rule: StoppingRule, iteration: int, rows: list[list[float]]) -> None:
        """Pass the numbers of the iterations since the last check to the rule, in their order.

        ``rows`` has the loss and the numbers of each iteration; ``iteration`` is the last one.
        """
        self.rollbacks_in_a_row = 0
        self.mean_loss = sum(loss for loss, *_ in rows) / len(rows)
        for at, (_, *numbers) in enumerate(rows, start=iteration - len(rows) + 1):
            reason = rule.update(*numbers)
            metric = next(filter(math.isfinite, numbers), math.inf)
            self.metrics.append((at, metric))
            self._update_minima(at, numbers)
            # The loop goes on after a reason: the averages on the device include all iterations.
            self.reason = self.reason or reason

    def _update_minima(self, iteration: int, numbers: list[float]) -> None:
        """Repeat on the host what :meth:`Averages.keep_better` does on the device."""
        self.lowest = self.lowest or [math.inf] * len(numbers)
        self.best_iterations = self.best_iterations or [0] * len(numbers)
        for k, number in enumerate(numbers):
            if number < self.lowest[k] or self.lowest[k] == math.inf:
                self.lowest[k] = min(self.lowest[k], number)
                self.best_iterations[k] = iteration

    def best_iteration(self, rule: StoppingRule) -> int:
        """Return the iteration that the rule would choose now; 0 before the first check."""
        return self.best_iterations[rule.choice] if self.best_iterations else 0


@dataclass
class FitState:
    """Everything that is needed to run or continue a fit.

    Parameters
    ----------
    observation
        What is fitted.
    device_state, input_code
        Tensors of the fit on the device.
    history
        Numbers of the fit on the host.
    iteration
        The last iteration that was run.
    """

    observation: Observation
    device_state: DeviceState
    input_code: CodeNoise
    history: FitHistory = field(default_factory=FitHistory)
    iteration: int = 0


def divergence_remedy(recipe: Recipe) -> str:
    """Return what a user can do about a loss that grows."""
    return f"lower learning_rate={recipe.learning_rate:g} or choose another seed"
