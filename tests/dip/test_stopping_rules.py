"""Stopping rules, on made-up sequences and on the tensors that they rate."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_dip import settings
from napari_dip.dip.choose_rule import make_rule
from napari_dip.dip.consensus_rule import ConsensusRule, autocorrelation
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Identity
from napari_dip.dip.stopping_rules import (
    DiscrepancyRule,
    FixedRule,
    MovingVarianceRule,
    Patience,
    Step,
    WindowedVarianceRule,
)

INF, NAN = math.inf, math.nan


def stops_at(rule, numbers):
    return next((i for i, number in enumerate(numbers) if rule.update(number)), None)


def minima(wait, numbers):
    """Where each new minimum is."""
    found = []
    for i, number in enumerate(numbers):
        wait.update(number)
        if wait.best_at == i + 1 and wait.lowest < INF:
            found.append(i)
    return found


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
    assert minima(Patience(99), numbers) == best


def step(iteration, output, average, data_term):
    return Step(torch.tensor(iteration), output, average, data_term)


def test_the_fixed_rule_keeps_the_last_iteration():
    rule = FixedRule()
    steps = [step(i, torch.zeros(1), torch.zeros(1), torch.tensor(1.0)) for i in range(1, 5)]
    numbers = [rule.measure(step).item() for step in steps]
    assert numbers == sorted(numbers, reverse=True)
    assert stops_at(rule, numbers) is None


def test_discrepancy_stops_where_the_residual_reaches_the_noise():
    rule = DiscrepancyRule(target=0.5)
    terms = [2.0, 1.0, 0.6, 0.4, 0.3]
    numbers = [
        rule.measure(step(i, torch.zeros(1), torch.zeros(1), torch.tensor(term))).item()
        for i, term in enumerate(terms)
    ]
    assert numbers == pytest.approx([1.5, 0.5, 0.1, 0, 0], abs=1e-6)
    assert stops_at(rule, numbers) == 3


def outputs(count, size=50):
    """Outputs that settle until two thirds of the way, and then begin to fit noise."""
    torch.manual_seed(0)
    noise = torch.randn(count, 1, 1, 1, size)
    speed = [abs(i - 2 * count / 3) / count + 0.01 for i in range(count)]
    return [rate * sample for rate, sample in zip(speed, noise, strict=True)]


def measured(rule, sequence):
    return [
        rule.measure(step(i, x, x, torch.tensor(0.0))).item()
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
    stop = stops_at(rule, numbers)
    assert 390 <= stop - 60 <= 430  # calmest at 400; the window looks back
    assert rule.wait.waited == 60


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


@pytest.mark.parametrize("side", [128, 129, 700])
def test_large_output_is_sampled_evenly(side):
    rule = WindowedVarianceRule(2, Patience(1))
    output = torch.arange(float(side**2)).reshape(1, 1, side, side)
    rule.measure(step(1, output, torch.zeros(1), torch.tensor(0.0)))
    sample = rule.outputs[1]
    assert 8_192 < len(sample) <= 16_384
    assert len(sample.diff().unique()) == 1
    assert sample[-1] > 0.99 * side**2


@pytest.mark.parametrize(
    "name", ["fixed", "es-wmv", "es-emv", "discrepancy", "held-out", "consensus"]
)
def test_each_setting_makes_its_rule(name):
    stopping = settings.Settings(stopping=name).stopping
    y = torch.rand(1, 1, 20, 20)
    everything = Observation(y, Identity(), torch.ones_like(y))
    rule, seen = make_rule(stopping, everything, 0.1, torch.Generator().manual_seed(0))
    assert rule.name == name
    assert (seen.known.sum() < 400) == (name in ("held-out", "consensus"))


def test_held_out_error_uses_the_averaged_output():
    y = torch.zeros(1, 1, 20, 20)
    everything = Observation(y, Identity(), torch.ones_like(y))
    rule, seen = make_rule(settings.HeldOut(), everything, 0.1, torch.Generator().manual_seed(0))
    average = 0.5 * (1 - seen.known)
    assert rule.measure(step(1, y, average, torch.tensor(0.0))).item() == pytest.approx(0.25)


def test_patience_grows_with_the_time_to_the_minimum():
    falling = list(range(100, 0, -1))
    assert stops_at(Patience(5, share=0.2), [*falling, *[200] * 50]) == 119
    assert stops_at(Patience(5, share=0.2), [3, 2, 1, *[9] * 50]) == 7


def consensus(held=True):
    y = torch.zeros(1, 1, 12, 12)
    everything = Observation(y, Identity(), torch.ones_like(y))
    variance = WindowedVarianceRule(5, Patience(10), burn_in=5)
    return ConsensusRule(everything, everything if held else None, variance, least=10, share=0)


def feed(rule, rows):
    """The number of the row at which it stops, from 1, and why."""
    for i, row in enumerate(rows, start=1):
        if reason := rule.update(*row):
            return i, reason
    return None


def valley(at, count=200):
    return [abs(i - at) for i in range(1, count + 1)]


@pytest.mark.parametrize(
    ("minima", "choice", "stop"),
    [
        pytest.param((50, 60, 120), 1, 70, id="the-two-that-agree"),
        pytest.param((5, 60, 70), 1, 70, id="one-too-early-is-outvoted"),
        pytest.param((90, 10, 80), 2, 90, id="in-any-order"),
    ],
)
def test_two_of_three_criteria_stop_a_fit(minima, choice, stop):
    rule = consensus()
    found, reason = feed(rule, zip(*map(valley, minima), strict=True))
    assert (found, rule.choice) == (stop, choice)
    assert " and " in reason


def test_texture_in_the_residual_delays_the_stop():
    rows = list(zip(valley(20), valley(30), [-float(i) for i in range(1, 201)], strict=True))
    patient = consensus()
    patient.doubt = 4
    assert feed(consensus(), rows)[0] == 40
    assert feed(patient, rows)[0] == 70
    # no longer than until the residual is like noise
    rows[34:] = [(held, calm, NAN) for held, calm, _ in rows[34:]]
    patient = consensus()
    patient.doubt = 4
    assert feed(patient, rows)[0] == 44


def test_gaps_alone_are_worth_such_waiting():
    y = torch.randn(1, 1, 20, 20)
    everything = Observation(y, Identity(), torch.ones_like(y))
    doubts = [
        make_rule(settings.Consensus(), everything, 0.1, torch.Generator(), filling=filling)[
            0
        ].doubt
        for filling in (False, True)
    ]
    assert doubts[0] == 1 < doubts[1]


def test_correlated_noise_needs_one_criterion_only():
    rule = consensus(held=False)
    rows = [(NAN, *both) for both in zip(valley(40), valley(90), strict=True)]
    assert feed(rule, rows)[0] == 50
    assert rule.choice == 1


@pytest.mark.parametrize("whole", [True, False])
def test_a_white_residual_does_not_end_inpainting(whole):
    y = torch.randn(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    everything = Observation(y, Identity(), torch.ones_like(y))
    stopping, generator = settings.Consensus(), torch.Generator()
    rule, seen = make_rule(stopping, everything, 0.1, generator, correlation=0.4, whole=whole)
    assert seen is everything
    numbers = rule.measure(step(7, y, torch.zeros_like(y), torch.tensor(0.0)))
    assert numbers[2].isnan() == whole  # like noise, at last
    rows = [(NAN, later, -i) for i, later in enumerate(valley(90))]
    assert feed(rule, rows) is not None
    assert rule.choice == 1  # the calmest output, not the latest


def test_the_residual_may_be_correlated_like_the_noise():
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(40, 40)), 0.8)
    residual = torch.from_numpy(noise)[None, None]
    structure = residual + torch.ones_like(residual)
    everything = Observation(torch.zeros_like(residual), Identity(), torch.ones_like(residual))
    variance = WindowedVarianceRule(5, Patience(10), burn_in=5)
    of_noise = autocorrelation(residual, everything.known).item()
    rule = ConsensusRule(everything, None, variance, 10, 0, white=of_noise + 0.005)
    for estimate, like_noise in ((structure, False), (residual, True)):
        numbers = rule.measure(step(3, residual, estimate, torch.tensor(0.0)))
        assert numbers[2].isnan() == like_noise


def test_whiteness_is_last_best_where_structure_was_left():
    rule = consensus()
    generator = torch.Generator().manual_seed(0)
    smooth = torch.ones(1, 1, 12, 12)
    checks = (-1.0) ** (torch.arange(12) + torch.arange(12)[:, None]).expand(1, 1, 12, 12)
    for iteration, residual in enumerate((smooth, smooth, checks, checks), start=1):
        noise = 0.1 * torch.randn(residual.shape, generator=generator)
        numbers = rule.measure(step(iteration, residual, residual + noise, torch.tensor(0.0)))
        assert (numbers[2].item() == -iteration) == (residual is smooth)


def test_autocorrelation_is_that_of_neighbours_both_known():
    noise = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    everything = torch.ones_like(noise)
    assert autocorrelation(noise, everything).item() == pytest.approx(0, abs=0.01)
    pairs = noise.repeat_interleave(2, dim=-1)[..., :200]
    expected = (0.5 + 0) / 2  # every second pair along one axis is equal, none along the other
    assert autocorrelation(pairs, everything).item() == pytest.approx(expected, abs=0.02)
    known = (torch.rand(noise.shape, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    assert autocorrelation(pairs * known, known).item() == pytest.approx(expected, abs=0.03)
