"""The code, and the noise on it."""

import pytest
import torch

from napari_dip.prior.code import CodeNoise, make_code
from napari_dip.prior.recipes import Recipe, SkipNet

RECIPE = Recipe(SkipNet(), 1, code_channels=4)
ORDERS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("pooled", [True, False])
def test_each_draw_is_the_code_with_other_normal_noise(order, pooled):
    code = make_code(RECIPE, (40, 30), 0).contiguous(memory_format=order)
    codes = CodeNoise(code, 0.5, 1, pooled=pooled)
    one, two = codes.draw(), codes.draw()
    assert not torch.equal(one, two)
    for drawn in (one, two):
        assert drawn.shape == code.shape
        assert drawn.is_contiguous(memory_format=order)
        assert (drawn - code).std().item() == pytest.approx(0.5, rel=0.05)
        assert (drawn - code).mean().item() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("pooled", [True, False])
def test_the_same_seed_draws_the_same(pooled):
    code = make_code(RECIPE, (9, 9), 0)
    draws = [
        [CodeNoise(code, 0.1, seed, pooled=pooled).draw() for _ in range(2)] for seed in (1, 2)
    ]
    assert torch.equal(*draws[0])
    assert not torch.equal(draws[0][0], draws[1][0])


def test_without_noise_the_code_is_itself():
    code = make_code(RECIPE, (9, 9), 0)
    assert torch.equal(CodeNoise(code, 0.0, 1, pooled=True).draw(), code)
