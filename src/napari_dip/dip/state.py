"""What the loop remembers: averages and best estimates on the device, numbers on the host."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.optimisers import moments
from napari_dip.errors import Diverged

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_dip.dip.objective import Observation
    from napari_dip.dip.optimisers import Optimiser
    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.stopping_rules import StoppingRule
    from napari_dip.network.input_code import CodeNoise

__all__ = ["Averages", "Course", "Ledger", "State", "cure"]

JUMP = 10**0.5
"""A loss that grew so much since the last look is a jump: 5 dB, as published."""

RETRIES = 3
"""From the same place; after that a finite jump is accepted: a loss near zero jumps for nothing."""

MOST_ROLLBACKS = 20
"""From the same place, where the loss is not even finite."""


@dataclass
class Averages:
    """The exponential average of the outputs, and what it was at the minimum of each number.

    While a number has not been finite yet, its best average is the latest. ``best`` has an axis for
    the numbers of the rule in front of those of the average.
    """

    average: Tensor
    best: Tensor | None = None
    lowest: Tensor | None = None

    def keep_better(self, numbers: Tensor) -> None:
        """Keep the average wherever a number is the least so far, or none has been told."""
        if self.best is None or self.lowest is None:
            self.best = self.average.expand(len(numbers), *self.average.shape).clone()
            self.lowest = torch.full_like(numbers, math.inf)
        better = numbers < self.lowest
        torch.where(better, numbers, self.lowest, out=self.lowest)
        newest = better | (self.lowest == math.inf)
        everywhere = newest.reshape(-1, *[1] * self.average.ndim)
        torch.where(everywhere, self.average, self.best, out=self.best)


@dataclass
class State:
    """All that changes from one iteration to the next, always in place, so that it can be put back.

    ``clock`` counts the iterations, on the device.
    """

    network: nn.Module
    optimiser: Optimiser
    rule: StoppingRule
    averages: Averages
    clock: Tensor
    saved: list[Tensor] = field(default_factory=list)

    def save(self) -> None:
        """Remember everything as it is now; the first time, after the first iteration."""
        changing = self._changing()
        if not self.saved:
            self.saved = [tensor.clone() for tensor in changing]
        for kept, tensor in zip(self.saved, changing, strict=True):
            kept.copy_(tensor)

    def roll_back(self) -> None:
        """Put everything back as it was remembered; the clock goes on."""
        for kept, tensor in zip(self.saved, self._changing(), strict=True):
            tensor.copy_(kept)

    def _changing(self) -> list[Tensor]:
        weights = [*self.network.parameters(), *self.network.buffers()]
        averages = (self.averages.average, self.averages.best, self.averages.lowest)
        everything = [*weights, *moments(self.optimiser), *self.rule.memory, *averages]
        return [tensor.detach() for tensor in everything if tensor is not None]


@dataclass
class Ledger:
    """The numbers that have reached the host, and what the rule made of them."""

    metrics: list[tuple[int, float]] = field(default_factory=list)
    lowest: list[float] = field(default_factory=list)
    best_iterations: list[int] = field(default_factory=list)
    level: float = math.inf
    rollbacks: int = 0
    retries: int = 0
    reason: str = ""

    def jumped(self, rows: list[list[float]]) -> bool:
        """Whether a loss is not finite, or the last one is far above those of the last look."""
        losses = [loss for loss, *_ in rows]
        finite = all(map(math.isfinite, losses))
        return not finite or (self.retries < RETRIES and losses[-1] > JUMP * self.level)

    def count_rollback(self, iteration: int, recipe: Recipe) -> None:
        """Write down one more, or give up."""
        self.rollbacks += 1
        self.retries += 1
        if self.retries > MOST_ROLLBACKS:
            raise Diverged(
                f"the loss is not finite, {self.retries} times in a row, last at iteration "
                f"{iteration}; {cure(recipe)}"
            )

    def enter(self, rule: StoppingRule, iteration: int, rows: list[list[float]]) -> None:
        """Ask the rule about each iteration up to this one, in their order."""
        self.retries = 0
        self.level = sum(loss for loss, *_ in rows) / len(rows)
        for number, (_, *numbers) in enumerate(rows, start=iteration - len(rows) + 1):
            reason = rule.update(*numbers)
            # The first that is measured at all.
            metric = next(filter(math.isfinite, numbers), math.inf)
            self.metrics.append((number, metric))
            self._note_minima(number, numbers)
            # No break at a stop: the estimates on the side have seen all these iterations.
            self.reason = self.reason or reason

    def _note_minima(self, iteration: int, numbers: list[float]) -> None:
        """Follow on the host what :meth:`Averages.keep_better` does on the device."""
        self.lowest = self.lowest or [math.inf] * len(numbers)
        self.best_iterations = self.best_iterations or [0] * len(numbers)
        for k, number in enumerate(numbers):
            if number < self.lowest[k] or self.lowest[k] == math.inf:
                self.lowest[k] = min(self.lowest[k], number)
                self.best_iterations[k] = iteration

    def best_iteration(self, rule: StoppingRule) -> int:
        """Tell which iteration the rule would choose now; 0 before the first look."""
        return self.best_iterations[rule.choice] if self.best_iterations else 0


@dataclass
class Course:
    """A fit as far as it has come: what is fitted, and all that it takes to go on."""

    observation: Observation
    state: State
    codes: CodeNoise
    ledger: Ledger = field(default_factory=Ledger)
    iteration: int = 0


def cure(recipe: Recipe) -> str:
    """Say what helps against a loss that grows."""
    return f"lower learning_rate={recipe.learning_rate:g} or choose another seed"
