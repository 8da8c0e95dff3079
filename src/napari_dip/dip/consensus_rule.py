"""Stop a fit when two of three criteria agree: the default rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.constants import GAP_PATIENCE_FACTOR, MAX_WHITE_AUTOCORRELATION
from napari_dip.dip.stopping_rules import PatienceCounter
from napari_dip.dip.variance_rules import WindowedVarianceRule

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

    from napari_dip import settings
    from napari_dip.dip.objective import Observation
    from napari_dip.dip.stopping_rules import IterationState, RuleContext

__all__ = ["ConsensusRule", "autocorrelation"]


@dataclass
class ConsensusRule:
    """Stop when two of three criteria have no new minimum for some time.

    The criteria are the error on held-out pixels, the variance of the last outputs, and the
    autocorrelation of the residual. Each of them can fail: the error on few pixels scatters, the
    variance has early minima, and texture keeps the residual correlated. The estimate is the
    average at the later minimum of the two criteria that agree.

    With correlated noise a held-out pixel is not independent of its neighbours. Then no pixels are
    held out, and one of the other two criteria is enough, as the fit soon takes up such noise.

    Parameters
    ----------
    fitted
        The pixels in the loss.
    held_out
        The pixels that are not in the loss, or ``None``.
    variance
        Measures the variance of the last outputs.
    patience, share
        Of the :class:`~napari_dip.dip.stopping_rules.PatienceCounter` of each criterion.
    max_autocorrelation
        Autocorrelation of the residual below which only noise remains; minus infinity to ignore
        this criterion.
    patience_factor
        Factor of the patience while the residual has structure.
    """

    fitted: Observation
    held_out: Observation | None
    variance: WindowedVarianceRule
    patience: float
    share: float
    max_autocorrelation: float = MAX_WHITE_AUTOCORRELATION
    patience_factor: float = 1
    name: str = "consensus"
    choice: int = 0
    counters: list[PatienceCounter] = field(init=False)

    def __post_init__(self) -> None:
        self.counters = [PatienceCounter(self.patience, self.share) for _ in _CRITERIA]

    @classmethod
    def build(cls, stopping: settings.Consensus, context: RuleContext) -> tuple[Self, Observation]:
        """Build the rule from its settings."""
        window, patience, share = stopping.window, stopping.patience, stopping.share
        variance = WindowedVarianceRule(window, PatienceCounter(patience), burn_in=window)
        if context.correlation:
            # Pixels that were not observed need more iterations than the residual shows.
            most = (
                context.correlation + MAX_WHITE_AUTOCORRELATION
                if context.everything_observed
                else -math.inf
            )
            rule = cls(context.observation, None, variance, patience, share, most)
            return rule, context.observation
        fitted, held_out = context.hold_out(stopping.fraction)
        factor = GAP_PATIENCE_FACTOR if context.fills_only else 1
        rule = cls(fitted, held_out, variance, patience, share, patience_factor=factor)
        return rule, fitted

    @property
    def buffers(self) -> list[Tensor]:
        """Buffers of the variance."""
        return self.variance.buffers

    def measure(self, state: IterationState, /) -> Tensor:
        """Return the numbers of the three criteria, NaN for one that is not used.

        The number of the residual is minus the iteration while the residual has structure, and NaN
        once only noise remains: its minimum is the last iteration with structure.
        """
        variance = self.variance.measure(state)
        residual = self.fitted.residual(state.average)
        is_noise = autocorrelation(residual, self.fitted.known) < self.max_autocorrelation
        structure = torch.where(is_noise, math.nan, -state.iteration.float())
        error = (
            self.held_out.data_term(state.average)
            if self.held_out
            else torch.full_like(structure, math.nan)
        )
        return torch.stack([error, variance, structure])

    def update(self, *numbers: float) -> str:
        """Stop when two criteria agree; without held-out pixels when one is met."""
        for counter, number in zip(self.counters, numbers, strict=True):
            counter.update(number)
        needed = 2 if self.held_out is not None else 1
        only_noise_remains = self.counters[_RESIDUAL].is_exhausted()
        factor = 1 if only_noise_remains else self.patience_factor
        measured = [k for k, counter in enumerate(self.counters) if counter.lowest < math.inf]
        met = [k for k in measured if self.counters[k].is_exhausted(factor)]
        self.choice = max(met or measured[:1] or [0], key=lambda k: self.counters[k].lowest_at)
        if len(met) < needed:
            return ""
        return " and ".join(_CRITERIA[k] for k in met)


_CRITERIA = (
    "error on held-out pixels at its minimum",
    "output variance at its minimum",
    "only noise remains",
)
"""Reasons to stop, in the order of the numbers."""

_RESIDUAL = 2
"""Index of the criterion of the residual."""


def autocorrelation(residual: Tensor, known: Tensor) -> Tensor:
    """Return the correlation of neighbours along the last two axes.

    Parameters
    ----------
    residual
        ``(1, channels, *spatial)``, 0 where a pixel is missing.
    known
        1 where a pixel is known and 0 elsewhere, of the same shape.

    Returns
    -------
    Tensor
        Scalar from -1 to 1, over the pairs in which both pixels are known.
    """
    power = residual.square().sum() / known.sum()
    covariances = []
    for axis in (-2, -1):
        size = residual.shape[axis] - 1
        first, second = (residual.narrow(axis, start, size) for start in (0, 1))
        pairs = known.narrow(axis, 0, size) * known.narrow(axis, 1, size)
        covariances.append((first * second).sum() / pairs.sum().clamp(min=1))
    return torch.stack(covariances).mean() / power
