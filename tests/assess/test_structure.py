"""Structure is found in noise at the stated rate of false alarms."""

import numpy as np
import pytest

from napari_dip.assess.structure import NEIGHBOURS, neighbours, structure_scores
from napari_dip.noise.synthesis import unit_noise

WHITE = ((), ())


@pytest.mark.parametrize(
    "correlation", [pytest.param(WHITE, id="white"), pytest.param(((0.4, 0.1), (0.3,)), id="scan")]
)
def test_noise_alone_is_rarely_structure(correlation):
    everywhere = np.ones((96, 96), bool)
    alarms = 0
    for seed in range(1, 31):
        noise = unit_noise((96, 96), correlation, seed)
        alarms += bool((structure_scores(noise, everywhere, correlation) > 0).any())
    assert alarms <= 3


def test_texture_without_a_mean_is_found():
    noise = np.random.default_rng(0).standard_normal((96, 96))
    stripes = 1.2 * np.sin(np.arange(96) * 2 * np.pi / 6) * np.ones((96, 1))
    noise[30:60, 30:60] += stripes[30:60, 30:60]
    found = structure_scores(noise, np.ones(noise.shape, bool), WHITE) > 0
    assert found[35:55, 35:55].mean() > 0.5
    assert found.sum() - found[22:68, 22:68].sum() < 10


def test_unknown_pixels_are_nan():
    known = np.random.default_rng(1).random((64, 64)) < 0.5
    residual = np.where(known, unit_noise((64, 64), WHITE, 5), 1e6)
    scores = structure_scores(residual, known, WHITE)
    assert np.isnan(scores[~known]).all()
    assert not scores[known].any()


@pytest.mark.parametrize("step", NEIGHBOURS.values(), ids=list(NEIGHBOURS))
def test_neighbours_lie_a_step_apart(step):
    rows, columns = np.indices((5, 7))
    first, second = neighbours(step)
    for places, by in zip((rows, columns), step, strict=True):
        assert np.unique(places[second] - places[first]).tolist() == [by]
    assert rows[first].size == (5 - abs(step[0])) * (7 - abs(step[1]))
