"""Ring correlations have the values of theory, and restored images resolve more."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip import Settings, problem
from napari_dip.assess.resolution import (
    ChannelResolution,
    Resolution,
    measure_resolution,
    ring_correlation,
)
from napari_dip.errors import BadImage, BadSettings

CPU = {"device": "cpu", "iterations": 5}


def test_correlation_is_the_part_of_signal():
    """FRC = S / (S + N) for a signal and white noise (Saxton and Baumeister, 1982)."""
    random = np.random.default_rng(0)
    width, sigma = 1.5, 0.1
    signal = gaussian_filter(random.normal(size=(16, 256, 256)), (0, width, width), mode="wrap")
    halves = [signal + random.normal(0, sigma, signal.shape) for _ in range(2)]
    frequencies, correlation = ring_correlation(*halves)
    power = np.exp(-((2 * np.pi * frequencies * width) ** 2))
    expected = power / (power + sigma**2)
    np.testing.assert_allclose(correlation, expected, atol=0.04)
    crossing = np.sqrt(-np.log(sigma**2 / 6)) / (2 * np.pi * width)
    found = ChannelResolution(frequencies, correlation, correlation).raw_pixels
    assert found == pytest.approx(1 / crossing, rel=0.03)


def test_independent_noise_resolves_nothing():
    random = np.random.default_rng(0)
    frequencies, correlation = ring_correlation(*random.normal(size=(2, 128, 128)))
    assert np.abs(correlation[20:]).max() < 0.25
    channel = ChannelResolution(frequencies, correlation, np.ones_like(correlation))
    assert channel.raw_pixels == np.inf or channel.raw_pixels > 20
    assert channel.restored_pixels == 2


def test_oblong_images_have_one_curve():
    image = np.random.default_rng(0).normal(size=(48, 200))
    frequencies, correlation = ring_correlation(image, image)
    assert frequencies[-1] <= 0.5
    np.testing.assert_allclose(correlation[correlation != 0], 1)


@pytest.fixture(scope="module")
def photograph():
    clean = data.camera()[100:228, 150:278].astype(np.float32)
    return clean, clean + np.random.default_rng(0).normal(0, 20, clean.shape)


def test_restored_image_resolves_more(photograph):
    clean, noisy = photograph
    before = noisy.copy()
    asked = problem(noisy, Settings(noise=20.0, **CPU))
    found = measure_resolution(asked, clean)
    (channel,) = found.channels
    assert 2 <= channel.restored_pixels < channel.raw_pixels < 20
    np.testing.assert_array_equal(noisy, before)
    again = measure_resolution(asked, clean)
    assert again.as_dict() == found.as_dict()


def test_every_channel_and_missing_pixel_is_considered(photograph):
    clean, noisy = photograph
    stack = np.stack([noisy, noisy[::-1]])
    mask = np.zeros(stack.shape, bool)
    mask[:, 30:34] = True
    asked = problem(stack, Settings(axes="CYX", noise=20.0, **CPU), mask=mask)
    found = measure_resolution(asked, np.stack([clean, clean[::-1]]))
    assert len(found.channels) == 2
    assert [sentence[:10] for sentence in found.sentences()[:2]] == ["Channel 0:", "Channel 1:"]


def test_numbers_have_the_unit_of_the_pixel():
    frequencies = np.linspace(0.01, 0.5, 50)
    curve = np.where(frequencies < 0.2, 0.9, 0.0)
    found = Resolution((ChannelResolution(frequencies, curve, curve),), 0.1, "µm")
    assert found.as_dict()["channels"][0]["raw"] == pytest.approx(0.5, rel=0.1)
    assert "µm" in found.sentences()[0]
    assert json.loads(json.dumps(found.as_dict()))["unit"] == "µm"
    assert found.pictures() == ()


def test_copied_and_clean_pixels_are_refused(photograph):
    clean, noisy = photograph
    mask = np.zeros(clean.shape, bool)
    mask[10:14] = True
    copied = problem(noisy, Settings(task="inpaint", **CPU), mask=mask)
    with pytest.raises(BadSettings, match="keep_known"):
        measure_resolution(copied, clean)
    with pytest.raises(BadImage, match="no noise"):
        measure_resolution(problem(clean, Settings(noise="none", **CPU)), clean)
