"""Measure after each iteration whether a fit should stop, and which average is the best.

A rule has two parts. ``measure`` runs on the device and returns one or more numbers; smaller is
better. The loop keeps the average of the outputs at the minimum of each number. ``update`` runs on
the host, gets the numbers later as floats, and returns a reason to stop. ``choice`` is the index of
the number whose average is the estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import torch

from napari_dip.dip.constants import VARIANCE_BURN_IN, VARIANCE_SAMPLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_dip.dip.objective import Observation

__all__ = [
    "DiscrepancyRule",
    "FixedRule",
    "HeldOutRule",
    "IterationState",
    "MovingVarianceRule",
    "PatienceCounter",
    "StoppingRule",
    "WindowedVarianceRule",
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

    def measure(self, state: IterationState, /) -> Tensor:
        """Return minus the number of the iteration: the latest is always the best."""
        return -state.iteration.float()

    def update(self, *numbers: float) -> str:
        """Never stop."""
        return ""


@dataclass
class WindowedVarianceRule:
    """ES-WMV: stop after the minimum of the variance of the last outputs.

    Wang, Li, Zhuang, Chen, Liang and Sun, "Early Stopping for Deep Image Prior", TMLR 2023.

    Parameters
    ----------
    window
        How many outputs the variance is taken over.
    counter
        Waits for a new minimum.
    burn_in
        Iterations at the start without a number.
    """

    window: int
    counter: PatienceCounter
    burn_in: int = VARIANCE_BURN_IN
    name: str = "es-wmv"
    choice: int = 0
    outputs: Tensor | None = field(default=None, repr=False)

    @property
    def buffers(self) -> list[Tensor]:
        """Samples of the last outputs."""
        return [] if self.outputs is None else [self.outputs]

    def measure(self, state: IterationState, /) -> Tensor:
        """Return the variance over the window, averaged over a sample of the pixels."""
        sample = _sample(state.output)
        if self.outputs is None:
            self.outputs = sample.new_zeros(self.window, len(sample))
        place = (state.iteration % self.window).reshape(1)
        self.outputs.index_copy_(0, place, sample[None])
        # torch.var along the first axis takes twenty times as long on the CPU.
        variance = (self.outputs - self.outputs.mean(dim=0)).square_().mean()
        too_early = state.iteration < max(self.window, self.burn_in)
        return torch.where(too_early, math.inf, variance)

    def update(self, *numbers: float) -> str:
        """Stop when there is no new minimum for some time."""
        return self.counter.update(*numbers)


@dataclass
class MovingVarianceRule:
    """ES-EMV: as ES-WMV, with an exponentially weighted variance (same paper, Section 3.2).

    Parameters
    ----------
    alpha
        Weight of the latest output, from 0 to 1.
    counter
        Waits for a new minimum.
    """

    alpha: float
    counter: PatienceCounter
    name: str = "es-emv"
    choice: int = 0
    mean: Tensor | None = field(default=None, repr=False)
    variance: Tensor | None = field(default=None, repr=False)

    @property
    def buffers(self) -> list[Tensor]:
        """The moving mean and variance."""
        return [moment for moment in (self.mean, self.variance) if moment is not None]

    def measure(self, state: IterationState, /) -> Tensor:
        """Return the moving variance, averaged over a sample of the pixels."""
        sample = _sample(state.output)
        if self.mean is None or self.variance is None:
            self.mean, self.variance = sample.clone(), sample.new_zeros(())
        change = sample - self.mean
        self.mean.add_(change, alpha=self.alpha)
        self.variance.add_(change.square().mean(), alpha=self.alpha).mul_(1 - self.alpha)
        return torch.where(state.iteration < VARIANCE_BURN_IN, math.inf, self.variance)

    def update(self, *numbers: float) -> str:
        """Stop when there is no new minimum for some time."""
        return self.counter.update(*numbers)


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

    def measure(self, state: IterationState, /) -> Tensor:
        """Return by how much the mean squared residual exceeds the target; 0 if it does not."""
        return (state.data_term - self.target).clamp(min=0)

    def update(self, *numbers: float) -> str:
        """Stop at the first 0."""
        return "the residual has fallen to the noise level" if numbers[0] == 0 else ""


def _sample(x: Tensor) -> Tensor:
    """Return every k-th value, with the smallest k that keeps the sample small enough."""
    flat = x.detach().float().flatten()
    return flat[:: math.ceil(len(flat) / VARIANCE_SAMPLE_SIZE)]
