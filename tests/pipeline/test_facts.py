"""Facts of a block: noise levels, gaps, correlation and shifts."""

import numpy as np
import pytest
from skimage import data

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.facts import measure

WHITE = (PoissonGaussian(read=0.1),)


def block(values, noises=WHITE, **more):
    known = more.pop("known", np.ones(values.shape, bool))
    return Block(values.astype(np.float32), known, noises, **more)


def test_photon_noise_has_one_level_after_stabilisation():
    values = np.random.default_rng(0).random((1, 40, 40))
    facts = measure(block(values, (PoissonGaussian(gain=0.01, read=0.01),)), register=False)
    mean_variance = 0.01 * values.mean() + 0.01**2
    assert facts.level.typical == pytest.approx(np.sqrt(mean_variance), rel=0.01)
    transformed = PoissonGaussian(gain=0.01, read=0.01).stabilise(np.array([0.0, 1.0]))
    assert facts.stabilised_level.typical == pytest.approx(1 / np.ptp(transformed))


def test_each_channel_has_its_own_level():
    noises = PoissonGaussian(read=0.1), PoissonGaussian(read=0.3)
    facts = measure(block(np.zeros((2, 8, 8)), noises, shared="C"), register=False)
    assert facts.level.channels == pytest.approx((0.1, 0.3))
    assert facts.level.typical == pytest.approx(np.sqrt(0.05))
    assert not facts.is_stack


def test_gaps_are_found_where_pixels_are_missing():
    known = np.ones((1, 8, 8), bool)
    assert not measure(block(np.zeros(known.shape), known=known), register=False).has_gaps
    known[0, 3, 3] = False
    assert measure(block(np.zeros(known.shape), known=known), register=False).has_gaps


def test_correlation_is_the_mean_of_the_channels():
    noises = (
        PoissonGaussian(read=0.1, correlation=((0.4, 0.2), ())),
        PoissonGaussian(read=0.1, correlation=((0.2,), (0.6,))),
    )
    y, x = measure(block(np.zeros((2, 8, 8)), noises), register=False).correlation
    assert y == pytest.approx((0.3, 0.1))
    assert x == pytest.approx((0.3,))


def test_moved_planes_are_measured_on_their_canvas():
    scene = data.camera()[:80, :80] / 255
    planes = np.stack([scene[:64, :64], scene[5:69, 3:67]])
    noises = (PoissonGaussian(read=0.01),) * 2
    moved = measure(block(planes, noises, shared="T"), register=True)
    assert moved.shifts == ((0, 0), (5, 3))
    assert moved.shape == (2, 80, 80)
    assert measure(block(planes, noises, shared="T"), register=False).shifts is None
