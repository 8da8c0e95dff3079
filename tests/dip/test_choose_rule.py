"""Test that settings become stopping rules, and which pixels these hold out."""

import math

import pytest
import torch

from napari_dip import settings
from napari_dip.dip.choose_rule import make_rule
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Identity
from napari_dip.dip.stopping_rules import IterationState, RuleContext
from napari_dip.errors import BadSettings


def make(stopping, y=None, **options):
    """Return the rule, the pixels to fit, and all pixels."""
    y = torch.zeros(1, 1, 20, 20) if y is None else y
    everything = Observation(y, Identity(), torch.ones_like(y))
    generator = torch.Generator().manual_seed(0)
    return *make_rule(stopping, RuleContext(everything, 0.1, generator, **options)), everything


@pytest.mark.parametrize(
    ("name", "held_out"),
    [
        ("fixed", 0),
        ("es-wmv", 0),
        ("es-emv", 0),
        ("discrepancy", 0),
        ("held-out", 12),
        ("consensus", 20),
    ],
)
def test_each_setting_makes_its_rule(name, held_out):
    rule, fitted, _ = make(settings.Settings(stopping=name).stopping)
    assert rule.name == name
    assert fitted.known.sum() == 400 - held_out


def test_the_numbers_of_the_settings_are_used():
    windowed, *_ = make(settings.WindowedVariance(window=7, patience=9))
    moving, *_ = make(settings.MovingVariance(alpha=0.3, patience=9))
    discrepancy, *_ = make(settings.Discrepancy(tau=2))
    consensus, *_ = make(settings.Consensus(window=7, patience=9, share=0.5))
    assert (windowed.window, windowed.counter.patience) == (7, 9)
    assert (moving.alpha, moving.counter.patience) == (0.3, 9)
    assert discrepancy.target == pytest.approx(0.02)
    assert (consensus.variance.window, consensus.variance.burn_in) == (7, 7)
    assert {(each.patience, each.share) for each in consensus.counters} == {(9, 0.5)}


def test_the_rule_rates_the_held_out_pixels():
    rule, fitted, _ = make(settings.HeldOut())
    average = 0.5 * (1 - fitted.known)
    state = IterationState(torch.tensor(1), average, average, torch.tensor(0.0))
    assert rule.measure(state).item() == pytest.approx(0.25)


def test_only_gaps_have_a_longer_patience():
    usual, filling = (
        make(settings.Consensus(), fills_only=fills_only)[0].patience_factor
        for fills_only in (False, True)
    )
    assert usual == 1 < filling


@pytest.mark.parametrize("everything_observed", [True, False])
def test_a_white_residual_does_not_end_inpainting(everything_observed):
    y = torch.randn(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    rule, fitted, everything = make(
        settings.Consensus(), y, correlation=0.4, everything_observed=everything_observed
    )
    assert fitted is everything
    state = IterationState(torch.tensor(7), y, torch.zeros_like(y), torch.tensor(0.0))
    assert rule.measure(state)[2].isnan() == everything_observed
    rows = [(math.nan, abs(i - 90), -i + 1) for i in range(1, 201)]
    assert any(rule.update(*row) for row in rows)
    assert rule.choice == 1  # the output with the least variance, not the latest


def test_every_registered_rule_can_be_built():
    built = {name: make(rule())[0] for name, rule in settings.RULES.items()}
    assert {name: rule.name for name, rule in built.items()} == {name: name for name in built}


def test_settings_without_a_builder_are_named():
    with pytest.raises(BadSettings, match="nothing builds the rule of Stopping; register"):
        make(settings.Stopping(rule="other"))
