"""The default rule: it stops when two of three signs agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.stopping_rules import Patience

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.dip.objective import Observation
    from napari_dip.dip.stopping_rules import Step, WindowedVarianceRule

__all__ = ["WHITE", "ConsensusRule", "autocorrelation"]

WHITE = -0.025
"""Autocorrelation of the residual's neighbours below which structure is no longer in it.

It is that of the noise, 0 if white, and below once the estimate has taken up some of that noise.
"""


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
    white
        Autocorrelation of the residual below which it is like the noise; minus infinity if it is
        not to be asked.
    doubt
        How many times as patient the others are while the residual is not like noise yet.
    """

    seen: Observation
    held: Observation | None
    variance: WindowedVarianceRule
    least: float
    share: float
    white: float = WHITE
    doubt: float = 1
    name: str = "consensus"
    choice: int = 0
    waits: list[Patience] = field(init=False)

    def __post_init__(self) -> None:
        self.waits = [Patience(self.least, self.share) for _ in _SIGNALS]

    @property
    def memory(self) -> list[Tensor]:
        """That of the variance."""
        return self.variance.memory

    def measure(self, step: Step, /) -> Tensor:
        """Take all three, in the order of their names."""
        variance = self.variance.measure(step)
        residual = self.seen.residual(step.average)
        # The last moment at which structure was left in the residual.
        like_noise = autocorrelation(residual, self.seen.known) < self.white
        white = torch.where(like_noise, math.nan, -step.iteration.float())
        held = self.held.data_term(step.average) if self.held else torch.full_like(white, math.nan)
        return torch.stack([held, variance, white])

    def update(self, *numbers: float) -> str:
        """Stop when two of three agree, or one of two is sure."""
        for wait, number in zip(self.waits, numbers, strict=True):
            wait.update(number)
        needed = 2 if self.held is not None else 1
        times = 1 if self.waits[_WHITE].is_over else self.doubt
        over = [
            k
            for k, wait in enumerate(self.waits)
            if wait.has_waited(times) and wait.lowest < math.inf
        ]
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
_WHITE = 2
"""The place of the last of them."""


def autocorrelation(residual: Tensor, known: Tensor) -> Tensor:
    """Correlate neighbours along the last two axes, both of them known.

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
