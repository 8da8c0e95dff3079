"""Test averages, rollbacks and the history of a fit."""

import math

import pytest
import torch

from napari_dip.dip.optimisers import make_optimiser
from napari_dip.dip.recipe import Recipe
from napari_dip.dip.state import Averages, DeviceState, FitHistory, divergence_remedy
from napari_dip.dip.stopping_rules import FixedRule, PatienceCounter
from napari_dip.dip.variance_rules import WindowedVarianceRule
from napari_dip.errors import Diverged
from napari_dip.settings.architectures import Pixels

RECIPE = Recipe(Pixels(), 100)
NAN, INF = math.nan, math.inf


def averages_after(rows):
    """Set the average to 1, 2, ... and pass the numbers of each row."""
    averages = Averages(torch.zeros(1, 1, 2, 2))
    for number, row in enumerate(rows, start=1):
        averages.average.fill_(number)
        averages.keep_better(torch.tensor(row))
    return averages.best[:, 0, 0, 0, 0].tolist(), averages.lowest.tolist()


def test_each_number_has_its_best_average():
    best, lowest = averages_after([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    assert best == [2, 1]
    assert lowest == [1, 1]


@pytest.mark.parametrize("nothing", [INF, NAN])
def test_without_a_number_the_latest_is_best(nothing):
    assert averages_after([[nothing], [nothing]]) == ([2], [INF])
    assert averages_after([[nothing], [4.0], [nothing]]) == ([2], [4])


def test_host_and_device_agree_on_the_best():
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(40, 3, generator=generator)
    rows[:10, 0] = INF
    rows[5:20, 1] = NAN
    rows[:, 2] = NAN
    history, rule = FitHistory(), FixedRule()
    history.record(rule, 40, [[0.0, *row] for row in rows.tolist()])
    assert history.best_iterations == averages_after(rows.tolist())[0]


def test_a_rollback_restores_all_tensors():
    network = torch.nn.Linear(3, 2)
    rule = WindowedVarianceRule(2, PatienceCounter(1))
    rule.outputs = torch.zeros(2, 4)
    averages = Averages(torch.zeros(1, 1, 2, 2))
    averages.keep_better(torch.tensor([1.0]))
    optimiser = make_optimiser(network, RECIPE)
    state = DeviceState(network, optimiser, rule, averages, torch.tensor(1))

    def change():
        state.iteration.add_(1)
        optimiser.zero_grad()
        network(torch.ones(1, 3)).square().sum().backward()
        optimiser.step()
        averages.average.add_(1)
        rule.outputs.add_(1)

    def values():
        return [
            *(p.detach().clone() for p in network.parameters()),
            *(moment.clone() for moment in optimiser.state[network.weight].values()),
            averages.average.clone(),
            rule.outputs.clone(),
        ]

    change()
    state.save()
    saved = values()
    change()
    assert not any(torch.equal(old, new) for old, new in zip(saved, values(), strict=True))
    state.roll_back()
    assert all(torch.equal(old, new) for old, new in zip(saved, values(), strict=True))
    assert state.iteration == 3  # a rollback does not change it


def history_of(losses):
    history = FitHistory()
    history.record(FixedRule(), len(losses), [[loss, 0.0] for loss in losses])
    return history


@pytest.mark.parametrize(
    ("losses", "jumped"),
    [
        pytest.param([1.0, 3.1], False, id="below 5 dB"),
        pytest.param([1.0, 3.2], True, id="above 5 dB"),
        pytest.param([9.0, 1.0], False, id="not the last"),
        pytest.param([NAN, 1.0], True, id="NaN"),
        pytest.param([1.0, INF], True, id="infinite"),
    ],
)
def test_a_jump_is_five_decibels_or_not_finite(losses, jumped):
    assert history_of([0.5, 1.5]).has_jumped([[loss] for loss in losses]) == jumped


def test_finite_jumps_are_accepted_after_three_rollbacks():
    history = history_of([1.0])
    for _ in range(3):
        assert history.has_jumped([[9.0]])
        history.count_rollback(10, RECIPE)
    assert not history.has_jumped([[9.0]])
    assert history.has_jumped([[NAN]])
    history.record(FixedRule(), 20, [[9.0, 0.0]])
    assert (history.rollbacks, history.rollbacks_in_a_row) == (3, 0)
    assert history.mean_loss == 9


def test_too_many_rollbacks_fail_with_a_remedy():
    history = FitHistory()
    for _ in range(20):
        history.count_rollback(10, RECIPE)
    with pytest.raises(Diverged, match=rf"iteration 30; {divergence_remedy(RECIPE)}"):
        history.count_rollback(30, RECIPE)
    assert "learning_rate=0.01" in divergence_remedy(RECIPE)


def test_metrics_are_the_first_finite_numbers():
    history = FitHistory()
    history.record(FixedRule(), 7, [[0.0, NAN, 3.0], [0.0, 2.0, 1.0], [0.0, NAN, INF]])
    assert history.metrics == [(5, 3.0), (6, 2.0), (7, INF)]
    assert history.best_iteration(FixedRule()) == 6
    assert FitHistory().best_iteration(FixedRule()) == 0


def test_the_first_reason_is_kept():
    class Stops(FixedRule):
        def update(self, *numbers):
            return f"reason {numbers[0]:g}" if numbers[0] > 1 else ""

    history = FitHistory()
    history.record(Stops(), 3, [[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
    assert history.reason == "reason 2"
    assert len(history.metrics) == 3
