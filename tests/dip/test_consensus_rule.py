"""Test that the consensus rule stops when two of three criteria agree."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_dip.dip.consensus_rule import ConsensusRule, autocorrelation
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Identity
from napari_dip.dip.stopping_rules import IterationState, PatienceCounter
from napari_dip.dip.variance_rules import WindowedVarianceRule

NAN = math.nan


def consensus(y=None, *, held_out=True, patience_factor=1, **options):
    y = torch.zeros(1, 1, 12, 12) if y is None else y
    everything = Observation(y, Identity(), torch.ones_like(y))
    variance = WindowedVarianceRule(5, PatienceCounter(10), burn_in=5)
    rule = ConsensusRule(everything, everything if held_out else None, variance, 10, 0, **options)
    rule.patience_factor = patience_factor
    return rule


def iteration_state(iteration, output, average):
    return IterationState(torch.tensor(iteration), output, average, torch.tensor(0.0))


def feed(rule, rows):
    """Return the number of the row at which the rule stops, from 1, and the reason."""
    for i, row in enumerate(rows, start=1):
        if reason := rule.update(*row):
            return i, reason
    return None


def valley(at, count=200):
    """Return numbers with a minimum."""
    return [abs(i - at) for i in range(1, count + 1)]


@pytest.mark.parametrize(
    ("minima", "choice", "stop"),
    [
        pytest.param((50, 60, 120), 1, 70, id="two agree"),
        pytest.param((5, 60, 70), 1, 70, id="one is too early"),
        pytest.param((90, 10, 80), 2, 90, id="another order"),
    ],
)
def test_two_of_three_criteria_stop_a_fit(minima, choice, stop):
    rule = consensus()
    found, reason = feed(rule, zip(*map(valley, minima), strict=True))
    assert (found, rule.choice) == (stop, choice)
    assert " and " in reason


def test_the_reason_names_the_criteria():
    reasons = (
        "error on held-out pixels at its minimum",
        "output variance at its minimum",
        "only noise remains",
    )
    for missing in range(3):
        minima = [50 if k != missing else 150 for k in range(3)]
        _, reason = feed(consensus(), zip(*map(valley, minima), strict=True))
        assert reason == " and ".join(each for k, each in enumerate(reasons) if k != missing)


def test_structure_in_the_residual_delays_the_stop():
    rows = list(zip(valley(20), valley(30), [-float(i) for i in range(1, 201)], strict=True))
    assert feed(consensus(), rows)[0] == 40
    assert feed(consensus(patience_factor=4), rows)[0] == 70
    # from the 35th row on, only noise remains in the residual
    rows[34:] = [(error, variance, NAN) for error, variance, _ in rows[34:]]
    assert feed(consensus(patience_factor=4), rows)[0] == 44


def test_correlated_noise_needs_one_criterion_only():
    rule = consensus(held_out=False)
    rows = [(NAN, *both) for both in zip(valley(40), valley(90), strict=True)]
    assert feed(rule, rows)[0] == 50
    assert rule.choice == 1


def test_without_held_out_pixels_there_is_no_error():
    zero = torch.zeros(1, 1, 12, 12)
    numbers = consensus(held_out=False).measure(iteration_state(1, zero, zero))
    assert numbers[0].isnan()
    assert not consensus().measure(iteration_state(1, zero, zero))[0].isnan()


def test_the_residual_may_be_correlated_like_noise():
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(40, 40)), 0.8)
    residual = torch.from_numpy(noise)[None, None]
    structure = residual + torch.ones_like(residual)
    of_noise = autocorrelation(residual, torch.ones_like(residual)).item()
    rule = consensus(
        torch.zeros_like(residual), held_out=False, max_autocorrelation=of_noise + 0.005
    )
    for estimate, is_noise in ((structure, False), (residual, True)):
        numbers = rule.measure(iteration_state(3, residual, estimate))
        assert numbers[2].isnan() == is_noise


def test_the_last_iteration_with_structure_is_best():
    rule = consensus()
    generator = torch.Generator().manual_seed(0)
    smooth = torch.ones(1, 1, 12, 12)
    checks = (-1.0) ** (torch.arange(12) + torch.arange(12)[:, None]).expand(1, 1, 12, 12)
    for iteration, residual in enumerate((smooth, smooth, checks, checks), start=1):
        noise = 0.1 * torch.randn(residual.shape, generator=generator)
        numbers = rule.measure(iteration_state(iteration, residual, residual + noise))
        assert (numbers[2].item() == -iteration) == (residual is smooth)


def test_autocorrelation_counts_pairs_of_known_neighbours():
    noise = torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    everything = torch.ones_like(noise)
    assert autocorrelation(noise, everything).item() == pytest.approx(0, abs=0.01)
    pairs = noise.repeat_interleave(2, dim=-1)[..., :200]
    expected = (0.5 + 0) / 2  # every second pair along X is equal, none along Y
    assert autocorrelation(pairs, everything).item() == pytest.approx(expected, abs=0.02)
    known = (torch.rand(noise.shape, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    assert autocorrelation(pairs * known, known).item() == pytest.approx(expected, abs=0.03)
