"""Missing pixels of a volume are guessed from where the image changes least."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_dip.dip.initial_guess import interpolated
from napari_dip.dip.volume_guess import interpolated_volume


@pytest.fixture(scope="module")
def cells():
    """Blobs that change little from plane to plane, 1 x 6 x 48 x 48, in 0..1."""
    noise = np.random.default_rng(0).normal(size=(6, 48, 48))
    blobs = gaussian_filter(noise, (6, 3, 3))
    return ((blobs - blobs.min()) / np.ptp(blobs)).astype(np.float32)[None]


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference))))


def test_a_hole_shows_what_neighbouring_planes_show(cells):
    known = np.ones(cells.shape, bool)
    known[:, 3, 8:40, 8:40] = False
    before = np.where(known, cells, np.float32(7))
    seen = before.copy()
    filled, guessed = interpolated_volume(seen, known)
    assert rms((filled - cells)[~known]) < 0.3 * rms((interpolated(seen, known) - cells)[~known])
    assert np.array_equal(filled[known], cells[known])
    assert np.array_equal(guessed, ~known)
    assert np.array_equal(seen, before)


def test_planes_that_are_unlike_tell_little(cells):
    moved = [np.roll(cells[0, 0], 17 * number, axis=(0, 1)) for number in range(12)]
    unlike = np.stack(moved)[None]
    known = np.ones(unlike.shape, bool)
    known[:, 5, 20:24, 10:40] = False
    within = interpolated(unlike, known)
    filled, _ = interpolated_volume(unlike, known)
    between = (unlike[:, 4] + unlike[:, 6]) / 2
    gap = ~known[:, 5]
    assert rms((filled - within)[~known]) < 0.2 * rms((between - within[:, 5])[gap])


def test_a_missing_plane_is_between_its_neighbours(cells):
    known = np.ones(cells.shape, bool)
    known[:, [0, 3]] = False
    filled, guessed = interpolated_volume(np.where(known, cells, np.float32(7)), known)
    assert np.allclose(filled[:, 3], (cells[:, 2] + cells[:, 4]) / 2, atol=1e-6)
    assert np.array_equal(filled[:, 0], cells[:, 1])
    assert guessed[:, [0, 3]].all()


def test_pixels_without_information_are_not_guessed(cells):
    known = np.ones((2, *cells.shape[1:]), bool)
    known[1] = False
    two = np.concatenate([cells, cells])
    filled, guessed = interpolated_volume(two, known)
    assert np.array_equal(filled[1], two[1])
    assert not guessed.any()


@pytest.mark.parametrize("shape", [(1, 1, 9, 8), (2, 2, 1, 7), (1, 40, 3, 3)], ids=str)
def test_any_shape_comes_back_finite(shape):
    random = np.random.default_rng(0)
    values = random.random(shape).astype(np.float32)
    filled, _ = interpolated_volume(values, random.random(shape) > 0.5)
    assert np.isfinite(filled).all()
