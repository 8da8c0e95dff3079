"""Find bad pixels, and not those of the specimen."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_dip.noise.bad_pixels import find_bad_pixels

HOT = [(10, 12), (30, 31), (30, 32), (50, 9)]
DEAD = [(20, 40), (41, 15)]


def scene(top=200.0, size=64):
    """Return blurred spots with photon noise on an offset."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    spots = sum(
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4.0)
        for cy, cx in random.uniform(5, size - 5, (9, 2))
    )
    return 100 + random.poisson(20 + top * spots).astype(np.float64)


def with_bad_pixels(image):
    image = image.copy()
    image[tuple(np.transpose(HOT))] = image.max() + 60
    image[tuple(np.transpose(DEAD))] = 0
    return image


def places(labels, label):
    return [tuple(map(int, place)) for place in np.argwhere(labels == label)]


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_hot_and_dead_pixels_alone_are_found(dtype):
    clean, bad = scene().astype(dtype), with_bad_pixels(scene()).astype(dtype)
    assert not find_bad_pixels(clean).labels.any()
    before = bad.copy()
    found = find_bad_pixels(bad)
    assert places(found.labels, 2) == HOT
    assert places(found.labels, 3) == DEAD
    assert found.describe() == "label 2: 4 hot; label 3: 2 dead"
    np.testing.assert_array_equal(bad, before)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 4095), (np.float32, 300)])
def test_saturated_pixels_are_found(dtype, top):
    bright = scene(top=60 * top).clip(0, top).astype(dtype)
    found = find_bad_pixels(bright)
    np.testing.assert_array_equal(found.labels == 1, bright == top)
    assert found.ceiling == top
    assert f"saturated ({top})" in found.describe()


def test_not_finite_pixels_are_found():
    image = scene()
    image[3, 4], image[5, 6] = np.nan, -np.inf
    assert places(find_bad_pixels(image).labels, 4) == [(3, 4), (5, 6)]


def test_planes_and_colours_are_searched_alpha_is_not():
    stack = np.stack([scene(), with_bad_pixels(scene()), scene()])
    found = find_bad_pixels(stack)
    assert places(found.labels, 3) == [(1, *place) for place in DEAD]
    colours = np.dstack([scene(), scene(), with_bad_pixels(scene()), np.zeros((64, 64))])
    found = find_bad_pixels(colours.astype(np.uint16), rgb=True)
    assert found.labels.shape == (64, 64)
    assert places(found.labels, 2) == HOT


def test_photograph_has_hardly_any():
    labels = find_bad_pixels(data.camera()).labels
    assert (labels > 1).mean() < 5e-4


@pytest.mark.parametrize(
    "image",
    [
        np.full((9, 9), 7, np.uint8),
        np.zeros((9, 9), bool),
        np.full((9, 9), 255, np.uint8),
        np.arange(9.0).reshape(9, 1),
        np.arange(8, dtype=np.int8).reshape(1, 8),
    ],
)
def test_image_without_contrast_has_none(image):
    assert find_bad_pixels(image).describe() == ""


def test_image_of_nan_is_not_finite():
    assert (find_bad_pixels(np.full((8, 8), np.nan)).labels == 4).all()


@pytest.mark.parametrize("mean", [0.05, 0.2, 0.5, 1, 2, 5])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_single_photons_are_not_hot_pixels(mean, dtype):
    random = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    spots = sum(
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 8.0) for cy, cx in random.uniform(5, 59, (4, 2))
    )
    photons = random.poisson(mean * (0.3 + 6 * spots), (5, 64, 64)).astype(dtype)
    assert not find_bad_pixels(photons).labels.any()
    assert not find_bad_pixels(photons[0]).labels.any()


@pytest.mark.parametrize("mean", [0.2, 1, 3])
def test_pixels_hot_in_all_planes_are_found(mean):
    random = np.random.default_rng(2)
    photons = random.poisson(mean, (8, 64, 64)).astype(np.uint16)
    where = (slice(None), *np.transpose(HOT))
    photons[where] += random.poisson(25, (8, len(HOT))).astype(np.uint16)
    found = find_bad_pixels(photons).labels
    for plane in found:
        assert places(plane, 2) == HOT
    assert not (found == 3).any()


def test_pixels_hot_in_one_plane_are_labelled_there():
    stack = np.stack([scene()] * 3 + [with_bad_pixels(scene())] + [scene()] * 2)
    found = find_bad_pixels(stack).labels
    assert places(found[3], 2) == HOT
    assert not np.delete(found, 3, axis=0).any()
