"""Rules that say when to stop, and which estimate was the best.

A rule has two halves. ``measure`` runs after every iteration on the device and yields one or more
numbers, smaller is better; the loop itself keeps, for each number, the estimate at its minimum.
``update`` gets the numbers later, as floats, gives a reason once it is enough, and ``choice`` says
which of the estimates kept to return.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.prior.energy import Observation

__all__ = [
    "ConsensusRule",
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

_WHITE = -0.025
"""Autocorrelation of the residual's neighbours below which structure is no longer in it.

It is that of the noise, 0 if white, and below once the estimate has taken up some of that noise.
"""


@dataclass(frozen=True)
class Step:
    """What a rule may look at after an iteration; all tensors on the device."""

    iteration: int
    output: Tensor
    average: Tensor
    data_term: Tensor


class StoppingRule(Protocol):
    """Anything with a name, a choice and these two methods."""

    name: str
    choice: int

    def measure(self, step: Step, /) -> Tensor:
        """Rate the estimate of this iteration: one number or several, smaller is better."""
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
        return self.waited >= max(self.least, self.share * self.best_at)


@dataclass
class FixedRule:
    """The latest estimate is the best; the loop's own end is the only one."""

    name: str = "fixed"
    choice: int = 0

    def measure(self, step: Step, /) -> Tensor:
        """Count down."""
        return step.data_term.new_full((), -step.iteration)

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

    def measure(self, step: Step, /) -> Tensor:
        """Take the variance over the window, averaged over a sample of the pixels."""
        sample = _sample(step.output)
        if self.outputs is None:
            self.outputs = sample.new_empty(self.window, len(sample))
        self.outputs[step.iteration % self.window] = sample
        if step.iteration < max(self.window, self.burn_in):
            return sample.new_full((), math.inf)
        return self.outputs.var(dim=0, correction=0).mean()

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

    def measure(self, step: Step, /) -> Tensor:
        """Update the moving variance, averaged over a sample of the pixels."""
        sample = _sample(step.output)
        if self.mean is None or self.variance is None:
            self.mean, self.variance = sample.clone(), sample.new_zeros(())
        change = sample - self.mean
        self.mean = self.mean + self.alpha * change
        spread = change.square().mean()
        self.variance = (1 - self.alpha) * (self.variance + self.alpha * spread)
        inf = torch.full_like(self.variance, math.inf)
        return self.variance if step.iteration >= _BURN_IN else inf

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

    def measure(self, step: Step, /) -> Tensor:
        """Tell how far the residual still lies above tau sigma²; 0 once it is there."""
        return (step.data_term - self.target).clamp(min=0)

    def update(self, *numbers: float) -> str:
        """Stop at the first 0."""
        return "the residual is down to the noise" if numbers[0] == 0 else ""


@dataclass
class ConsensusRule:
    """Two of three: held-out pixels, windowed variance, a residual as white as the noise.

    Each has a blind spot of its own: few held-out pixels scatter, texture keeps the residual from
    being white, and the variance has early minima. Each is a number with a minimum, and a patience
    that grows with the time it took to get there. When two have run out, the later of their minima
    is the best estimate.

    Parameters
    ----------
    seen, held
        What is fitted, and what is kept from it; ``held=None`` where neighbouring pixels share
        their noise, so that a held-out pixel is not new to the network: one of the other two is
        then enough, for such noise is taken up early.
    variance
        The rule that measures it.
    least, share
        Of each :class:`Patience`.
    correlation
        Of the noise of neighbouring pixels; minus infinity if the residual is not to be asked.
    """

    seen: Observation
    held: Observation | None
    variance: WindowedVarianceRule
    least: float
    share: float
    correlation: float = 0.0
    name: str = "consensus"
    choice: int = 0
    waits: list[Patience] = field(init=False)

    def __post_init__(self) -> None:
        self.waits = [Patience(self.least, self.share) for _ in _SIGNALS]

    def measure(self, step: Step, /) -> Tensor:
        """Take all three, in the order of their names."""
        variance = self.variance.measure(step)
        correlation = autocorrelation(self.seen.residual(step.average), self.seen.known)
        # The last moment at which structure was left in the residual.
        coloured = torch.full_like(correlation, -step.iteration)
        like_noise = correlation < self.correlation + _WHITE
        white = torch.where(like_noise, math.nan, coloured)
        held = self.held.data_term(step.average) if self.held else torch.full_like(white, math.nan)
        return torch.stack([held, variance, white])

    def update(self, *numbers: float) -> str:
        """Stop when two of three agree, or one of two is sure."""
        for wait, number in zip(self.waits, numbers, strict=True):
            wait.update(number)
        needed = 2 if self.held is not None else 1
        over = [k for k, wait in enumerate(self.waits) if wait.is_over and wait.lowest < math.inf]
        measured = [k for k, wait in enumerate(self.waits) if wait.lowest < math.inf]
        self.choice = max(over or measured[:1] or [0], key=lambda k: self.waits[k].best_at)
        if len(over) < needed:
            return ""
        return " and ".join(_SIGNALS[k] for k in over)


_SIGNALS = (
    "pixels held out got no better",
    "the outputs are calmest",
    "the residual is like noise",
)


def autocorrelation(residual: Tensor, known: Tensor) -> Tensor:
    """Correlate neighbouring pixels along the last two axes, both of them known.

    ``(1, channels, *spatial)`` each; the answer is a scalar between -1 and 1.
    """
    power = residual.square().sum() / known.sum()
    lags = []
    for axis in (-2, -1):
        near, far = (residual.narrow(axis, start, residual.shape[axis] - 1) for start in (0, 1))
        pairs = known.narrow(axis, 0, known.shape[axis] - 1) * known.narrow(
            axis, 1, known.shape[axis] - 1
        )
        lags.append((near * far).sum() / pairs.sum().clamp(min=1))
    return torch.stack(lags).mean() / power


def _sample(x: Tensor) -> Tensor:
    """Take values at even spacing, at most as many as a variance needs."""
    flat = x.detach().float().flatten()
    return flat[:: math.ceil(len(flat) / _SAMPLE)]
