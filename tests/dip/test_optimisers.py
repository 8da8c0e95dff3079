"""Test that Muon updates matrices, Adam the other weights, and both can be rolled back."""

import copy

import pytest
import torch

from napari_dip.dip import optimisers as module
from napari_dip.dip.optimisers import MatrixStack, Muon, make_optimiser, moments
from napari_dip.dip.recipe import Recipe
from napari_dip.network.build import build_network
from napari_dip.settings.architectures import Pixels, SkipNet

SPEC = Recipe(SkipNet((8, 16), (8, 16), (2, 2)), 1, code_channels=8, optimiser="muon")


@pytest.fixture
def network():
    return build_network(SPEC.network, torch.rand(1, 8, 16, 16), 1, 0)


def step(network, optimiser, code):
    optimiser.zero_grad()
    network(code).square().mean().backward()
    optimiser.step()


def test_every_weight_moves_and_the_loss_falls(network):
    code = torch.rand(1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    optimiser = make_optimiser(network, SPEC)
    assert isinstance(optimiser, Muon)
    before = copy.deepcopy(network.state_dict())
    first = network(code).square().mean().item()
    for _ in range(10):
        step(network, optimiser, code)
    assert network(code).square().mean().item() < first
    # A bias before a BatchNorm has nearly no gradient.
    for name, parameter in network.named_parameters():
        assert "bias" in name or not torch.equal(parameter, before[name]), name


def test_a_kernel_update_is_nearly_orthogonal(network):
    code = torch.rand(1, 8, 16, 16)
    optimiser = make_optimiser(network, SPEC)
    kernel = optimiser.kernels[0]
    before = kernel.detach().clone()
    step(network, optimiser, code)
    singular = torch.linalg.svdvals((kernel.detach() - before).flatten(1))
    assert singular.max() < 3 * singular.median()


def test_stacked_matrices_update_independently():
    shapes = [(8, 72), (16, 16), (16, 9), (40, 12)]
    seeds = torch.Generator().manual_seed(0)
    alone, stacked = ([torch.nn.Parameter(torch.ones(shape)) for shape in shapes] for _ in range(2))
    one_by_one = torch.optim.Muon(alone, lr=0.03, weight_decay=0.0, ns_steps=3)
    at_once = MatrixStack(stacked, 0.03)
    for _ in range(5):
        for one, other in zip(alone, stacked, strict=True):
            one.grad = torch.randn(one.shape, generator=seeds)
            other.grad = one.grad.clone()
        one_by_one.step()
        at_once.step()
    for one, other in zip(alone, stacked, strict=True):
        moved = (one - 1).norm()
        assert moved > 0.1
        assert (one - other).norm() < 0.05 * moved  # torch's Muon computes in bfloat16


def test_adam_updates_narrow_matrices_and_pixels(network):
    optimiser = make_optimiser(network, SPEC)
    assert all(min(len(p), p[0].numel()) >= 8 for p in optimiser.kernels)
    assert len(optimiser.kernels) + len(optimiser.rest) == len(list(network.parameters()))
    pixels = build_network(Pixels(), torch.rand(1, 8, 16, 16), 1, 0)
    assert isinstance(make_optimiser(pixels, SPEC), torch.optim.Adam)


def test_a_rollback_repeats_the_same_steps(network):
    code = torch.rand(1, 8, 16, 16)
    optimiser = make_optimiser(network, SPEC)
    step(network, optimiser, code)
    changing = [t.detach() for t in (*network.state_dict().values(), *moments(optimiser))]
    before = [tensor.clone() for tensor in changing]
    step(network, optimiser, code)
    expected = copy.deepcopy(network.state_dict())
    for tensor, kept in zip(changing, before, strict=True):
        tensor.copy_(kept)
    step(network, optimiser, code)
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 144), (1, 128, 1152)], ids=str)
def test_both_orthogonalisations_agree(shape):
    stack = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    stack = stack / stack.norm(dim=(1, 2), keepdim=True)
    exact = module._orthogonal_by_steps(stack.double())
    assert torch.allclose(module._orthogonal_by_products(stack), exact.float(), atol=1e-5)
