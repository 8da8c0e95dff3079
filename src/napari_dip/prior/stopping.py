"""Rules that say when to stop, and which estimate was the best.

A rule has two halves. :meth:`~StoppingRule.measure` turns the state of the fit into one number,
smaller is better, and stays on the device. :meth:`~StoppingRule.update` is given these numbers
later, in their order and as Python floats, and decides. So the device never waits for a decision:
the loop keeps the estimate of the least number by itself and asks every few iterations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, assert_never

import torch
from torch import Tensor

from napari_dip import settings

if TYPE_CHECKING:
    from napari_dip.prior.energy import Observation

__all__ = [
    "DiscrepancyRule",
    "FixedRule",
    "HeldOutRule",
    "MovingVarianceRule",
    "Patience",
    "Step",
    "StoppingRule",
    "Verdict",
    "WindowedVarianceRule",
    "make_rule",
]

_SAMPLE = 65_536
"""Values of an output that suffice for its variance."""

_BURN_IN = 100
"""Iterations that the variance rules ignore: an output that has not begun to move varies least."""


@dataclass(frozen=True)
class Step:
    """What a rule may look at after an iteration; all tensors on the device."""

    iteration: int
    output: Tensor
    average: Tensor
    data_term: Tensor


@dataclass(frozen=True)
class Verdict:
    """``best`` says that no earlier number was smaller; ``reason`` is given when it stops."""

    stop: bool
    best: bool
    reason: str = ""


class StoppingRule(Protocol):
    """Anything with a name and these two methods."""

    name: str

    def measure(self, step: Step, /) -> Tensor:
        """Rate the estimate of this iteration: a scalar tensor, smaller is better."""
        ...

    def update(self, metric: float, /) -> Verdict:
        """Take the next of the numbers."""
        ...


@dataclass
class Patience:
    """Stop when there was no new minimum for ``patience`` numbers."""

    patience: float
    lowest: float = math.inf
    waited: int = 0

    def update(self, metric: float) -> Verdict:
        """Take the next number; one that is not finite is never the best."""
        best = metric < self.lowest
        self.lowest = metric if best else self.lowest
        # Until a first minimum is there, there is nothing to wait for.
        self.waited = 0 if best or self.lowest == math.inf else self.waited + 1
        stop = self.waited >= self.patience
        return Verdict(stop, best, f"no better for {self.waited} iterations" if stop else "")


@dataclass
class FixedRule:
    """The latest estimate is the best; the loop's own end is the only one."""

    name: str = "fixed"

    def measure(self, step: Step, /) -> Tensor:
        """Count down."""
        return step.data_term.new_full((), -step.iteration)

    def update(self, metric: float, /) -> Verdict:
        """Go on, always."""
        return Verdict(stop=False, best=not math.isnan(metric))


@dataclass
class WindowedVarianceRule:
    """ES-WMV: mean squared distance of the last outputs to their mean.

    Wang, Li, Zhuang, Chen, Liang and Sun, "Early Stopping for Deep Image Prior", TMLR 2023.
    """

    window: int
    wait: Patience
    name: str = "es-wmv"
    outputs: Tensor | None = field(default=None, repr=False)

    def measure(self, step: Step, /) -> Tensor:
        """Take the variance over the window, averaged over a sample of the pixels."""
        sample = _sample(step.output)
        if self.outputs is None:
            self.outputs = sample.new_empty(self.window, len(sample))
        self.outputs[step.iteration % self.window] = sample
        if step.iteration < max(self.window, _BURN_IN):
            return sample.new_full((), math.inf)
        return self.outputs.var(dim=0, correction=0).mean()

    def update(self, metric: float, /) -> Verdict:
        """Wait for a new minimum."""
        return self.wait.update(metric)


@dataclass
class MovingVarianceRule:
    """ES-EMV: the same with exponentially weighted moments (same paper, Section 3.2)."""

    alpha: float
    wait: Patience
    name: str = "es-emv"
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

    def update(self, metric: float, /) -> Verdict:
        """Wait for a new minimum."""
        return self.wait.update(metric)


@dataclass
class HeldOutRule:
    """Mean squared error of the averaged estimate on known pixels that the loss never sees."""

    held: Observation
    wait: Patience
    name: str = "held-out"

    def measure(self, step: Step, /) -> Tensor:
        """Take the error of the averaged estimate."""
        return self.held.data_term(step.average)

    def update(self, metric: float, /) -> Verdict:
        """Wait for a new minimum."""
        return self.wait.update(metric)


@dataclass
class DiscrepancyRule:
    """Morozov's principle: stop where the residual is as large as the noise."""

    target: float
    name: str = "discrepancy"
    lowest: float = math.inf

    def measure(self, step: Step, /) -> Tensor:
        """Tell how far the residual still lies above tau sigma²; 0 once it is there."""
        return (step.data_term - self.target).clamp(min=0)

    def update(self, metric: float, /) -> Verdict:
        """Stop at the first 0."""
        best = metric < self.lowest
        self.lowest = metric if best else self.lowest
        stop = metric == 0
        return Verdict(stop, best, "the residual is down to the noise" if stop else "")


def _sample(x: Tensor) -> Tensor:
    """Take values at even spacing, at most as many as a variance needs."""
    flat = x.detach().float().flatten()
    return flat[:: math.ceil(len(flat) / _SAMPLE)]


def make_rule(
    stopping: settings.Stopping, observation: Observation, sigma: float, generator: torch.Generator
) -> tuple[StoppingRule, Observation]:
    """Build the rule, and take from the observation what the rule must keep to itself.

    Parameters
    ----------
    stopping
        What was asked.
    observation
        Everything that was seen.
    sigma
        Standard deviation of the noise in the observation's units.
    generator
        On the CPU, to choose the pixels held out.

    Returns
    -------
    rule, observation
        The observation is what may be fitted.
    """
    match stopping:
        case settings.Fixed():
            return FixedRule(), observation
        case settings.WindowedVariance(window=window, patience=patience):
            return WindowedVarianceRule(window, Patience(patience)), observation
        case settings.MovingVariance(alpha=alpha, patience=patience):
            return MovingVarianceRule(alpha, Patience(patience)), observation
        case settings.HeldOut(fraction=fraction, patience=patience):
            seen, held = observation.hold_out(fraction, generator)
            return HeldOutRule(held, Patience(patience)), seen
        case settings.Discrepancy(tau=tau):
            return DiscrepancyRule(tau * sigma**2), observation
    assert_never(stopping)
