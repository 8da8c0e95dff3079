"""Test that forward operators are linear, and that autograd gives their adjoint."""

import numpy as np
import pytest
import torch

from napari_dip.dip.operators import Blur, Composed, Downsample, Identity, Mask, kernel_1d

SHAPES = [(24, 48), (48, 24, 24)]
KERNELS = ["lanczos2", "lanczos3", "box", "gaussian"]


def random(*shape, seed=0):
    return torch.randn(1, 2, *shape, generator=torch.Generator().manual_seed(seed)).double()


def some_operators(shape):
    mask = Mask((random(*shape, seed=3) > 0).double())
    psf = random(*(3,) * (len(shape) - 1), 5, seed=4)[0, 0].abs()
    low = tuple(size // 2 for size in shape)

    def every(factor):
        return (factor,) * len(shape)

    return [
        Identity(),
        mask,
        Blur(psf / psf.sum()),
        Blur(psf, border="dark"),
        Composed((Identity(), Downsample(every(2)), Mask((random(*low, seed=5) > 0).double()))),
        Composed((Blur(psf), Downsample(every(4), "box"))),
        *(Downsample(every(factor), kernel) for factor in range(2, 9) for kernel in KERNELS),
        *(Downsample((factor, *every(1)[1:]), "gaussian") for factor in (3, 4)),
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=["2d", "3d"])
def test_the_adjoint_satisfies_its_definition(shape):
    for operator in some_operators(shape):
        x = random(*shape, seed=1).requires_grad_()
        forward = operator(x)
        y = random(*forward.shape[2:], seed=2)
        (adjoint,) = torch.autograd.grad(forward, x, y)
        assert torch.allclose((forward * y).sum(), (x * adjoint).sum())
        # The adjoint at one point is that of the operator only if the operator is linear.
        other = random(*shape, seed=6)
        assert torch.allclose(operator(3 * x + other), 3 * forward + operator(other))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", range(2, 9))
def test_kernels_are_symmetric_and_sum_to_one(kernel, factor):
    weights = np.array(kernel_1d(kernel, factor))
    assert weights.sum() == pytest.approx(1)
    assert weights == pytest.approx(weights[::-1])
    assert len(weights) % 2 == factor % 2


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", range(2, 9))
def test_coarse_pixels_are_centred_on_fine_pixels(kernel, factor):
    ramp = torch.arange(12.0 * factor)[None, None, None, :].expand(1, 1, 12 * factor, -1)
    middle = Downsample((factor, factor), kernel)(ramp)[0, 0, 6, 4:8]
    assert middle.numpy() == pytest.approx(factor * np.arange(4, 8) + (factor - 1) / 2, abs=1e-3)


def test_box_is_the_mean_of_each_block():
    x = random(24, 48)
    blocks = x.reshape(1, 2, 6, 4, 12, 4).mean(dim=(3, 5))
    assert torch.allclose(Downsample((4, 4), "box")(x), blocks)


def test_lanczos_has_the_published_weights():
    # sinc(t) sinc(t / 2) at t = 1/8, 3/8, ... for factor 4, normalised.
    t = (np.arange(16) - 7.5) / 4
    weights = np.sinc(t) * np.sinc(t / 2)
    assert kernel_1d("lanczos2", 4) == pytest.approx(weights / weights.sum())


def test_blur_spreads_a_point_into_the_psf():
    psf = torch.tensor([[0.0, 0.1, 0.0], [0.2, 0.3, 0.4], [0.0, 0.0, 0.0]])
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 1
    assert torch.allclose(Blur(psf)(point)[0, 0, 1:4, 1:4], psf)
