"""Unusual images are restored: nearly empty, of two values, in extreme units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_dip import denoise, inpaint, super_resolve
from napari_dip.errors import BadMask

QUICK = {"iterations": 4, "device": "cpu", "preview_every_s": 1e9}


def odd(kind, shape, random):
    y, x = np.indices(shape)
    return {
        "one bright pixel": lambda: np.where((y == 5) & (x == 7), 10_000.0, 0.0),
        "a photon here and there": lambda: random.poisson(0.01, shape).astype(float),
        "few photons": lambda: random.poisson(0.2, shape).astype(float),
        "half black": lambda: np.where(x < 12, 0, random.poisson(20, shape)).astype(float),
        "black and white": lambda: 255.0 * (random.random(shape) > 0.5),
        "a chessboard": lambda: (x // 6 + y // 6) % 2.0,
        "stripes": lambda: np.sin(0.7 * x),
        "rows alike": lambda: np.repeat(random.normal(0, 1, (shape[0], 1)), shape[1], 1),
        "tiny": lambda: random.normal(0, 1e-30, shape),
        "huge": lambda: random.normal(0, 1e30, shape),
        "far from zero": lambda: random.normal(-1e4, 1, shape),
        "over many decades": lambda: np.exp(random.normal(0, 3, shape)),
        "saturated": lambda: np.clip(random.normal(250, 30, shape), 0, 255).round(),
    }[kind]().astype(np.float32)


KINDS = (
    "one bright pixel", "a photon here and there", "few photons", "half black", "black and white",
    "a chessboard", "stripes", "rows alike", "tiny", "huge", "far from zero", "over many decades",
    "saturated",
)  # fmt: skip


def restored(task, image, random):
    match task:
        case "denoise":
            return denoise(image, **QUICK)
        case "best":
            return denoise(image, preset="best", **QUICK)
        case "super-resolve":
            return super_resolve(image, 2, **QUICK)
        case "inpaint":
            return inpaint(image, random.random(image.shape) < 0.3, **QUICK)
        case "stack":
            return denoise(np.stack([image, image, np.roll(image, 1, 1)]), axes="ZYX", **QUICK)


def assert_sane(result, image):
    assert np.isfinite(result).all()
    span = float(np.ptp(image.astype(float)))
    assert result.min() >= image.min() - span
    assert result.max() <= image.max() + span


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("task", ["denoise", "super-resolve"])
@pytest.mark.parametrize("kind", KINDS)
def test_unusual_images_stay_finite_and_in_range(kind, task):
    random = np.random.default_rng(1)
    image = odd(kind, (39, 39), random)
    assert_sane(restored(task, image, random), image)


@pytest.mark.slow
@given(
    kind=st.sampled_from(KINDS),
    task=st.sampled_from(["denoise", "best", "super-resolve", "inpaint", "stack"]),
    shape=st.tuples(st.integers(12, 40), st.integers(12, 40)),
    seed=st.integers(0, 2**31),
)
def test_any_unusual_image_stays_finite(kind, task, shape, seed):
    random = np.random.default_rng(seed)
    image = odd(kind, shape, random)
    assert_sane(restored(task, image, random), image)


def test_constant_channels_are_returned_jointly():
    channels = np.stack([np.full((20, 20), 10.0), np.full((20, 20), 20.0)])
    np.testing.assert_array_equal(denoise(channels, axes="CYX", share="C", **QUICK), channels)
    noisy = np.random.default_rng(0).normal(100, 5, (1, 20, 20))
    three = denoise(np.concatenate([noisy, channels]), axes="CYX", share="C", **QUICK)
    np.testing.assert_array_equal(three[1:], channels)


@pytest.mark.parametrize("gain", [1e-4, 1e-9])
def test_negligible_photon_noise_does_no_harm(gain):
    clean = np.add.outer(np.arange(32.0), np.arange(32.0)) + 50
    noisy = clean + np.random.default_rng(0).normal(0, 10, clean.shape)
    told = denoise(noisy, noise={"gain": gain, "read": 10.0}, **QUICK | {"iterations": 30})
    assert np.square(told - clean).mean() < 0.5 * np.square(noisy - clean).mean()


def test_a_missing_plane_of_a_volume_is_filled():
    random = np.random.default_rng(0)
    spots = gaussian_filter((random.random((8, 32, 32)) > 0.985) * 1.0, (1.5, 2, 2))
    spots = (10 + 200 * spots / spots.max()).astype(np.float32)
    missing = np.zeros(spots.shape, bool)
    missing[4] = True
    filled = inpaint(spots, missing, axes="ZYX", ndim=3, **QUICK | {"iterations": 30})
    assert np.abs(filled[4] - spots[4]).mean() < 0.5 * np.abs(110 - spots[4]).mean()


@pytest.mark.parametrize("shape", [(1, 20), (20, 1), (1, 1)], ids=str)
def test_a_one_row_mask_is_not_broadcast(shape):
    image = np.random.default_rng(0).random((20, 20)).astype(np.float32)
    with pytest.raises(BadMask, match="last axes"):
        inpaint(image, np.ones(shape, bool), **QUICK)
