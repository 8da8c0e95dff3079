"""Launch a fit as a CUDA graph, with the same result as kernel by kernel.

Without a GPU, a tape replaces the graph. It records each operator that is called during the
capture, with its tensors and numbers. A replay calls the recorded operators and no other Python
code, as on a GPU.
"""

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from napari_dip import Settings, restore
from napari_dip.compute.concurrency import run_concurrently
from napari_dip.compute.cuda_graph import WARM_UP_CALLS, GraphRunner
from napari_dip.dip import loop as fit_module
from napari_dip.dip import optimisers as optimiser
from napari_dip.dip.choose_rule import make_rule
from napari_dip.dip.loop import fit, prepare_fit
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Downsample, Identity
from napari_dip.dip.recipe import Recipe
from napari_dip.dip.stopping_rules import RuleContext
from napari_dip.generators import finished
from napari_dip.network.build import build_network
from napari_dip.network.input_code import make_code
from napari_dip.progress import Monitor
from napari_dip.settings.architectures import SkipNet

CUDA = torch.device("cuda")
SMALL = Recipe(
    SkipNet((8, 8), (8, 8), (2, 2)),
    iterations=60,
    code_channels=4,
    code_noise=0.03,
    averaging=0.9,
    warm_up=True,
    noise_pool=True,
    optimiser="muon",
    tv_weight=0.01,
)


class Tape(TorchDispatchMode):
    """Record the operators of a capture, in order, and replay them."""

    def __init__(self):
        super().__init__()
        self.launched, self.replays = [], 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        if operator is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        results = operator(*args, **(kwargs or {}))
        self.launched.append((operator, args, kwargs or {}, results))
        return results

    @torch.no_grad()
    def replay(self):
        self.replays += 1
        if self.replays == 1:
            return  # here the capture has computed it; on a GPU it does not
        for operator, args, kwargs, results in self.launched:
            returns = operator._schema.returns
            if returns and all(each.alias_info is None for each in returns):
                again = tree_leaves(operator(*args, **kwargs))
                for result, new in zip(tree_leaves(results), again, strict=True):
                    if isinstance(result, torch.Tensor):
                        result.copy_(new)
            elif any(each.alias_info.is_write for each in returns) or not returns:
                operator(*args, **kwargs)  # in place; a view needs no operator


@pytest.fixture
def tapes(monkeypatch):
    """Replace CUDA graphs by tapes on the CPU."""
    made = []

    def new():
        made.append(Tape())
        return made[-1]

    @contextmanager
    def capture(tape, *, stream, capture_error_mode):
        assert capture_error_mode == "thread_local"
        with tape:
            yield

    idle = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", new)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    for name in ("Stream", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda device: idle)
    for name in ("stream", "device"):
        monkeypatch.setattr(torch.cuda, name, lambda which: nullcontext())
    monkeypatch.setattr(optimiser, "_on_cuda", lambda parameter: True)
    fused = partial(torch.optim.Adam, fused=True)  # as on CUDA: plain Adam counts on the host
    monkeypatch.setattr(optimiser, "_adam", lambda some, rate, **_: fused(some, rate))
    return made


def fitted(*arguments, **options):
    return finished(fitting(*arguments, **options))


def fitting(noisy, recipe=SMALL, stopping="fixed", operator=None, disturbed=range(0)):
    """Return a fit whose observation is NaN during some iterations."""
    operator = operator or Identity()
    y = torch.from_numpy(noisy.copy())[None, None]
    everything = Observation(operator(y), operator, torch.ones_like(operator(y)))
    chosen = Settings(stopping=stopping).stopping
    rule, seen = make_rule(chosen, RuleContext(everything, 0.1, torch.Generator().manual_seed(0)))
    code = make_code(recipe.code, recipe.code_channels, noisy.shape, 0)
    fit_state = prepare_fit(seen, build_network(recipe.network, code, 1, 0), code, rule, recipe)
    observed = seen.y.clone()

    def disturb():
        seen.y.copy_(observed)
        if fit_state.iteration + 1 in disturbed:
            seen.y.fill_(torch.nan)
        return False

    return fit(fit_state, recipe, Monitor(disturb), preview_every_s=1e9)


