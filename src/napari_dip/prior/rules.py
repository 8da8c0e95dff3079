"""From the stopping that was asked for to the rule that watches one fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from napari_dip import settings
from napari_dip.prior.consensus import WHITE, ConsensusRule
from napari_dip.prior.stopping import (
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

    from napari_dip.prior.energy import Observation

__all__ = ["make_rule"]

_WHITE_IF_COARSE = -0.2
"""Autocorrelation of what is left of a decimated image: each of its pixels has many of the result,
so that more of the noise is taken up before all of the structure is."""

_LEFT_IF_COARSE = 1.2
"""Of the noise's variance, what is left of a decimated image at most when a sign counts."""

_RISE_IF_COARSE = 0.05
"""Part by which their error rises again if it is noise that is taken up: few pixels are held out of
a decimated image, and texture that they do not foretell makes early minima."""

_MOST_IN_ONE = 8
"""Pixels of the result in a coarse one, so that some may be held out though neighbours seem to
share their noise. Of larger ones there are too few, and what they share is mostly texture."""


def make_rule(
    stopping: settings.Stopping,
    observation: Observation,
    sigma: float,
    generator: torch.Generator,
    *,
    correlation: float = 0.0,
    whole: bool = True,
    coarse: int = 1,
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
    coarse
        Pixels of the result in one that was seen. If it is more than one, fine texture looks like
        noise, and no sign counts until little else is left.

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
            if correlation and (coarse == 1 or coarse > _MOST_IN_ONE):
                # A residual like noise says nothing of what was not seen: that takes longer.
                white = correlation + WHITE if whole else -math.inf
                rule = ConsensusRule(observation, None, variance, least, share, white)
                return rule, observation
            seen, held = observation.hold_out(fraction, generator)
            if coarse == 1:
                return ConsensusRule(seen, held, variance, least, share), seen
            rule = ConsensusRule(
                seen,
                held,
                variance,
                least,
                share,
                white=_WHITE_IF_COARSE,
                explained=_LEFT_IF_COARSE * sigma**2,
                rise=_RISE_IF_COARSE,
            )
            return rule, seen
    assert_never(stopping)
