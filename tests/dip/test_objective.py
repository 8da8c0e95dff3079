"""Test the data term on known pixels, held-out pixels, clipping and total variation."""

import math

import pytest
import torch

from napari_dip.dip.objective import Clipping, Observation, total_variation
from napari_dip.dip.operators import Downsample, Identity


def generator():
    return torch.Generator().manual_seed(0)


def test_missing_pixels_do_not_count():
    x = torch.rand(1, 1, 8, 8)
    y = x + 0.5
    known = torch.ones_like(x)
    known[..., :4] = 0
    y[..., :4] = 1e6
    assert Observation(y, Identity(), known).data_term(x).item() == pytest.approx(0.25)


def test_the_mask_comes_after_the_downsampling():
    x = torch.rand(1, 1, 8, 8)
    y = Downsample((2, 2), "box")(x)
    known = torch.ones_like(y)
    known[0, 0, 1, 1] = 0
    y[0, 0, 1, 1] = 9
    assert Observation(y, Downsample((2, 2), "box"), known).data_term(x).item() == pytest.approx(0)


def test_held_out_pixels_are_known_in_all_channels():
    known = torch.ones(1, 3, 20, 20)
    known[..., :10] = 0
    fitted, held_out = Observation(torch.zeros_like(known), Identity(), known).hold_out(
        0.1, generator()
    )
    assert torch.equal(fitted.known + held_out.known, known)
    assert held_out.known.sum() == 3 * 20
    assert torch.equal(held_out.known[:, 0], held_out.known[:, 2])


@pytest.mark.parametrize(("count", "expected"), [(2, 1), (3, 1), (400, 40)])
def test_at_least_one_pixel_is_held_out(count, expected):
    known = torch.zeros(1, 1, 400)
    known[..., :count] = 1
    known = known.reshape(1, 1, 20, 20)
    fitted, held_out = Observation(known, Identity(), known).hold_out(0.1, generator())
    assert (held_out.known.sum(), fitted.known.sum()) == (expected, count - expected)


def test_total_variation_of_a_step_is_exact():
    x = torch.zeros(1, 1, 10, 10)
    x[..., 5:] = 2
    assert total_variation(x).item() == pytest.approx(2 * 10 / 100, abs=2e-4)
    assert total_variation(torch.ones(1, 1, 4, 5, 6)).item() == pytest.approx(0, abs=2e-4)


def test_total_variation_of_a_constant_has_a_gradient():
    x = torch.ones(1, 1, 6, 6, requires_grad=True)
    total_variation(x).backward()
    assert torch.isfinite(x.grad).all()


def test_a_weight_counts_where_it_is_large():
    x, y = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 1.0], [3.0, 3.0]]]])
    weight = torch.tensor([[[[2.0, 2.0], [0.0, 0.0]]]])
    known = torch.ones_like(x)
    assert Observation(y, Identity(), known).data_term(x).item() == 5
    assert Observation(y, Identity(), known, weight).data_term(x).item() == 1


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, math.inf), (-math.inf, 1.0)])
def test_clipping_gives_the_mean_sensor_value(low, high):
    x = torch.linspace(-0.1, 1.1, 7, dtype=torch.float64)
    noise = 0.2 * torch.randn(200_000, 1, generator=generator(), dtype=torch.float64)
    expected = (x + noise).clamp(low, high).mean(dim=0)
    assert Clipping(((0.2, low, high),))(x).numpy() == pytest.approx(expected.numpy(), abs=2e-3)


def test_clipped_data_fit_the_truth_not_its_mean():
    truth = torch.full((1, 1, 100, 100), 0.95)
    y = (truth + 0.1 * torch.randn(truth.shape, generator=generator())).clamp(max=1)
    clipping = Clipping(((0.1, -math.inf, 1.0),))
    aware = Observation(y, Identity(), torch.ones_like(y), clipping=clipping)
    plain = Observation(y, Identity(), torch.ones_like(y))
    assert aware.data_term(truth) < aware.data_term(truth - 0.03)
    assert plain.data_term(truth) > plain.data_term(truth - 0.03)


def test_each_channel_has_its_own_clipping():
    sensors = ((0.2, 0.1, 0.9), (0.1, -math.inf, math.inf), (0.3, -math.inf, 0.6))
    x = torch.rand(1, 3, 4, 4, generator=generator())
    clipped = Clipping(sensors)(x)
    for channel, sensor in enumerate(sensors):
        one = slice(channel, channel + 1)
        assert torch.equal(clipped[:, one], Clipping((sensor,))(x[:, one]))
    assert torch.equal(clipped[:, 1], x[:, 1])
