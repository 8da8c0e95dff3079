"""Invalid input is refused before any work, with the value and the cure."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_dip.errors import BadImage, BadMask, BadSettings, DeviceUnavailable, InputError
from napari_dip.image.problem import make_problem
from napari_dip.settings import TASKS, Settings


def plane(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def make(image, mask=None, psf=None, **settings):
    return make_problem(image, Settings(**{"device": "cpu"} | settings), mask, psf)


@pytest.mark.parametrize(
    ("image", "keywords", "error", "words"),
    [
        pytest.param(plane(9, 9) * 1j, {}, BadImage, "complex128.*np.abs", id="complex"),
        pytest.param(np.array([["a"] * 9] * 9), {}, BadImage, "not numbers", id="text"),
        pytest.param(plane(9), {}, BadImage, r"\(9,\).*two axes", id="line"),
        pytest.param(plane(0, 9), {}, BadImage, "Y is empty", id="empty"),
        pytest.param(plane(9, 7), {}, BadImage, "7 pixels along X.*at least 8", id="small"),
        pytest.param(plane(9, 9), {"axes": "ZYX"}, BadImage, "names 3 axes", id="axes"),
        pytest.param(plane(9, 9, 2), {"axes": "YXS"}, BadImage, "S has 2 samples", id="samples"),
        pytest.param(plane(9, 9), {"mask": plane(5, 5)}, BadMask, r"\(5, 5\).*\(9, 9\)", id="mask"),
        pytest.param(plane(9, 9), {"mask": np.ones((9, 9))}, BadMask, "no pixel", id="all-masked"),
        pytest.param(plane(9, 9), {"mask": np.ones(9)}, BadMask, r"\(9,\)", id="mask-line"),
        pytest.param(
            plane(3, 9, 9), {"mask": True, "axes": "SYX"}, BadMask, "mask", id="mask-flag"
        ),
        pytest.param(np.full((9, 9), np.nan), {}, BadMask, "no pixel is known", id="all-nan"),
        pytest.param(plane(9, 9), {"device": "cuda:77"}, DeviceUnavailable, "cuda:77", id="device"),
        pytest.param(
            np.array([[-1.7e308, 1.7e308] * 4] * 8), {}, BadImage, "divide the image", id="range"
        ),
        pytest.param(1e152 * plane(9, 9), {}, BadImage, "divide the image", id="squares"),
        pytest.param(
            [[1, 2], [3]], {}, BadImage, "image is not an array.*same length", id="ragged"
        ),
        pytest.param(
            plane(9, 9), {"mask": [[1, 2], [3]]}, BadMask, "mask is not an array", id="mask-ragged"
        ),
        pytest.param(plane(9, 9), {"noise": 1e22}, BadSettings, r"noise=1e\+22.*unit", id="unit"),
        pytest.param(
            plane(9, 9),
            {"noise": {"gain": 0, "read": 1e22}},
            BadSettings,
            r"read=1e\+22.*unit",
            id="unit-read",
        ),
        pytest.param(plane(9, 9), {"share": "Z"}, BadSettings, "share='Z'.*'YX'", id="share"),
        pytest.param(plane(9, 9), {"psf": "gauss"}, BadImage, "psf='gauss'", id="psf-word"),
        pytest.param(plane(9, 9), {"psf": np.ones((2, 3))}, BadImage, "odd size", id="psf-even"),
        pytest.param(plane(9, 9), {"psf": np.ones(3)}, BadImage, r"psf.*\(3,\)", id="psf-line"),
        pytest.param(plane(9, 9), {"psf": np.zeros((3, 3))}, BadImage, "positive", id="psf-zero"),
        pytest.param(plane(9, 9), {"psf": np.ones((19, 3))}, BadImage, "larger", id="psf-large"),
    ],
)
def test_bad_input_is_refused(image, keywords, error, words):
    with pytest.raises(error, match=words) as caught:
        make(image, **keywords)
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize(
    ("shape", "axes", "mask_shape"),
    [
        pytest.param((9, 10), "YX", (9, 10), id="same"),
        pytest.param((4, 9, 10), "ZYX", (9, 10), id="every-plane"),
        pytest.param((2, 4, 9, 10), "CZYX", (4, 9, 10), id="every-channel"),
        pytest.param((9, 10, 3), "YXS", (9, 10), id="every-colour"),
        pytest.param((9, 10, 3), "YXS", (9, 10, 3), id="each-colour"),
        pytest.param((4, 9, 10, 3), "ZYXS", (9, 10), id="every-plane-and-colour"),
    ],
)
def test_a_mask_is_broadcast_over_missing_axes(shape, axes, mask_shape):
    mask = np.zeros(mask_shape, dtype=np.uint8)
    mask[..., :3, 2:4] = 7
    if mask_shape[-1] == 3:
        mask = np.zeros(mask_shape, dtype=bool)
        mask[:3, 2:4] = True
    known = make(plane(*shape), mask, axes=axes).observed.read(()).known
    assert known.shape == shape
    missing = np.argwhere(~known)
    y, x = missing[:, axes.index("Y")], missing[:, axes.index("X")]
    assert (set(y), set(x)) == ({0, 1, 2}, {2, 3})
    assert len(missing) == 6 * np.prod(shape) // 90


def test_nan_and_infinite_pixels_are_missing():
    image = plane(9, 9)
    image[2, 3], image[4, 5] = np.nan, -np.inf
    assert np.argwhere(~make(image).observed.read(()).known).tolist() == [[2, 3], [4, 5]]


def test_channels_have_own_scales_and_planes_share():
    image = plane(2, 3, 9, 9) * np.array([1, 1000]).reshape(2, 1, 1, 1)
    problem = make(image, axes="CZYX", share="none")
    first, *_, third, fourth, _, last = map(problem.scale, problem.plan.units)
    assert first == third != fourth == last


def test_checks_come_before_any_work(monkeypatch):
    """Invalid input raises before torch is loaded."""
    monkeypatch.delitem(sys.modules, "napari_dip.compute.device", raising=False)
    with pytest.raises(BadImage):
        make(plane(3, 3))
    assert "napari_dip.compute.device" not in sys.modules


def test_a_task_may_need_a_psf(monkeypatch):
    row = replace(Settings().task.spec, needs_psf=True)
    monkeypatch.setitem(TASKS, "denoise", row)
    with pytest.raises(BadSettings, match="denoise needs a point spread function; give the"):
        make(plane(9, 9))
    assert make(plane(9, 9), psf=np.ones((3, 3))).psf is not None
