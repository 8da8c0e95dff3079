"""The encoder-decoder with skips: levels, skips, upsampling, memory format."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.network.skip import SkipLevel, skip_network
from napari_dip.settings.architectures import SkipNet

SMALL = SkipNet(down=(4, 6), up=(5, 7), skip=(2, 3))
HALVED = ((2, 2), (2, 2))


def build(spec=SMALL, strides=HALVED):
    torch.manual_seed(0)
    return skip_network(spec, 3, 2, strides)


def levels(network):
    return [module for module in network.modules() if isinstance(module, SkipLevel)]


@given(
    st.sampled_from(["nearest", "bilinear", "mixed"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.tuples(st.integers(6, 21), st.integers(6, 21)),
)
def test_any_variant_keeps_the_shape(upsampling, after_down, taper, pointwise, shape):
    spec = replace(
        SMALL,
        upsampling=upsampling,
        skip_after_down=after_down,
        taper=taper and pointwise,
        pointwise_up=pointwise,
    )
    image = build(spec)(torch.rand(1, 3, *shape))
    assert image.shape == (1, 2, *shape)
    assert 0 <= image.min() <= image.max() <= 1


def test_volume_keeps_its_shape():
    image = build(strides=((1, 2, 2), (2, 2, 2)))(torch.rand(1, 3, 5, 12, 9))
    assert image.shape == (1, 2, 5, 12, 9)


def test_level_sees_the_image_at_its_stride():
    network, sizes = build(), []
    for level in levels(network):
        level.down.register_forward_hook(lambda _m, _i, out: sizes.append(tuple(out.shape[2:])))
    network(torch.rand(1, 3, 16, 13))
    assert sizes == [(8, 7), (4, 4)]


def test_without_a_skip_fine_detail_is_lost():
    """A checkerboard is lost in a downsampling by 4, unless a skip passes it."""
    board = ((torch.arange(16) + torch.arange(16)[:, None]) % 2).expand(1, 3, 16, 16) * 1.0
    without, with_skip = (
        build(replace(SMALL, skip=(skip, skip), kernel_up=1, upsampling="nearest"))(board)
        for skip in (0, 3)
    )
    differences = [
        (image[..., ::2] - image[..., 1::2]).abs().max().item() for image in (without, with_skip)
    ]
    assert differences[0] == 0 < differences[1]


@pytest.mark.parametrize(
    ("upsampling", "modes"),
    [
        ("nearest", ["nearest", "nearest"]),
        ("bilinear", ["bilinear", "bilinear"]),
        ("mixed", ["bilinear", "nearest"]),
    ],
)
def test_upsampling_is_chosen_for_each_level(upsampling, modes):
    assert [level.mode for level in levels(build(replace(SMALL, upsampling=upsampling)))] == modes


def test_taper_needs_fewer_weights():
    wide = SkipNet(down=(8, 32), up=(8, 32), skip=(2, 2))
    plain, tapered = (
        sum(each.numel() for each in build(spec).parameters())
        for spec in (wide, replace(wide, taper=True))
    )
    assert tapered < plain


@pytest.mark.parametrize("after_down", [True, False])
def test_memory_format_does_not_change_gradients(after_down):
    network = build(replace(SMALL, skip_after_down=after_down))
    code = torch.rand(1, 3, 14, 12)
    gradients = []
    for order in (torch.contiguous_format, torch.channels_last):
        network.to(memory_format=order).zero_grad()
        network(code.contiguous(memory_format=order)).square().sum().backward()
        gradients.append([each.grad.clone() for each in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-4)
