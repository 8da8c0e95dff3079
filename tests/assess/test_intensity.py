"""Intensities of a result are compared with those of the image, without the bias of its noise."""

import json

import numpy as np
import pytest

from napari_dip import Settings, SuperResolve, check_intensity, problem
from napari_dip.errors import BadImage

CLEAN = 100 + 60 * np.sin(np.arange(96) / 5) * np.ones((96, 1))
NOISY = CLEAN + np.random.default_rng(0).normal(0, 20, CLEAN.shape)


@pytest.fixture(scope="module")
def asked():
    return problem(NOISY, Settings(device="cpu"))


def test_perfect_result_has_slope_one(asked):
    (channel,) = check_intensity(asked, CLEAN).channels
    assert abs(channel.slope - 1) < 4 * channel.slope_error
    assert abs(channel.offset) < 4 * channel.offset_error
    assert abs(channel.ratio - 1) < 4 * channel.ratio_error < 0.02


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (1.0, 30.0), (0.8, 20.0)])
def test_gain_and_offset_of_a_result_are_found(asked, gain, offset):
    (channel,) = check_intensity(asked, gain * CLEAN + offset).channels
    assert channel.slope == pytest.approx(1 / gain, rel=0.05)
    assert channel.offset == pytest.approx(-offset / gain, abs=3)
    assert channel.ratio == pytest.approx(gain + offset / 100, rel=0.02)


def test_flattened_result_is_dark_where_it_is_bright(asked):
    (channel,) = check_intensity(asked, 100 + 0.7 * (CLEAN - 100)).channels
    assert channel.dark > 8
    assert channel.bright < -8
    assert channel.slope == pytest.approx(1 / 0.7, rel=0.05)


def test_missing_pixels_do_not_count():
    mask = np.zeros(NOISY.shape, bool)
    mask[:30] = True
    (channel,) = check_intensity(
        problem(NOISY, Settings(device="cpu"), mask=mask), np.where(mask, 1e5, CLEAN)
    ).channels
    assert channel.pixels == 66 * 96
    assert channel.ratio == pytest.approx(1, abs=0.02)


def test_planes_that_were_not_restored_do_not_count():
    stack = np.stack([NOISY.clip(0)] * 3).round().astype(np.uint16)
    stopped = np.stack([CLEAN, CLEAN, np.zeros(CLEAN.shape)]).round().astype(np.uint16)
    asked = problem(stack, Settings(device="cpu", axes="ZYX", share="none"))
    (channel,) = check_intensity(asked, stopped).channels
    assert channel.pixels == 2 * CLEAN.size
    assert channel.ratio == pytest.approx(1, abs=0.02)
    (empty,) = check_intensity(asked, np.zeros_like(stopped)).channels
    assert empty.sentences() == ("No pixel can be compared.",)


def test_finer_result_is_binned_first():
    task = SuperResolve(factor=2, downsampler="box")
    fine = CLEAN.repeat(2, 0).repeat(2, 1)
    asked = problem(NOISY, Settings(task=task, device="cpu"))
    (channel,) = check_intensity(asked, fine).channels
    assert channel.pixels == NOISY.size
    assert channel.slope == pytest.approx(1, abs=0.05)


def test_constant_result_has_no_line(asked):
    check = check_intensity(asked, np.full(CLEAN.shape, 50.0))
    assert check.channels[0].slope is None
    assert "total intensity" in check.sentences()[0]


def test_section_can_be_stored():
    stack = np.stack([NOISY, NOISY])
    check = check_intensity(problem(stack, Settings(device="cpu", axes="CYX")), stack)
    assert len(json.loads(json.dumps(check.as_dict()))["channels"]) == 2
    assert check.sentences()[-1].startswith("Channel 1: the compared pixels")
    assert check.pictures() == ()


def test_result_of_another_shape_is_refused(asked):
    with pytest.raises(BadImage, match="has the shape"):
        check_intensity(asked, np.zeros((8, 8)))


def test_unchanged_pixels_are_told_in_one_sentence(asked):
    (channel,) = check_intensity(asked, NOISY).channels
    assert channel.sentences() == ("The compared pixels have the values of the image.",)
