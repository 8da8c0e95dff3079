"""Stop a fit after the minimum of the variance of its last outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.constants import VARIANCE_BURN_IN, VARIANCE_SAMPLE_SIZE
from napari_dip.dip.stopping_rules import PatienceCounter

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

    from napari_dip import settings
    from napari_dip.dip.objective import Observation
    from napari_dip.dip.stopping_rules import IterationState, RuleContext

__all__ = ["MovingVarianceRule", "WindowedVarianceRule"]


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

    @classmethod
    def build(
        cls, stopping: settings.WindowedVariance, context: RuleContext
    ) -> tuple[Self, Observation]:
        """Build the rule from its settings."""
        rule = cls(stopping.window, PatienceCounter(stopping.patience))
        return rule, context.observation

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

    @classmethod
    def build(
        cls, stopping: settings.MovingVariance, context: RuleContext
    ) -> tuple[Self, Observation]:
        """Build the rule from its settings."""
        rule = cls(stopping.alpha, PatienceCounter(stopping.patience))
        return rule, context.observation

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


def _sample(x: Tensor) -> Tensor:
    """Return every k-th value, with the smallest k that keeps the sample small enough."""
    flat = x.detach().float().flatten()
    return flat[:: math.ceil(len(flat) / VARIANCE_SAMPLE_SIZE)]
