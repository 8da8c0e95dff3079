"""Small pictures have one scale, and show what is unknown."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from napari_dip.assess.section import Picture
from napari_dip.assess.thumbnails import (
    MAX_SIDE,
    contrast_limits,
    detail_window,
    scale_bar,
    thumbnail,
)


def pixels(picture, bar=0.0):
    head, _, text = thumbnail(picture, bar).address.partition(",")
    assert head == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(text))))


def test_values_outside_the_limits_are_clipped():
    plane = np.array([[0.0, 10.0], [20.0, np.nan]]).repeat(150, 0).repeat(150, 1)
    shown = pixels(Picture("a", plane, (5.0, 15.0)))
    assert shown[0, 0].tolist() == [0, 0, 0]
    assert shown[0, 299].tolist() == [128, 128, 128]
    assert shown[299, 0].tolist() == [255, 255, 255]
    assert shown[299, 299].tolist() == [120, 130, 150]


def test_zero_is_white_in_a_diverging_picture():
    plane = np.array([[-1.0, 0.0, 1.0]]).repeat(300, 0).repeat(100, 1)
    shown = pixels(Picture("a", plane, (-1.0, 1.0), diverging=True))
    assert [shown[0, at].tolist() for at in (0, 150, 299)] == [
        [0, 0, 255],
        [255, 255, 255],
        [255, 0, 0],
    ]


@pytest.mark.parametrize("shape", [(9, 7), (300, 4000), (40, 60, 3)])
def test_sizes_are_those_of_a_page(shape):
    shown = pixels(Picture("a", np.random.default_rng(0).random(shape), (0.0, 1.0)))
    assert 90 <= max(shown.shape) <= MAX_SIDE


def test_a_bar_is_drawn_on_the_picture():
    plane = np.full((300, 300), 0.5)
    with_bar = pixels(Picture("a", plane, (0.0, 1.0)), 100.0)
    row = with_bar[300 - 8 - 2]
    assert np.count_nonzero((row == 255).all(-1)) == 100


def test_constant_and_unknown_planes_have_limits():
    assert contrast_limits(np.full((4, 4), 3.0)) == (3.0, 4.0)
    assert contrast_limits(np.full((4, 4), np.nan)) == (0.0, 1.0)


def test_a_bar_is_a_round_number():
    for width, size in ((512, 0.13), (100, 2.0), (2048, 1e-3)):
        length, in_pixels = scale_bar(width, size)
        assert f"{length:.0e}"[0] in "125"
        assert 0.1 * width < in_pixels <= 0.3 * width


def test_the_detail_shows_the_gap():
    plane, missing = np.random.default_rng(0).random((400, 500)), np.zeros((400, 500), bool)
    missing[300:310, 100:110] = True
    rows, columns = detail_window(plane, missing)
    assert rows.start <= 300 and rows.stop >= 310
    assert columns.start <= 100 and columns.stop >= 110
