"""Define what a stopping rule is, and the rules that look at one number.

A rule decides after each iteration whether a fit should stop, and which average is the best. It has
two parts. ``measure`` runs on the device and returns one or more numbers; smaller is better. The
loop keeps the average of the outputs at the minimum of each number. ``update`` runs on the host,
gets the numbers later as floats, and returns a reason to stop. ``choice`` is the index of the
number whose average is the estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from torch import Generator, Tensor

    from napari_dip import settings
    from napari_dip.dip.objective import Observation

__all__ = [
    "DiscrepancyRule",
    "FixedRule",
    "HeldOutRule",
    "IterationState",
    "PatienceCounter",
    "RuleContext",
    "StoppingRule",
]


@dataclass(frozen=True)
class IterationState:
    """Tensors of one iteration, on the device. Every iteration uses the same memory for them.

    Parameters
    ----------
    iteration
        Number of the iteration, from 1; an integer without axes.
    output, average
        The output of the network and the average of the outputs, ``(1, channels, *spatial)``.
    data_term
        Mean squared residual of the output.
    """

    iteration: Tensor
    output: Tensor
    average: Tensor
    data_term: Tensor


class StoppingRule(Protocol):
    """Rate the estimates of a fit, and decide when to stop."""

    name: str

    @property
    def choice(self) -> int:
        """Index of the number whose minimum is the best estimate."""
        ...

    @property
    def buffers(self) -> Sequence[Tensor]:
        """Tensors that ``measure`` changes in place; complete after the first iteration."""
        ...

    def measure(self, state: IterationState, /) -> Tensor:
        """Return one or more numbers for this iteration; smaller is better.

        The work stays on the device and is the same in every iteration, so that it can be part of a
        CUDA graph.
        """
        ...

    def update(self, *numbers: float) -> str:
        """Take the numbers of the next iteration; return a reason to stop, or an empty string."""
        ...


@dataclass(frozen=True)
class RuleContext:
    """What is known of a fit before its first iteration.

    Parameters
    ----------
    observation
        All known pixels.
    sigma
        Standard deviation of the noise in the intensities of the observation.
    generator
        Chooses the held-out pixels; on the CPU.
    correlation
        Correlation of the noise of neighbouring pixels; 0 for white noise.
    everything_observed
        Whether each pixel of the result was observed: none is missing, blurred or decimated.
    fills_only
        Whether the known pixels are returned unchanged.
    """

    observation: Observation
    sigma: float
    generator: Generator
    correlation: float = 0.0
    everything_observed: bool = True
    fills_only: bool = False

    def hold_out(self, fraction: float) -> tuple[Observation, Observation]:
        """Split the known pixels at random into pixels to fit and held-out pixels."""
        return self.observation.hold_out(fraction, self.generator)


@dataclass
class PatienceCounter:
    """Count how many numbers have passed since the minimum.

    Parameters
    ----------
    patience
        How many numbers to wait for a new minimum.
    share
        Wait for this fraction of the numbers up to the minimum, if that is longer.
    lowest
        The minimum; infinite until a number is finite.
    lowest_at, count
        How many numbers there were up to the minimum, and in all.

    Examples
    --------
    >>> counter = PatienceCounter(2)
    >>> [counter.update(number) for number in (3, 1, 2, 2)]
    ['', '', '', 'no new minimum for 2 iterations']
    """

    patience: float
    share: float = 0.0
    lowest: float = math.inf
    lowest_at: int = 0
    count: int = 0

    @property
    def waited(self) -> int:
        """How many numbers have passed since the minimum."""
        return self.count - self.lowest_at

    def update(self, number: float) -> str:
        """Take the next number; return a reason to stop, or an empty string.

        A number that is not finite is never a minimum. Waiting begins at the first finite number.
        """
        self.count += 1
        if number < self.lowest or self.lowest == math.inf:
            self.lowest = min(self.lowest, number)
            self.lowest_at = self.count
        return f"no new minimum for {self.waited} iterations" if self.is_exhausted() else ""

    def is_exhausted(self, factor: float = 1) -> bool:
        """Whether the patience, multiplied by a factor, has run out."""
        return self.waited >= factor * max(self.patience, self.share * self.lowest_at)


@dataclass
class FixedRule:
    """Return the latest average after the given number of iterations."""

    name: str = "fixed"
    choice: int = 0
    buffers: ClassVar[Sequence[Tensor]] = ()

    @classmethod
    def build(cls, stopping: settings.Fixed, context: RuleContext) -> tuple[Self, Observation]:
        """Build the rule from its settings."""
        return cls(), context.observation

    def measure(self, state: IterationState, /) -> Tensor:
        """Return minus the number of the iteration: the latest is always the best."""
        return -state.iteration.float()

    def update(self, *numbers: float) -> str:
        """Never stop."""
        return ""


@dataclass
class HeldOutRule:
    """Stop after the minimum of the error on known pixels that are not in the loss.

    Parameters
    ----------
    held_out
        The pixels that are not in the loss.
    counter
        Waits for a new minimum.
    """

    held_out: Observation
    counter: PatienceCounter
    name: str = "held-out"
    choice: int = 0
    buffers: ClassVar[Sequence[Tensor]] = ()

    @classmethod
    def build(cls, stopping: settings.HeldOut, context: RuleContext) -> tuple[Self, Observation]:
        """Build the rule from its settings."""
        fitted, held_out = context.hold_out(stopping.fraction)
        return cls(held_out, PatienceCounter(stopping.patience)), fitted

    def measure(self, state: IterationState, /) -> Tensor:
        """Return the mean squared error of the averaged output."""
        return self.held_out.data_term(state.average)

    def update(self, *numbers: float) -> str:
        """Stop when there is no new minimum for some time."""
        return self.counter.update(*numbers)


@dataclass
class DiscrepancyRule:
    """Stop when the mean squared residual falls to ``target`` (Morozov's discrepancy principle)."""

    target: float
    name: str = "discrepancy"
    choice: int = 0
    buffers: ClassVar[Sequence[Tensor]] = ()

    @classmethod
    def build(
        cls, stopping: settings.Discrepancy, context: RuleContext
    ) -> tuple[Self, Observation]:
        """Build the rule from its settings."""
        return cls(stopping.tau * context.sigma**2), context.observation

    def measure(self, state: IterationState, /) -> Tensor:
        """Return by how much the mean squared residual exceeds the target; 0 if it does not."""
        return (state.data_term - self.target).clamp(min=0)

    def update(self, *numbers: float) -> str:
        """Stop at the first 0."""
        return "the residual has fallen to the noise level" if numbers[0] == 0 else ""
