"""Filled pixels get the noise of the image, and known pixels stay."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.match_noise import MatchNoise
from napari_dip.pipeline.precision import Arithmetic
from napari_dip.pipeline.steps import Context, Data

NOISES = (PoissonGaussian(read=0.1), PoissonGaussian(gain=0.02))
CLEAN = np.full((2, 96, 96), 0.5, np.float32)
KNOWN = np.zeros(CLEAN.shape, bool)
KNOWN[:, :20] = True


@pytest.fixture
def context():
    return Context(torch.device("cpu"), 3, Arithmetic())


def matched(block, context, estimate=CLEAN):
    step = MatchNoise(block.noises)
    return step.apply(Data(block, estimate=estimate), context).estimate


def test_only_missing_pixels_get_noise(context):
    before = CLEAN.copy()
    noisy = matched(Block(CLEAN, KNOWN, NOISES), context)
    np.testing.assert_array_equal(noisy[KNOWN], CLEAN[KNOWN])
    np.testing.assert_array_equal(before, CLEAN)
    for channel in range(2):
        assert noisy[channel, 20:].std() == pytest.approx(0.1, rel=0.05)
    assert abs(np.corrcoef(noisy[0, 20:].ravel(), noisy[1, 20:].ravel())[0, 1]) < 0.05


def test_tiles_add_the_noise_of_their_place(context):
    whole = Block(CLEAN, KNOWN, NOISES)
    where = (slice(None), slice(30, 70), slice(16, 64))
    tile = replace(
        whole,
        values=CLEAN[where],
        known=KNOWN[where],
        start=(30, 16),
        sides_of_unit=(96, 96),
    )
    np.testing.assert_array_equal(
        matched(tile, context, CLEAN[where]), matched(whole, context)[where]
    )


def test_the_sentence_names_the_noise():
    correlated = PoissonGaussian(read=0.1, correlation=((0.3,), ()))
    assert "correlated noise" in MatchNoise((correlated,)).describe()
    assert "white noise" in MatchNoise(NOISES).describe()
