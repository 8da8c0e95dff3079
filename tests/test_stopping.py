"""Stopping rules, on made-up sequences and on the tensors that they rate."""

import math

import pytest
import torch

from napari_dip import settings
from napari_dip.prior.energy import Observation
from napari_dip.prior.operators import Identity
from napari_dip.prior.stopping import (
    DiscrepancyRule,
    FixedRule,
    MovingVarianceRule,
    Patience,
    Step,
    WindowedVarianceRule,
    make_rule,
)

INF, NAN = math.inf, math.nan


def verdicts(rule, numbers):
    return [rule.update(number) for number in numbers]


def stops_at(rule, numbers):
    return next((i for i, verdict in enumerate(verdicts(rule, numbers)) if verdict.stop), None)


@pytest.mark.parametrize(
    ("numbers", "best", "stop"),
    [
        pytest.param([5, 4, 3, 4, 4, 4, 4], [0, 1, 2], 5, id="one-minimum"),
        pytest.param([5, 6, 6, 4, 9, 9, 9], [0, 3], 6, id="a-false-minimum-first"),
        pytest.param([5, 4, 3, 2, 1], [0, 1, 2, 3, 4], None, id="still-falling"),
        pytest.param([INF] * 9 + [3, 4, 4, 4], [9], 12, id="nothing-yet-to-wait-for"),
        pytest.param([3, NAN, NAN, 2, 3, NAN, 3], [0, 3], 6, id="nan-is-never-best"),
        pytest.param([3, 3, 3, 3], [0], 3, id="a-tie-is-no-better"),
    ],
)
def test_patience_waits_from_the_latest_minimum(numbers, best, stop):
    assert stops_at(Patience(3), numbers) == stop
    found = [i for i, verdict in enumerate(verdicts(Patience(99), numbers)) if verdict.best]
    assert found == best


def test_the_fixed_rule_goes_on_and_likes_the_latest_best():
    rule = FixedRule()
    steps = [Step(i, torch.zeros(1), torch.zeros(1), torch.tensor(1.0)) for i in range(1, 5)]
    numbers = [rule.measure(step).item() for step in steps]
    assert numbers == sorted(numbers, reverse=True)
    assert [(v.stop, v.best) for v in verdicts(rule, numbers)] == [(False, True)] * 4


def test_discrepancy_stops_where_the_residual_reaches_the_noise():
    rule = DiscrepancyRule(target=0.5)
    terms = [2.0, 1.0, 0.6, 0.4, 0.3]
    numbers = [
        rule.measure(Step(i, torch.zeros(1), torch.zeros(1), torch.tensor(term))).item()
        for i, term in enumerate(terms)
    ]
    assert numbers == pytest.approx([1.5, 0.5, 0.1, 0, 0], abs=1e-6)
    found = verdicts(rule, numbers)
    assert [verdict.stop for verdict in found] == [False, False, False, True, True]
    assert [verdict.best for verdict in found] == [True, True, True, True, False]


def outputs(count, size=50):
    """Outputs that settle until two thirds of the way, and then begin to fit noise."""
    torch.manual_seed(0)
    noise = torch.randn(count, 1, 1, 1, size)
    speed = [abs(i - 2 * count / 3) / count + 0.01 for i in range(count)]
    return [rate * sample for rate, sample in zip(speed, noise, strict=True)]


def measured(rule, sequence):
    return [
        rule.measure(Step(i, x, x, torch.tensor(0.0))).item()
        for i, x in enumerate(sequence, start=1)
    ]


def test_windowed_variance_is_that_of_the_last_outputs():
    sequence = outputs(130)
    numbers = measured(WindowedVarianceRule(20, Patience(5)), sequence)
    assert numbers[:99] == [INF] * 99
    window = torch.stack(sequence[110:130])
    expected = (window - window.mean(dim=0)).square().mean()
    assert numbers[129] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    "rule",
    [WindowedVarianceRule(30, Patience(60)), MovingVarianceRule(0.1, Patience(60))],
    ids=["es-wmv", "es-emv"],
)
def test_variance_rules_find_where_the_outputs_are_calmest(rule):
    numbers = measured(rule, outputs(600))
    found = verdicts(rule, numbers)
    best = max(i for i, verdict in enumerate(found[:520]) if verdict.best)
    assert 390 <= best <= 430  # calmest at 400; the window looks back
    assert best + 60 == next(i for i, verdict in enumerate(found) if verdict.stop)


def test_moving_variance_follows_the_published_recursion():
    sequence = outputs(120, size=1)
    mean, variance = sequence[0].item(), 0.0
    for x in sequence:
        change = x.item() - mean
        mean += 0.1 * change
        variance = 0.9 * (variance + 0.1 * change**2)
    assert measured(MovingVarianceRule(0.1, Patience(1)), sequence)[-1] == pytest.approx(
        variance, rel=1e-4
    )


def test_a_large_output_is_sampled():
    rule = WindowedVarianceRule(2, Patience(1))
    rule.measure(Step(1, torch.zeros(1, 1, 700, 700), torch.zeros(1), torch.tensor(0.0)))
    assert rule.outputs.shape[1] <= 65_536


@pytest.mark.parametrize("name", ["fixed", "es-wmv", "es-emv", "discrepancy", "held-out"])
def test_each_setting_makes_its_rule(name):
    stopping = settings.Settings(stopping=name).stopping
    y = torch.rand(1, 1, 20, 20)
    everything = Observation(y, Identity(), torch.ones_like(y))
    rule, seen = make_rule(stopping, everything, 0.1, torch.Generator().manual_seed(0))
    assert rule.name == name
    assert (seen.known.sum() < 400) == (name == "held-out")


def test_the_held_out_error_is_that_of_the_average_where_the_loss_is_blind():
    y = torch.zeros(1, 1, 20, 20)
    everything = Observation(y, Identity(), torch.ones_like(y))
    rule, seen = make_rule(settings.HeldOut(), everything, 0.1, torch.Generator().manual_seed(0))
    average = 0.5 * (1 - seen.known)
    assert rule.measure(Step(1, y, average, torch.tensor(0.0))).item() == pytest.approx(0.25)
