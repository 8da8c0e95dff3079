"""Test the precision of an iteration, and the average of the outputs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from napari_dip.dip.iteration import run_iteration
from napari_dip.dip.loop import prepare_fit
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Identity
from napari_dip.dip.recipe import Recipe
from napari_dip.dip.stopping_rules import FixedRule
from napari_dip.network.build import build_network
from napari_dip.network.input_code import make_code
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.precision import Arithmetic
from napari_dip.pipeline.restore_block import prepare_member
from napari_dip.settings import NETWORKS, Inpaint, Settings, SuperResolve
from napari_dip.settings.architectures import SkipNet

TASKS = {
    "denoise": Settings(),
    "refine": Settings(task=SuperResolve(factor=2)),
    "refine along Z": Settings(task=SuperResolve(factor=2, axis="Z")),
    "inpaint": Settings(task=Inpaint(missing="pixels")),
    "volume": Settings(ndim=3),
}


class Precisions(TorchDispatchMode):
    """Record the precision of every operation on floating-point numbers."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        result = operator(*args, **(kwargs or {}))
        for value in tree_leaves((args, kwargs, result)):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                self.of.setdefault(value.dtype, set()).add(str(operator))
        return result


def precisions(settings, arithmetic):
    shape = (4, 12, 16) if settings.ndim == 3 else (12, 16)
    values = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    known = np.random.default_rng(1).random(values.shape) > 0.1
    noises = (PoissonGaussian(gain=0.01, read=0.05), PoissonGaussian(read=0.1))
    if settings.task.kind == "super-resolve":
        known = np.ones_like(known)
    block = Block(values, known, noises, hole="pixels", shared="C" if settings.ndim == 2 else "")
    one = prepare_member(block, settings.replace(precision="float32"), "cpu", 0)
    context = replace(one.context, arithmetic=arithmetic)
    fit = one.pipeline.fit
    fit_state, recipe = fit.begin(one.data, context), fit.computed(context)
    with Precisions() as recorded:
        for _ in range(2):
            fit_state.input_code.draw()
            run_iteration(fit_state, recipe)
    return recorded.of


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
@pytest.mark.parametrize("preset", ["fast", "best", "paper"])
@pytest.mark.parametrize("task", TASKS)
def test_float32_is_used_where_chosen(task, preset, optimiser):
    settings = TASKS[task].replace(preset=preset, prior={"optimiser": optimiser})
    assert precisions(settings, Arithmetic()).keys() == {torch.float32}


@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "none"])
def test_every_network_keeps_the_chosen_precision(network):
    settings = Settings(prior={"network": network})
    assert precisions(settings, Arithmetic()).keys() == {torch.float32}


def test_bfloat16_stays_within_the_network():
    chosen = precisions(Settings(), Arithmetic("bfloat16", channels_last=True))
    assert chosen.keys() == {torch.float32, torch.bfloat16}
    products = {name for name in chosen[torch.bfloat16] if "mm" in name}
    assert not products, "the optimiser computes in float32 on a CPU"


def averages(noisy, **changes):
    """Return the average after each of 30 iterations."""
    recipe = Recipe(SkipNet((8, 8), (8, 8), (2, 2)), iterations=30, code_channels=4)
    recipe = replace(recipe, **changes)
    y = torch.from_numpy(noisy)[None, None]
    code = make_code(recipe.code, recipe.code_channels, noisy.shape, 0)
    network = build_network(recipe.network, code, 1, 0)
    observation = Observation(y, Identity(), torch.ones_like(y))
    fit_state = prepare_fit(observation, network, code, FixedRule(), recipe)
    found = []
    for _ in range(recipe.iterations):
        fit_state.input_code.draw()
        run_iteration(fit_state, recipe)
        found.append(fit_state.device_state.averages.average.numpy().copy())
    return found


def test_the_average_is_exponential_from_the_start(noisy):
    outputs = averages(noisy, averaging=0)
    expected = outputs[0]
    for output in outputs[1:]:
        expected = 0.99 * expected + 0.01 * output
    assert averages(noisy, averaging=0.99)[-1] == pytest.approx(expected, abs=1e-5)


def test_warm_up_shortens_the_first_average(noisy):
    outputs = averages(noisy, averaging=0)
    expected = outputs[0]
    for number, output in enumerate(outputs[1:], start=2):
        weight = 9 / (10 + number)
        expected = (1 - weight) * expected + weight * output
    assert averages(noisy, averaging=0.99, warm_up=True)[-1] == pytest.approx(expected, abs=1e-5)
