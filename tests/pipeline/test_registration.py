"""Registration of planes: shifts are found, and planes come back from the canvas."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate
from skimage import data

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.conditions import may_align
from napari_dip.pipeline.facts import measure
from napari_dip.pipeline.registration import (
    cut_from_canvas,
    max_growth,
    on_canvas,
    overlap,
    register_planes,
    shifts_of,
)
from napari_dip.settings import Denoise, Settings, SuperResolve

SIDE, SIGMA = 64, 0.1
NOISE = PoissonGaussian(read=SIGMA)
JITTER = np.array([[7, 3], [2, 9], [8, 8], [8, 8], [0, 1], [5, 0]])


@pytest.fixture(scope="module")
def scene():
    """A photograph, 160 x 160, in 0..1."""
    return data.camera()[20:340:2, 120:440:2] / 255


def frames(scene, corners):
    """Frames of a camera that saw the scene from these corners on, with noise."""
    seen = np.stack([scene[y : y + SIDE, x : x + SIDE] for y, x in corners])
    return seen + np.random.default_rng(0).normal(0, SIGMA, seen.shape)


def found(planes, known=None, noise=NOISE):
    known = np.ones(planes.shape, bool) if known is None else known
    return register_planes(planes, known, [noise] * len(planes))


def block(planes, shared="T", psf=None):
    noises = (NOISE,) * len(planes)
    return Block(
        planes.astype(np.float32), np.ones(planes.shape, bool), noises, psf=psf, shared=shared
    )


def test_shifts_of_a_shaking_camera_are_found(scene):
    assert np.array_equal(found(frames(scene, JITTER)), JITTER)


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_the_unit_does_not_matter(scene, unit):
    shaken = 1000 + frames(scene, JITTER)
    assert np.array_equal(found(unit * shaken, noise=PoissonGaussian(read=unit * SIGMA)), JITTER)


def test_few_photons_are_enough(scene):
    photons = np.random.default_rng(1).poisson(5 * np.clip(frames(scene, JITTER), 0, 1))
    assert np.array_equal(found(photons, noise=PoissonGaussian(gain=1)), JITTER)


def test_missing_pixels_and_padding_do_not_matter(scene):
    shaken = frames(scene, JITTER) + 1
    known = np.random.default_rng(1).random(shaken.shape) > 0.3
    assert np.array_equal(found(np.where(known, shaken, 0), known), JITTER)
    shaken[:, :, :9] = shaken[:, -5:] = 0
    assert np.array_equal(found(shaken), JITTER)


def test_aligned_and_padded_frames_are_unchanged(scene):
    still = frames(scene, [(9, 9)] * 4) + 1
    for frame, (y, x) in zip(still, JITTER[:4], strict=True):
        frame[:y] = frame[:, :x] = 0
    assert not found(still).any()


@pytest.mark.parametrize("what", ["stays", "turns", "moves within", "is unlike", "is noise"])
def test_local_motion_is_not_registered(scene, what):
    random = np.random.default_rng(0)
    match what:
        case "stays":
            seen = [scene[40:104, 40:104]] * 5
        case "turns":
            seen = [rotate(scene, 4 * k, reshape=False)[40:104, 40:104] for k in range(5)]
        case "moves within":
            seen = [scene[40:104, 40:104].copy() for _ in range(5)]
            for number, plane in enumerate(seen):
                plane[20:40, 4 * number : 4 * number + 20] = 1
        case "is unlike":
            seen = [gaussian_filter(random.random((SIDE, SIDE)), 2) * 8 - 3.5 for _ in range(5)]
        case "is noise":
            seen = [np.zeros((SIDE, SIDE))] * 5
    assert not found(np.stack(seen) + random.normal(0, SIGMA, (5, SIDE, SIDE))).any()


def test_planes_without_information_are_not_shifted(scene):
    planes = frames(scene, JITTER[:4])
    known = np.ones(planes.shape, bool)
    known[1] = False
    planes[3] = 0.5
    with np.errstate(all="raise"):
        assert not found(planes, known).any()
        known[0, :20] = known[3, :20] = False
        assert not found(planes, known)[[0, 1, 3]].any()


def test_planes_that_drift_far_begin_anew(scene):
    corners = np.array([(7 * k, 5 * k) for k in range(12)])
    told = found(frames(scene, corners))
    steps = np.diff(told, axis=0)
    assert (steps == (7, 5)).all(axis=1).sum() == 9  # 4 steps of 7 pixels go into 32, twice
    assert told.max() <= max_growth(SIDE)


def test_planes_come_back_from_the_canvas_unchanged(scene):
    own = block(frames(scene, JITTER))
    shifts = shifts_of(own)
    laid = on_canvas(own, shifts)
    assert laid.values.shape == (6, SIDE + 16, SIDE + 16)
    assert np.array_equal(cut_from_canvas(laid.values, shifts), own.values)
    same = overlap(scene[:64, :64] + np.zeros((2, 1, 1)), np.array([[0, 5], [3, 0]]))
    assert np.array_equal(same[0], scene[3:64, :59])
    assert np.array_equal(same[1], scene[:61, 5:64])


@pytest.mark.parametrize(
    ("shared", "psf", "settings"),
    [
        ("", None, {}),
        ("C", None, {}),
        ("T", np.ones((3, 3)), {"task": Denoise()}),
        ("T", None, {"task": SuperResolve(factor=2)}),
        ("T", None, {"preset": "paper"}),
    ],
    ids=["alone", "channels", "blurred", "coarse", "as published"],
)
def test_planes_are_not_moved_where_not_allowed(scene, shared, psf, settings):
    own = block(frames(scene, JITTER), shared, psf)
    register = may_align(Settings(**settings), blurred=psf is not None)
    assert measure(own, register=register).shifts is None
    assert measure(block(frames(scene, JITTER)), register=True).shifts is not None
