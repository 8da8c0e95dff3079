"""Test that missing pixels of a volume are interpolated where the image changes least."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_dip.dip.gap_interpolation import interpolate_gaps
from napari_dip.dip.volume_interpolation import interpolate_volume_gaps


@pytest.fixture(scope="module")
def cells():
    """Return blobs that change little between planes, 1 x 6 x 48 x 48, from 0 to 1."""
    noise = np.random.default_rng(0).normal(size=(6, 48, 48))
    blobs = gaussian_filter(noise, (6, 3, 3))
    return ((blobs - blobs.min()) / np.ptp(blobs)).astype(np.float32)[None]


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference))))


def test_a_hole_shows_the_neighbouring_planes(cells):
    known = np.ones(cells.shape, bool)
    known[:, 3, 8:40, 8:40] = False
    before = np.where(known, cells, np.float32(7))
    damaged = before.copy()
    filled, interpolated = interpolate_volume_gaps(damaged, known)
    assert rms((filled - cells)[~known]) < 0.3 * rms(
        (interpolate_gaps(damaged, known) - cells)[~known]
    )
    assert np.array_equal(filled[known], cells[known])
    assert np.array_equal(interpolated, ~known)
    assert np.array_equal(damaged, before)


def test_different_planes_have_little_weight(cells):
    moved = [np.roll(cells[0, 0], 17 * number, axis=(0, 1)) for number in range(12)]
    different = np.stack(moved)[None]
    known = np.ones(different.shape, bool)
    known[:, 5, 20:24, 10:40] = False
    within = interpolate_gaps(different, known)
    filled, _ = interpolate_volume_gaps(different, known)
    between = (different[:, 4] + different[:, 6]) / 2
    gap = ~known[:, 5]
    assert rms((filled - within)[~known]) < 0.2 * rms((between - within[:, 5])[gap])


def test_a_missing_plane_is_the_mean_of_neighbours(cells):
    known = np.ones(cells.shape, bool)
    known[:, [0, 3]] = False
    filled, interpolated = interpolate_volume_gaps(np.where(known, cells, np.float32(7)), known)
    assert np.allclose(filled[:, 3], (cells[:, 2] + cells[:, 4]) / 2, atol=1e-6)
    assert np.array_equal(filled[:, 0], cells[:, 1])
    assert interpolated[:, [0, 3]].all()


def test_pixels_without_known_neighbours_are_unchanged(cells):
    known = np.ones((2, *cells.shape[1:]), bool)
    known[1] = False
    two = np.concatenate([cells, cells])
    filled, interpolated = interpolate_volume_gaps(two, known)
    assert np.array_equal(filled[1], two[1])
    assert not interpolated.any()


@pytest.mark.parametrize("shape", [(1, 1, 9, 8), (2, 2, 1, 7), (1, 40, 3, 3)], ids=str)
def test_small_shapes_give_finite_values(shape):
    random = np.random.default_rng(0)
    values = random.random(shape).astype(np.float32)
    filled, _ = interpolate_volume_gaps(values, random.random(shape) > 0.5)
    assert np.isfinite(filled).all()
