"""From the stopping that was asked for to the rule that watches one fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from napari_dip import settings
from napari_dip.dip.consensus_rule import WHITE, ConsensusRule
from napari_dip.dip.stopping_rules import (
    DiscrepancyRule,
    FixedRule,
    HeldOutRule,
    MovingVarianceRule,
    Patience,
    StoppingRule,
    WindowedVarianceRule,
)

if TYPE_CHECKING:
    import torch

    from napari_dip.dip.objective import Observation

__all__ = ["make_rule"]

_DOUBT = 4
"""How many times the patience grows where gaps are filled and the residual still has texture: what
the network makes of that texture is all that will be there."""


def make_rule(
    stopping: settings.Stopping,
    observation: Observation,
    sigma: float,
    generator: torch.Generator,
    *,
    correlation: float = 0.0,
    whole: bool = True,
    filling: bool = False,
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
    correlation
        Of the noise of neighbouring pixels; 0 where it is white.
    whole
        Whether all that is wanted was seen, though with noise: no pixel is missing, none is finer.
    filling
        Whether nothing is wanted but what is missing.

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
        case settings.Consensus(fraction=fraction, window=window, patience=least, share=share):
            variance = WindowedVarianceRule(window, Patience(least), burn_in=window)
            if correlation:
                # A residual like noise says nothing of what was not seen: that takes longer.
                white = correlation + WHITE if whole else -math.inf
                rule = ConsensusRule(observation, None, variance, least, share, white)
                return rule, observation
            seen, held = observation.hold_out(fraction, generator)
            doubt = _DOUBT if filling else 1
            return ConsensusRule(seen, held, variance, least, share, doubt=doubt), seen
    assert_never(stopping)
