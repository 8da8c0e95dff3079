"""A flat image with noise shows how much structure a restoration invents."""

import json

import numpy as np
import pytest

from napari_dip import Settings, problem
from napari_dip.assess.invented import find_invented_structure
from napari_dip.errors import BadImage, BadSettings


def flat(shape=(96, 96), level=100.0, sigma=10.0):
    return np.random.default_rng(0).normal(level, sigma, shape)


def found(image, restored=None, **settings):
    asked = problem(image, Settings(**{"device": "cpu", "noise": 10.0} | settings))
    return find_invented_structure(
        asked, np.full(image.shape, 100.0) if restored is None else restored
    )


def test_fast_invents_little():
    report = found(flat())
    (channel,) = report.channels
    assert channel.level == 100
    assert channel.noise == 10
    assert channel.fraction < 0.1
    assert channel.left / 4 < channel.largest < 10
    assert report.sentences()[0] == "Noise alone gives hardly any structure."
    assert json.loads(json.dumps(report.as_dict()))["channels"][0]["noise"] == 10


def test_overfitted_network_invents_structure():
    weak = {"refinement": 0, "iterations": 100, "stopping": "fixed", "averaging": 0.0}
    report = found(flat((48, 48)), **weak)
    assert report.channels[0].fraction > 0.1
    assert "do not interpret" in report.sentences()[0]


def test_level_is_the_median_of_the_result():
    image = np.stack([flat(), flat(level=400.0)])
    result = np.stack([np.full((96, 96), 90.0), np.full((96, 96), 410.0)])
    result[:, :10] = 1e4
    report = found(image, result, axes="CYX", iterations=5)
    assert [channel.level for channel in report.channels] == [90, 410]


def test_picture_is_the_restored_flat_image():
    report = found(flat((3, 64, 64)), axes="ZYX", iterations=5)
    (picture,) = report.pictures()
    assert picture.pixels.shape == (64, 64)
    assert abs(picture.pixels.mean()) < 3
    assert picture.diverging


def test_super_resolution_is_measured_too():
    report = found(flat((48, 48)), np.full((96, 96), 100.0), task="super-resolve", iterations=5)
    assert report.pictures()[0].pixels.shape == (96, 96)


def test_image_without_noise_is_refused():
    with pytest.raises(BadImage, match="no noise"):
        found(flat(), noise="none")


def test_copied_pixels_are_refused():
    mask = np.zeros((96, 96), bool)
    mask[4:9] = True
    asked = problem(flat(), Settings(task="inpaint", device="cpu"), mask=mask)
    with pytest.raises(BadSettings, match="keep_known"):
        find_invented_structure(asked, flat())
