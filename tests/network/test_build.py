"""Build networks whose image has the shape of the code."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from napari_dip.network.build import build_network
from napari_dip.network.input_code import make_code
from napari_dip.network.skip import SkipLevel
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import NETWORKS, Settings
from napari_dip.settings.architectures import SkipNet

NAMES = [name for name in NETWORKS if name != "none"]


def build(name, shape, channels=1, seed=0, preset="fast"):
    chosen = recipe(Settings(prior=name, preset=preset))
    code = make_code(chosen.code, chosen.code_channels, shape, seed)
    return build_network(chosen.network, code, channels, seed), code


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(40, 33), (8, 9), (5, 17, 12)], ids=str)
def test_the_output_has_the_codes_shape_and_gradients(name, shape):
    network, code = build(name, shape, channels=3)
    image = network(code)
    assert image.shape == (1, 3, *shape)
    assert torch.isfinite(image).all()
    image.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@given(st.tuples(st.integers(8, 70), st.integers(8, 70)))
def test_sides_need_no_common_factor(shape):
    network, code = build("encoder-decoder-6", shape)
    assert network(code).shape[2:] == shape


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pixels"])
def test_the_output_lies_between_zero_and_one(name):
    network, code = build(name, (16, 16))
    image = network(100 * code)
    assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights(name):
    before = torch.random.get_rng_state()
    (one, code), (same, _), (other, _) = (build(name, (16, 16), seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one(code), same(code))
    assert not torch.equal(one(code), other(code))


def test_weights_ignore_draws_of_other_threads():
    expected, code = build("skip", (16, 16))
    over = threading.Event()

    def draw():
        while not over.is_set():
            torch.rand(7)

    host = threading.Thread(target=draw)
    host.start()
    try:
        for _ in range(5):
            network, _ = build("skip", (16, 16))
            assert torch.equal(network(code), expected(code))
    finally:
        over.set()
        host.join()


@pytest.mark.parametrize(
    ("task", "hole", "code_channels", "parameters"),
    [
        # As counted in the published code, with three channels out.
        pytest.param("denoise", "scratches", 32, 2_217_831, id="denoise"),
        pytest.param("inpaint", "scratches", 32, 3_002_627, id="scratches"),
        pytest.param("inpaint", "hole", 2, 2_157_955, id="hole"),
        pytest.param("inpaint", "large-hole", 1, 2_996_467, id="large-hole"),
        pytest.param({"kind": "denoise", "artefact": "jpeg"}, "scratches", 3, 572_827, id="jpeg"),
    ],
)
def test_parameter_counts_equal_the_published_ones(task, hole, code_channels, parameters):
    chosen = recipe(Settings(task=task, preset="paper"), hole=hole)
    code = make_code(chosen.code, chosen.code_channels, (64, 64), 0)
    assert code.shape[1] == code_channels
    network = build_network(chosen.network, code, 3, 0)
    assert sum(p.numel() for p in network.parameters()) == parameters


def _convolved_shapes(network, code):
    shapes = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[2:])))
    network(code)
    return shapes


def test_skips_after_down_blocks_save_convolutions():
    assert (32, 32) not in _convolved_shapes(*build("skip-half", (32, 32)))
    assert (32, 32) in _convolved_shapes(*build("skip", (32, 32)))


def test_an_hourglass_has_no_skips():
    chosen = recipe(Settings(prior="hourglass"))
    assert isinstance(chosen.network, SkipNet)
    assert set(chosen.network.skip) == {0}


def test_z_is_coarsened_after_y_and_x():
    network = build_network(
        SkipNet(skip=(4,) * 5), torch.zeros(1, 2, 16, 64, 64), 1, 0, (4, 0.8, 0.8)
    )
    strides = [module.stride for module in network.modules() if isinstance(module, SkipLevel)]
    assert strides == [(1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2)]


@pytest.mark.parametrize("spacing", [None, (3, 3, 3), (1, 1.2, 1)])
def test_nearly_isotropic_voxels_are_halved_together(spacing):
    network = build_network(SkipNet(), torch.zeros(1, 2, 16, 64, 64), 1, 0, spacing)
    strides = [module.stride for module in network.modules() if isinstance(module, SkipLevel)]
    assert strides == [(2, 2, 2)] * 3 + [(1, 2, 2)] * 2  # two planes are as few as fit


@pytest.mark.parametrize("shape", [(4, 16, 12), (16, 5, 12), (16, 12, 6)])
def test_convolutions_see_the_shortest_axis_last(shape):
    shortest = 2 + shape.index(min(shape))
    spacing = [3.0 if size == min(shape) else 1.0 for size in shape]
    spec, code = SkipNet((8, 8), (8, 8), (2, 2)), torch.rand(1, 4, *shape)
    network = build_network(spec, code, 2, 0, spacing, shortest_last=True)
    moved = code.movedim(shortest, -1)
    plain = build_network(spec, moved, 2, 0, (1.0, 1.0, 3.0))
    assert network(code).shape == (1, 2, *shape)
    assert torch.equal(network(code).movedim(shortest, -1), plain(moved))