CASES = {
    "fast": {"stopping": "consensus"},
    "paper": {
        "recipe": replace(SMALL, optimiser="adam", noise_pool=False, warm_up=False, tv_weight=0)
    },
    "bfloat16": {"recipe": replace(SMALL, precision="bfloat16")},
    "super-resolution": {"operator": Downsample((2, 2)), "stopping": "held-out"},
    "windowed variance": {"stopping": "es-wmv", "recipe": replace(SMALL, iterations=110)},
    "moving variance": {"stopping": "es-emv", "recipe": replace(SMALL, iterations=110)},
    "discrepancy": {"stopping": "discrepancy"},
    "rollback before the capture": {"disturbed": range(14, 18)},
    "rollback after the capture": {"disturbed": range(52, 55)},
}


@pytest.mark.parametrize("name", CASES)
def test_replays_give_the_bytes_of_single_launches(name, noisy, tapes, monkeypatch):
    kernel_by_kernel = fitted(noisy, **CASES[name])
    assert kernel_by_kernel.launch_mode == ""
    assert not tapes
    monkeypatch.setattr(fit_module, "GraphRunner", lambda work, device: GraphRunner(work, CUDA))
    as_graph = fitted(noisy, **CASES[name])
    assert as_graph.launch_mode == "as one CUDA graph"
    np.testing.assert_array_equal(as_graph.estimate, kernel_by_kernel.estimate)
    np.testing.assert_array_equal(as_graph.latest, kernel_by_kernel.latest)
    assert as_graph.metrics == kernel_by_kernel.metrics
    assert as_graph.rollbacks == kernel_by_kernel.rollbacks == ("rollback" in name)
    assert tapes[0].replays == as_graph.iterations - WARM_UP_CALLS


def test_each_fit_has_its_own_graph(noisy, tapes, monkeypatch):
    def two(device):
        results = {}
        recipes = [replace(SMALL, tv_weight=weight) for weight in (0.01, 0.02)]
        fits = (fitting(noisy, one) for one in recipes)
        for _ in run_concurrently(fits, 2, device, results.__setitem__):
            pass
        return [results[number] for number in (0, 1)]

    streams = []
    monkeypatch.setattr(torch.cuda, "stream", lambda one: streams.append(one) or nullcontext())
    kernel_by_kernel = two("cpu")
    assert not streams
    monkeypatch.setattr(fit_module, "GraphRunner", lambda work, device: GraphRunner(work, CUDA))
    for alone, beside in zip(kernel_by_kernel, two("cuda"), strict=True):
        assert beside.launch_mode == "as one CUDA graph"
        np.testing.assert_array_equal(beside.estimate, alone.estimate)
    assert streams
    assert not np.array_equal(kernel_by_kernel[0].estimate, kernel_by_kernel[1].estimate)


def test_a_failed_capture_falls_back_to_kernels(tapes):
    total = torch.zeros(())

    def work():
        return total.add_(1).item()

    replayed = GraphRunner(work, CUDA)
    assert [replayed() for _ in range(8)][:WARM_UP_CALLS] == [1, 2, 3]
    assert replayed.launch_mode == (
        "kernel by kernel, no CUDA graph: operation not permitted when stream is capturing"
    )
    assert len(tapes) == 1  # tried once
    assert not tapes[0].replays


def test_without_a_gpu_nothing_is_captured(tapes):
    replayed = GraphRunner(lambda: torch.ones(()), torch.device("cpu"))
    assert [replayed().item() for _ in range(9)] == [1] * 9
    assert replayed.launch_mode == ""
    assert not tapes


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_on_a_gpu_an_iteration_is_one_graph(preset, clean, noisy):
    settings = Settings(preset=preset, axes="YX", device="cuda", iterations=80, stopping="fixed")
    result = finished(restore(noisy, settings))
    assert "as one CUDA graph" in result.reports[0].arithmetic
    assert np.isfinite(result.image).all()
    on_cpu = finished(restore(noisy, settings.replace(device="cpu")))
    difference = np.square(result.image - on_cpu.image).mean()
    assert difference < 0.5 * np.square(noisy - clean).mean()
