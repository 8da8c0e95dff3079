"""Test the rules that look at the variance of the outputs."""

import math

import pytest
import torch

from napari_dip.dip.stopping_rules import IterationState, PatienceCounter
from napari_dip.dip.variance_rules import MovingVarianceRule, WindowedVarianceRule

SAMPLE_SIZE = 16_384


def outputs(count, size=50):
    """Return outputs that change least after two thirds, and more when noise is fitted."""
    torch.manual_seed(0)
    noise = torch.randn(count, 1, 1, 1, size)
    speed = [abs(i - 2 * count / 3) / count + 0.01 for i in range(count)]
    return [rate * sample for rate, sample in zip(speed, noise, strict=True)]


def state_of(iteration, output):
    return IterationState(torch.tensor(iteration), output, output, torch.tensor(0.0))


def measured(rule, sequence):
    return [rule.measure(state_of(i, x)).item() for i, x in enumerate(sequence, start=1)]


def test_windowed_variance_is_that_of_the_last_outputs():
    sequence = outputs(130)
    numbers = measured(WindowedVarianceRule(20, PatienceCounter(5)), sequence)
    assert numbers[:99] == [math.inf] * 99
    window = torch.stack(sequence[110:130])
    expected = (window - window.mean(dim=0)).square().mean()
    assert numbers[129] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    "rule",
    [
        WindowedVarianceRule(30, PatienceCounter(60)),
        MovingVarianceRule(0.1, PatienceCounter(60)),
    ],
    ids=["es-wmv", "es-emv"],
)
def test_variance_rules_find_the_least_variance(rule):
    numbers = measured(rule, outputs(600))
    stop = next(i for i, number in enumerate(numbers) if rule.update(number))
    assert 390 <= stop - 60 <= 430  # the variance is least at 400, in a window of earlier outputs
    assert rule.counter.waited == 60


def test_moving_variance_follows_the_published_recursion():
    sequence = outputs(120, size=1)
    mean, variance = sequence[0].item(), 0.0
    for x in sequence:
        change = x.item() - mean
        mean += 0.1 * change
        variance = 0.9 * (variance + 0.1 * change**2)
    numbers = measured(MovingVarianceRule(0.1, PatienceCounter(1)), sequence)
    assert numbers[-1] == pytest.approx(variance, rel=1e-4)


@pytest.mark.parametrize(
    ("side", "every"), [(100, 1), (128, 1), (129, 2), (181, 2), (182, 3), (700, 30)]
)
def test_large_output_is_sampled_evenly(side, every):
    rule = WindowedVarianceRule(2, PatienceCounter(1))
    output = torch.arange(float(side**2)).reshape(1, 1, side, side)
    rule.measure(state_of(1, output))
    sample = rule.outputs[1]
    assert len(sample) <= SAMPLE_SIZE
    assert torch.equal(sample, torch.arange(0.0, side**2, every))
