"""Draw the input code, and the noise on it."""

import pytest
import torch

from napari_dip.dip.recipe import Recipe
from napari_dip.network.input_code import CodeNoise, make_code
from napari_dip.settings.architectures import SkipNet

RECIPE = Recipe(SkipNet(), 1, code_channels=4)
ORDERS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("pooled", [True, False])
def test_each_draw_adds_new_noise_to_the_code(order, pooled):
    code = make_code(RECIPE.code, RECIPE.code_channels, (40, 30), 0).contiguous(memory_format=order)
    codes = CodeNoise(code, 0.5, 1, pooled=pooled)
    one, two = drawn(codes), drawn(codes)
    assert not torch.equal(one, two)
    for noisy in (one, two):
        assert noisy.shape == code.shape
        assert noisy.is_contiguous(memory_format=order)
        assert (noisy - code).std().item() == pytest.approx(0.5, rel=0.05)
        assert (noisy - code).mean().item() == pytest.approx(0, abs=0.03)


def drawn(codes):
    codes.draw()
    return codes.noisy.clone()


@pytest.mark.parametrize("pooled", [True, False])
def test_the_same_seed_draws_the_same(pooled):
    code = make_code(RECIPE.code, RECIPE.code_channels, (9, 9), 0)
    draws = [
        [drawn(CodeNoise(code, 0.1, seed, pooled=pooled)) for _ in range(2)] for seed in (1, 2)
    ]
    assert torch.equal(*draws[0])
    assert not torch.equal(draws[0][0], draws[1][0])


def test_without_noise_the_code_is_itself():
    code = make_code(RECIPE.code, RECIPE.code_channels, (9, 9), 0)
    assert torch.equal(drawn(CodeNoise(code, 0.0, 1, pooled=True)), code)


def test_meshgrid_runs_from_zero_to_one():
    code = make_code("meshgrid", 0, (5, 9), seed=0)
    assert code.shape == (1, 2, 5, 9)
    assert torch.equal(code[0, 0, :, 3], torch.linspace(0, 1, 5))
    assert torch.equal(code[0, 1, 2, :], torch.linspace(0, 1, 9))


def test_noise_is_uniform_up_to_a_tenth():
    code = make_code("noise", 32, (32, 32), seed=0)
    assert code.shape == (1, 32, 32, 32)
    assert 0 <= code.min() < 0.01
    assert 0.09 < code.max() < 0.1
    assert code.mean() == pytest.approx(0.05, abs=0.001)


def test_code_leaves_the_global_generator_unchanged():
    before = torch.random.get_rng_state()
    assert torch.equal(make_code("noise", 3, (8, 8), 1), make_code("noise", 3, (8, 8), 1))
    assert torch.equal(torch.random.get_rng_state(), before)
