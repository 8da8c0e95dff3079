"""Test that a fit lowers its loss, keeps the best average and recovers from jumps."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from napari_dip.dip.loop import fit, prepare_fit
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Downsample, Identity
from napari_dip.dip.recipe import Recipe
from napari_dip.dip.stopping_rules import FixedRule, PatienceCounter
from napari_dip.errors import Diverged, NapariDipError, OutOfMemory
from napari_dip.generators import finished
from napari_dip.network.build import build_network
from napari_dip.network.input_code import make_code
from napari_dip.progress import Monitor
from napari_dip.settings.architectures import Pixels, SkipNet

SMALL = Recipe(SkipNet((8, 8), (8, 8), (2, 2)), iterations=30, code_channels=4)


class GivenNumbers:
    """Stop by given numbers."""

    name = "given"
    choice = 0
    buffers = ()

    def __init__(self, numbers, patience=1000):
        self.numbers, self.counter = numbers, PatienceCounter(patience)

    def measure(self, state):
        return torch.tensor(self.numbers[state.iteration - 1])

    def update(self, metric):
        return self.counter.update(metric)


class Disturbed(nn.Module):
    """Change the output of a network at the given calls."""

    def __init__(self, network, at_calls, change):
        super().__init__()
        self.network, self.at_calls, self.change, self.calls = network, at_calls, change, 0

    def forward(self, code):
        self.calls += 1
        image = self.network(code)
        return self.change(image) if self.calls in self.at_calls else image


def prepare(noisy, recipe=SMALL, rule=None, breaks=(), how=None, seed=0):
    y = torch.from_numpy(noisy)[None, None]
    code = make_code(recipe.code, recipe.code_channels, noisy.shape, 0)
    network = Disturbed(build_network(recipe.network, code, 1, 0), breaks, how)
    observation = Observation(y, Identity(), torch.ones_like(y))
    return prepare_fit(observation, network, code, rule or FixedRule(), recipe, seed=seed)


def start(noisy, recipe=SMALL, rule=None, breaks=(), how=None, seed=0, **options):
    return fit(prepare(noisy, recipe, rule, breaks, how, seed), recipe, **options)


def run(fitting):
    updates = []
    return updates, finished(fitting, updates.append)


def test_loss_and_error_decrease(clean, noisy):
    network = SkipNet((16, 32), (16, 32), (4, 4), upsampling="nearest")
    recipe = replace(SMALL, network=network, iterations=200, averaging=0.9)
    updates, fitted = run(start(noisy, recipe))
    assert updates[-1].loss < updates[0].loss / 2
    assert fitted.estimate.shape == (1, *noisy.shape)
    assert fitted.estimate.dtype == np.float32
    assert np.square(fitted.estimate[0] - clean).mean() < np.square(noisy - clean).mean()


def test_previews_do_not_change_the_bytes(noisy):
    _, one = run(start(noisy, seed=1, preview_every_s=0))
    _, same = run(start(noisy, seed=1, preview_every_s=1000))
    _, other = run(start(noisy, seed=2))
    assert np.array_equal(one.estimate, same.estimate)
    assert one.metrics == same.metrics
    assert not np.array_equal(one.estimate, other.estimate)


def test_previews_come_only_when_they_are_due(noisy):
    updates, _ = run(start(noisy, preview_every_s=0))
    assert [i.iteration for i in updates] == list(range(1, 31))
    assert all(i.image is not None for i in updates)
    updates, _ = run(start(noisy, preview_every_s=1000))
    assert [i.iteration for i in updates] == [10, 20, 30]
    assert all(i.image is None for i in updates)


def test_without_previews_the_device_is_not_read(noisy, monkeypatch):
    reads = []

    def counted(name):
        real = getattr(torch.Tensor, name)

        def read(self, *args):
            reads.append(name)
            return real(self, *args)

        return read

    for name in ("item", "tolist", "__bool__", "__float__", "cpu", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, counted(name))
    # Adam counts its steps in a tensor on the CPU: reading it does not wait for the device
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: None)
    fitting = start(noisy, preview_every_s=1000)
    next(fitting)
    assert reads.count("tolist") == 1
    assert not {"item", "__bool__", "__float__", "cpu", "numpy"} & set(reads)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_only_previews_wait_for_the_gpu(noisy):
    device = torch.device("cuda")
    code = make_code(SMALL.code, SMALL.code_channels, noisy.shape, 0).to(device)
    network = build_network(SMALL.network, code, 1, 0).to(device)
    y = torch.from_numpy(noisy)[None, None, ::2, ::2].to(device)
    observation = Observation(y, Downsample((2, 2)), torch.ones_like(y))
    waits = []

    def stop():
        # called at the end of every iteration, before a check or a preview
        torch.cuda.set_sync_debug_mode("default" if len(waits) % 10 == 9 else "error")
        waits.append(1)
        return False

    fit_state = prepare_fit(observation, network, code, FixedRule(), SMALL)
    fitting = fit(fit_state, SMALL, Monitor(stop), preview_every_s=1000)
    try:
        assert run(fitting)[1].iterations == 30
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_average_with_the_least_number_is_kept(noisy):
    numbers = [10.0] * 30
    numbers[16] = 1.0
    previews, fitted = run(start(noisy, rule=GivenNumbers(numbers), preview_every_s=0))
    assert fitted.best_iteration == 17
    assert np.array_equal(fitted.estimate, previews[16].image)


@pytest.mark.parametrize("measured_from", [12, 99])
def test_without_a_measurement_the_latest_is_best(noisy, measured_from):
    numbers = [math.inf] * (measured_from - 1) + [5.0] * 30
    previews, fitted = run(start(noisy, rule=GivenNumbers(numbers), preview_every_s=0))
    assert fitted.best_iteration == min(measured_from, 30)
    assert np.array_equal(fitted.estimate, previews[fitted.best_iteration - 1].image)


def test_a_stop_records_rule_and_reason(noisy):
    numbers = [10.0, 1.0] + [5.0] * 28
    _, fitted = run(start(noisy, rule=GivenNumbers(numbers, patience=5)))
    assert (fitted.rule, fitted.best_iteration, fitted.iterations) == ("given", 2, 10)
    assert fitted.reason == "no new minimum for 5 iterations"
    assert fitted.metrics == tuple(enumerate(numbers[:10], start=1))


def test_without_a_stop_all_iterations_are_done(noisy):
    _, fitted = run(start(noisy))
    assert fitted.reason == "all 30 iterations done"
    assert fitted.best_iteration == fitted.iterations == 30


def test_a_user_stop_keeps_the_best(noisy):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) == 13

    _, fitted = run(start(noisy, monitor=Monitor(stop), preview_every_s=1000))
    assert fitted.stopped_by_user
    assert (fitted.iterations, fitted.best_iteration) == (13, 13)
    assert fitted.reason == "stopped by the user"


@pytest.mark.parametrize(
    "how",
    [lambda x: x * math.nan, lambda x: x * math.inf, lambda x: x + 100],
    ids="nan inf jump".split(),
)
def test_a_jump_is_rolled_back_and_counted(noisy, how):
    _, fitted = run(start(noisy, breaks=(20,), how=how))
    _, undisturbed = run(start(noisy))
    assert fitted.rollbacks == 1
    assert np.isfinite(fitted.estimate).all()
    assert math.isfinite(fitted.loss)
    # only the ten iterations before the check are discarded
    assert [i for i, _ in fitted.metrics] == [*range(1, 11), *range(21, 31)]
    assert fitted.metrics[:10] == undisturbed.metrics[:10]
    error = np.square(fitted.estimate[0] - noisy).mean()
    assert error < 2 * np.square(undisturbed.estimate[0] - noisy).mean()


def test_a_loss_that_keeps_jumping_is_accepted(noisy):
    _, fitted = run(start(noisy, replace(SMALL, iterations=80), breaks=range(11, 81), how=add_5))
    assert fitted.rollbacks == 3
    assert [i for i, _ in fitted.metrics] == [*range(1, 11), *range(41, 81)]


def add_5(image):
    return image + 5


def test_rolled_back_iterations_are_not_shown(noisy):
    how = {"breaks": range(14, 21), "how": lambda x: x * math.nan}
    updates, _ = run(start(noisy, preview_every_s=0, **how))
    shown = {i.iteration: i.image for i in updates if i.image is not None}
    assert set(shown) == {*range(1, 14), *range(21, 31)}
    assert all(np.isfinite(estimate).all() for estimate in shown.values())


def test_a_rollback_restores_weights_moments_and_buffers(noisy):
    y = torch.from_numpy(noisy)[None, None]
    code = make_code(SMALL.code, SMALL.code_channels, noisy.shape, 0)
    network = build_network(SMALL.network, code, 1, 0)
    disturbed = Disturbed(network, range(11, 21), lambda x: x * math.nan)
    fit_state = prepare_fit(
        Observation(y, Identity(), torch.ones_like(y)), disturbed, code, FixedRule(), SMALL
    )
    fitting = fit(fit_state, SMALL, preview_every_s=1000)
    next(fitting)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    next(fitting)
    assert any("running_mean" in name for name in before)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(state["step"] == 10 for state in fit_state.device_state.optimiser.state.values())


@pytest.mark.parametrize(
    "more", [{}, {"noise_pool": True, "optimiser": "muon"}], ids=["adam", "muon"]
)
def test_a_continued_fit_gives_the_same_bytes(noisy, more):
    recipe = replace(SMALL, averaging=0.9, code_noise=0.1, **more)
    _, whole = run(start(noisy, recipe))
    fit_state = prepare(noisy, recipe)
    _, half = run(fit(fit_state, replace(recipe, iterations=20)))
    _, continued = run(fit(fit_state, recipe))
    assert (half.iterations, continued.iterations) == (20, 30)
    assert np.array_equal(continued.estimate, whole.estimate)
    assert continued.metrics == whole.metrics
    assert continued.reason == whole.reason


def test_a_continued_fit_ignores_its_rule(noisy):
    numbers = [10.0, 1.0] + [5.0] * 38
    fit_state = prepare(noisy, rule=GivenNumbers(numbers, patience=5))
    _, ended = run(fit(fit_state, SMALL))
    _, continued = run(fit(fit_state, replace(SMALL, iterations=30)))
    assert (ended.iterations, ended.best_iteration) == (10, 2)
    assert (continued.iterations, continued.best_iteration) == (30, 30)
    assert np.array_equal(continued.estimate, continued.latest)
    assert continued.reason == "continued to iteration 30"


def test_progress_names_the_best_iteration(noisy):
    numbers = [10.0] * 30
    numbers[16] = 1.0
    updates, _ = run(start(noisy, rule=GivenNumbers(numbers), preview_every_s=1000))
    assert [i.best_iteration for i in updates] == [1, 17, 17]


def test_a_diverged_fit_names_a_remedy(noisy):
    recipe = replace(SMALL, iterations=400)
    always = range(1, 401)
    with pytest.raises(Diverged, match=r"learning_rate=0\.01"):
        run(start(noisy, recipe, breaks=always, how=lambda x: x * math.nan))
    with pytest.raises(Diverged, match="no iteration gave a finite loss"):
        run(start(noisy, breaks=always, how=lambda x: x * math.nan))


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("cuDNN error")], ids=str
)
def test_errors_of_torch_are_translated(noisy, error):
    def fail(_):
        raise error

    with pytest.raises(NapariDipError) as caught:
        run(start(noisy, breaks=(3,), how=fail))
    assert not isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, OutOfMemory) == isinstance(error, torch.OutOfMemoryError)


def test_free_pixels_reproduce_the_observation(noisy):
    recipe = Recipe(Pixels(), iterations=300, code_noise=0, learning_rate=0.05, averaging=0)
    _, fitted = run(start(noisy, recipe))
    assert np.abs(fitted.estimate[0] - noisy).max() < 0.02


def test_total_variation_alone_denoises(clean, noisy):
    recipe = Recipe(Pixels(), 300, code_noise=0, learning_rate=0.05, averaging=0, tv_weight=0.08)
    _, fitted = run(start(noisy, recipe))
    assert np.square(fitted.estimate[0] - clean).mean() < 0.5 * np.square(noisy - clean).mean()


def test_bfloat16_gives_nearly_the_same(noisy):
    _, full = run(start(noisy))
    _, half = run(start(noisy, replace(SMALL, precision="bfloat16")))
    assert half.estimate.dtype == np.float32
    assert not np.array_equal(half.estimate, full.estimate)
    assert np.abs(half.estimate - full.estimate).mean() < 0.05
