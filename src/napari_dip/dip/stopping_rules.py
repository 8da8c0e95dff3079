"""Rules that say when to stop, and which estimate was the best.

A rule has two halves. ``measure`` runs after every iteration on the device and yields one or more
numbers, smaller is better; the loop itself keeps, for each number, the estimate at its minimum.
``update`` gets the numbers later, as floats, gives a reason once it is enough, and ``choice`` says
which of the estimates kept to return.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_dip.dip.objective import Observation

__all__ = [
    "DiscrepancyRule",
    "FixedRule",
    "HeldOutRule",
    "MovingVarianceRule",
    "Patience",
    "Step",
    "StoppingRule",
    "WindowedVarianceRule",
]

_SAMPLE = 16_384
"""Values of an output that suffice for its variance."""

_BURN_IN = 100
"""Iterations that the variance rules ignore: an output that has not begun to move varies least."""


@dataclass(frozen=True)
class Step:
    """What a rule may look at after an iteration; all of it on the device.

    ``iteration`` is a whole number without axes, from 1. All tensors are those of the iteration
    before, with other values in them.
    """

    iteration: Tensor
    output: Tensor
    average: Tensor
    data_term: Tensor


class StoppingRule(Protocol):
    """Anything with a name, a choice and these two methods."""

    name: str

    @property
    def choice(self) -> int:
        """By which of its numbers the best estimate is found."""
        ...

    @property
    def memory(self) -> Sequence[Tensor]:
        """What ``measure`` changes, always in place; complete after the first iteration."""
        ...

    def measure(self, step: Step, /) -> Tensor:
        """Rate the estimate of this iteration: one number or several, smaller is better.

        All on the device, and whatever the iteration: it may be launched as part of a graph.
        """
        ...

    def update(self, *numbers: float) -> str:
        """Take the next numbers; the answer is the reason to stop, empty to go on."""
        ...


@dataclass
class Patience:
    """Wait ``least`` numbers for a new minimum, or ``share`` of those it took to the last."""

    least: float
    share: float = 0.0
    lowest: float = math.inf
    best_at: int = 0
    count: int = 0

    @property
    def waited(self) -> int:
        """Numbers since the minimum."""
        return self.count - self.best_at

    def update(self, number: float) -> str:
        """Take the next number; one that is not finite is never a minimum."""
        self.count += 1
        # Until a first minimum is there, there is nothing to wait for.
        if number < self.lowest or self.lowest == math.inf:
            self.lowest = min(self.lowest, number)
            self.best_at = self.count
        return f"no better for {self.waited} iterations" if self.is_over else ""

    @property
    def is_over(self) -> bool:
        """Whether it has waited long enough."""
        return self.has_waited()

    def has_waited(self, times: float = 1) -> bool:
        """Whether it has waited so many times as long as is enough."""
        return self.waited >= times * max(self.least, self.share * self.best_at)


@dataclass
class FixedRule:
    """The latest estimate is the best; the loop's own end is the only one."""

    name: str = "fixed"
    choice: int = 0
    memory: ClassVar[Sequence[Tensor]] = ()

    def measure(self, step: Step, /) -> Tensor:
        """Count down."""
        return -step.iteration.float()

    def update(self, *numbers: float) -> str:
        """Go on, always."""
        return ""


@dataclass
class WindowedVarianceRule:
    """ES-WMV: mean squared distance of the last outputs to their mean.

    Wang, Li, Zhuang, Chen, Liang and Sun, "Early Stopping for Deep Image Prior", TMLR 2023.
    """

    window: int
    wait: Patience
    burn_in: int = _BURN_IN
    name: str = "es-wmv"
    choice: int = 0
    outputs: Tensor | None = field(default=None, repr=False)

    @property
    def memory(self) -> list[Tensor]:
        """The last outputs."""
        return [] if self.outputs is None else [self.outputs]

    def measure(self, step: Step, /) -> Tensor:
        """Take the variance over the window, averaged over a sample of the pixels."""
        sample = _sample(step.output)
        if self.outputs is None:
            self.outputs = sample.new_zeros(self.window, len(sample))
        place = (step.iteration % self.window).reshape(1)
        self.outputs.index_copy_(0, place, sample[None])
        # By hand: torch.var along the first axis takes twenty times as long on the CPU.
        variance = (self.outputs - self.outputs.mean(dim=0)).square_().mean()
        too_early = step.iteration < max(self.window, self.burn_in)
        return torch.where(too_early, math.inf, variance)

    def update(self, *numbers: float) -> str:
        """Wait for a new minimum."""
        return self.wait.update(*numbers)


@dataclass
class MovingVarianceRule:
    """ES-EMV: the same with exponentially weighted moments (same paper, Section 3.2)."""

    alpha: float
    wait: Patience
    name: str = "es-emv"
    choice: int = 0
    mean: Tensor | None = field(default=None, repr=False)
    variance: Tensor | None = field(default=None, repr=False)

    @property
    def memory(self) -> list[Tensor]:
        """Both moments."""
        return [moment for moment in (self.mean, self.variance) if moment is not None]

    def measure(self, step: Step, /) -> Tensor:
        """Update the moving variance, averaged over a sample of the pixels."""
        sample = _sample(step.output)
        if self.mean is None or self.variance is None:
            self.mean, self.variance = sample.clone(), sample.new_zeros(())
        change = sample - self.mean
        self.mean.add_(change, alpha=self.alpha)
        self.variance.add_(change.square().mean(), alpha=self.alpha).mul_(1 - self.alpha)
        return torch.where(step.iteration < _BURN_IN, math.inf, self.variance)

    def update(self, *numbers: float) -> str:
        """Wait for a new minimum."""
        return self.wait.update(*numbers)


@dataclass
class HeldOutRule:
    """Mean squared error of the averaged estimate on known pixels that the loss never sees."""

    held: Observation
    wait: Patience
    name: str = "held-out"
    choice: int = 0
    memory: ClassVar[Sequence[Tensor]] = ()

    def measure(self, step: Step, /) -> Tensor:
        """Take the error of the averaged estimate."""
        return self.held.data_term(step.average)

    def update(self, *numbers: float) -> str:
        """Wait for a new minimum."""
        return self.wait.update(*numbers)


@dataclass
class DiscrepancyRule:
    """Morozov's principle: stop where the residual is as large as the noise."""

    target: float
    name: str = "discrepancy"
    choice: int = 0
    memory: ClassVar[Sequence[Tensor]] = ()

    def measure(self, step: Step, /) -> Tensor:
        """Tell how far the residual still lies above tau sigma²; 0 once it is there."""
        return (step.data_term - self.target).clamp(min=0)

    def update(self, *numbers: float) -> str:
        """Stop at the first 0."""
        return "the residual is down to the noise" if numbers[0] == 0 else ""


def _sample(x: Tensor) -> Tensor:
    """Take values at even spacing, at most as many as a variance needs."""
    flat = x.detach().float().flatten()
    return flat[:: math.ceil(len(flat) / _SAMPLE)]
