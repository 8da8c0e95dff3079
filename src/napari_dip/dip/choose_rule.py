"""Build the stopping rule of a fit from its settings."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

from napari_dip import settings
from napari_dip.dip.consensus_rule import ConsensusRule
from napari_dip.dip.stopping_rules import DiscrepancyRule, FixedRule, HeldOutRule
from napari_dip.dip.variance_rules import MovingVarianceRule, WindowedVarianceRule
from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from napari_dip.dip.objective import Observation
    from napari_dip.dip.stopping_rules import RuleContext, StoppingRule

__all__ = ["make_rule"]


@singledispatch
def make_rule(
    stopping: settings.Stopping, context: RuleContext
) -> tuple[StoppingRule, Observation]:
    """Build a stopping rule, and remove from the observation the pixels that the rule holds out.

    ``make_rule.register`` adds a builder for another class of settings.

    Parameters
    ----------
    stopping
        Settings of the rule.
    context
        What is known of the fit.

    Returns
    -------
    rule
        The stopping rule.
    observation
        The pixels to fit.

    Raises
    ------
    BadSettings
        If no builder is registered for the settings.
    """
    kind = type(stopping).__name__
    raise BadSettings(f"nothing builds the rule of {kind}; register a builder with make_rule")


make_rule.register(settings.Consensus, ConsensusRule.build)
make_rule.register(settings.HeldOut, HeldOutRule.build)
make_rule.register(settings.WindowedVariance, WindowedVarianceRule.build)
make_rule.register(settings.MovingVariance, MovingVarianceRule.build)
make_rule.register(settings.Discrepancy, DiscrepancyRule.build)
make_rule.register(settings.Fixed, FixedRule.build)
