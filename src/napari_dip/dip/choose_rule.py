"""Build the stopping rule of a fit from the settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from napari_dip import settings
from napari_dip.dip.consensus_rule import ConsensusRule
from napari_dip.dip.constants import GAP_PATIENCE_FACTOR, MAX_WHITE_AUTOCORRELATION
from napari_dip.dip.stopping_rules import (
    DiscrepancyRule,
    FixedRule,
    HeldOutRule,
    MovingVarianceRule,
    PatienceCounter,
    StoppingRule,
    WindowedVarianceRule,
)

if TYPE_CHECKING:
    import torch

    from napari_dip.dip.objective import Observation

__all__ = ["make_rule"]


def make_rule(
    stopping: settings.Stopping,
    observation: Observation,
    sigma: float,
    generator: torch.Generator,
    *,
    correlation: float = 0.0,
    everything_observed: bool = True,
    fills_only: bool = False,
) -> tuple[StoppingRule, Observation]:
    """Build a stopping rule, and remove from the observation the pixels that the rule holds out.

    Parameters
    ----------
    stopping
        Settings of the rule.
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

    Returns
    -------
    rule
        The stopping rule.
    observation
        The pixels to fit.
    """
    match stopping:
        case settings.Fixed():
            return FixedRule(), observation
        case settings.WindowedVariance(window=window, patience=patience):
            return WindowedVarianceRule(window, PatienceCounter(patience)), observation
        case settings.MovingVariance(alpha=alpha, patience=patience):
            return MovingVarianceRule(alpha, PatienceCounter(patience)), observation
        case settings.HeldOut(fraction=fraction, patience=patience):
            fitted, held_out = observation.hold_out(fraction, generator)
            return HeldOutRule(held_out, PatienceCounter(patience)), fitted
        case settings.Discrepancy(tau=tau):
            return DiscrepancyRule(tau * sigma**2), observation
        case settings.Consensus(fraction=fraction, window=window, patience=patience, share=share):
            variance = WindowedVarianceRule(window, PatienceCounter(patience), burn_in=window)
            if correlation:
                # Pixels that were not observed need more iterations than the residual shows.
                most = correlation + MAX_WHITE_AUTOCORRELATION if everything_observed else -math.inf
                rule = ConsensusRule(observation, None, variance, patience, share, most)
                return rule, observation
            fitted, held_out = observation.hold_out(fraction, generator)
            factor = GAP_PATIENCE_FACTOR if fills_only else 1
            return (
                ConsensusRule(fitted, held_out, variance, patience, share, patience_factor=factor),
                fitted,
            )
    assert_never(stopping)
