"""Separate padding from the image of a sensor."""

import numpy as np
import pytest

from napari_dip.noise.padding import without_padding


def kept(image):
    return without_padding(image, np.ones(image.shape, bool))


@pytest.fixture
def noisy():
    return np.random.default_rng(0).normal(100, 10, (40, 50))


@pytest.mark.parametrize("value", [0, -5.5, 255])
def test_rim_of_any_width_is_padding(noisy, value):
    for width in (1, 2, 9):
        noisy[:width] = noisy[:, -width:] = value
        assert np.array_equal(kept(noisy), noisy != value)


def test_corners_of_a_turned_image_are_padding(noisy):
    y, x = np.indices(noisy.shape)
    noisy[y + 0.4 * x < 20] = 0
    assert np.array_equal(kept(noisy), noisy != 0)


def test_empty_frame_is_padding(noisy):
    frames = np.stack([noisy, np.zeros_like(noisy), noisy])
    mask = kept(frames)
    assert mask[[0, 2]].all()
    assert not mask[1].any()


@pytest.mark.parametrize("rate", [0.01, 0.1, 1, 5])
def test_pixels_without_photons_are_not_padding(rate):
    photons = np.random.default_rng(0).poisson(rate, (64, 64))
    assert kept(photons.astype(float)).all()


@pytest.mark.parametrize("level", [0, 5, 100])
def test_clipped_pixels_are_not_padding(level):
    clipped = np.random.default_rng(0).normal(level, 10, (64, 64)).clip(0, 100)
    assert kept(clipped).all()


def test_unknown_pixels_stay_unknown(noisy):
    seen = np.random.default_rng(0).random(noisy.shape) > 0.5
    assert np.array_equal(without_padding(noisy, seen), seen)
    assert not without_padding(noisy, np.zeros_like(seen)).any()
