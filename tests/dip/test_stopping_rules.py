"""Test stopping rules on sequences of numbers and on tensors."""

import math

import pytest
import torch

from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Identity
from napari_dip.dip.stopping_rules import (
    DiscrepancyRule,
    FixedRule,
    HeldOutRule,
    IterationState,
    PatienceCounter,
)

INF, NAN = math.inf, math.nan


def stops_at(rule, numbers):
    """Return the index of the number at which the rule stops, or None."""
    return next((i for i, number in enumerate(numbers) if rule.update(number)), None)


def minima(counter, numbers):
    """Return the index of each new minimum."""
    found = []
    for i, number in enumerate(numbers):
        counter.update(number)
        if counter.lowest_at == i + 1 and counter.lowest < INF:
            found.append(i)
    return found


@pytest.mark.parametrize(
    ("numbers", "best", "stop"),
    [
        pytest.param([5, 4, 3, 4, 4, 4, 4], [0, 1, 2], 5, id="one minimum"),
        pytest.param([5, 6, 6, 4, 9, 9, 9], [0, 3], 6, id="local minimum first"),
        pytest.param([5, 4, 3, 2, 1], [0, 1, 2, 3, 4], None, id="still falling"),
        pytest.param([INF] * 9 + [3, 4, 4, 4], [9], 12, id="infinite at first"),
        pytest.param([3, NAN, NAN, 2, 3, NAN, 3], [0, 3], 6, id="NaN is no minimum"),
        pytest.param([3, 3, 3, 3], [0], 3, id="equal is no minimum"),
    ],
)
def test_patience_counts_from_the_latest_minimum(numbers, best, stop):
    assert stops_at(PatienceCounter(3), numbers) == stop
    assert minima(PatienceCounter(99), numbers) == best


def test_patience_grows_with_the_time_to_the_minimum():
    falling = list(range(100, 0, -1))
    assert stops_at(PatienceCounter(5, share=0.2), [*falling, *[200] * 50]) == 119
    assert stops_at(PatienceCounter(5, share=0.2), [3, 2, 1, *[9] * 50]) == 7


def test_a_factor_multiplies_the_patience():
    counter = PatienceCounter(3)
    for number in (1, *[2] * 6):
        counter.update(number)
    assert counter.waited == 6
    assert counter.is_exhausted(2)
    assert not counter.is_exhausted(2.1)


def iteration_state(iteration, output, average, data_term=0.0):
    return IterationState(torch.tensor(iteration), output, average, torch.tensor(data_term))


def test_the_fixed_rule_keeps_the_last_iteration():
    rule, zero = FixedRule(), torch.zeros(1)
    numbers = [rule.measure(iteration_state(i, zero, zero)).item() for i in range(1, 5)]
    assert numbers == sorted(numbers, reverse=True)
    assert stops_at(rule, numbers) is None


def test_discrepancy_stops_when_the_residual_reaches_noise():
    rule, zero = DiscrepancyRule(target=0.5), torch.zeros(1)
    numbers = [
        rule.measure(iteration_state(i, zero, zero, term)).item()
        for i, term in enumerate([2.0, 1.0, 0.6, 0.4, 0.3])
    ]
    assert numbers == pytest.approx([1.5, 0.5, 0.1, 0, 0], abs=1e-6)
    assert stops_at(rule, numbers) == 3


def test_held_out_error_uses_the_averaged_output():
    y = torch.zeros(1, 1, 4, 4)
    known = torch.zeros_like(y)
    known[..., 0] = 1
    rule = HeldOutRule(Observation(y, Identity(), known), PatienceCounter(2))
    average = torch.full_like(y, 7)
    average[..., 0] = 0.5
    assert rule.measure(iteration_state(1, torch.ones_like(y), average)).item() == 0.25
    assert stops_at(rule, [3, 1, 2, 2]) == 3
