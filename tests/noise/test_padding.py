"""What a sensor saw is told from what was put around it."""

import numpy as np
import pytest

from napari_dip.noise.padding import without_padding


def left(image):
    return without_padding(image, np.ones(image.shape, bool))


@pytest.fixture
def noisy():
    return np.random.default_rng(0).normal(100, 10, (40, 50))


@pytest.mark.parametrize("value", [0, -5.5, 255])
def test_a_rim_of_any_width_is_left_out(noisy, value):
    for width in (1, 2, 9):
        noisy[:width] = noisy[:, -width:] = value
        assert np.array_equal(left(noisy), noisy != value)


def test_a_turned_image_has_padded_corners(noisy):
    y, x = np.indices(noisy.shape)
    noisy[y + 0.4 * x < 20] = 0
    assert np.array_equal(left(noisy), noisy != 0)


def test_a_frame_that_is_empty_is_left_out(noisy):
    frames = np.stack([noisy, np.zeros_like(noisy), noisy])
    there = left(frames)
    assert there[[0, 2]].all()
    assert not there[1].any()


@pytest.mark.parametrize("rate", [0.01, 0.1, 1, 5])
def test_where_few_photons_came_is_no_padding(rate):
    photons = np.random.default_rng(0).poisson(rate, (64, 64))
    assert left(photons.astype(float)).all()


@pytest.mark.parametrize("level", [0, 5, 100])
def test_what_was_clipped_is_no_padding(level):
    clipped = np.random.default_rng(0).normal(level, 10, (64, 64)).clip(0, 100)
    assert left(clipped).all()


def test_what_was_not_seen_stays_so(noisy):
    seen = np.random.default_rng(0).random(noisy.shape) > 0.5
    assert np.array_equal(without_padding(noisy, seen), seen)
    assert not without_padding(noisy, np.zeros_like(seen)).any()
