"""Tiles cover an image, and their blending weights sum to one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.image.tiles import Blend, split_into_tiles


@given(
    shape=st.tuples(st.integers(8, 90), st.integers(8, 90)),
    size=st.integers(16, 64),
    overlap=st.integers(0, 7),
    depth=st.sampled_from([(), (3,)]),
)
def test_blended_tiles_are_the_image(shape, size, overlap, depth):
    image = np.random.default_rng(0).random((2, *depth, *shape), dtype=np.float32)
    tiles = split_into_tiles(image.shape[1:], size, overlap)
    blend = Blend(image.shape, (overlap,) * (image.ndim - 1))
    for tile in tiles:
        part = image[(slice(None), *tile)]
        assert part.shape[-2:] == tuple(min(size, side) for side in shape)
        blend.add(tile, part)
    np.testing.assert_allclose(blend.image(), image, atol=1e-5)


def test_tiles_overlap_by_the_given_width():
    tiles = [tile[1] for tile in split_into_tiles((64, 200), 64, 20)]
    assert all(one.stop - two.start >= 20 for one, two in pairwise(tiles))
    assert (tiles[0].start, tiles[-1].stop) == (0, 200)


def test_tiles_blend_without_a_step():
    blend = Blend((1, 64, 112), (16, 16))
    for value, tile in enumerate(split_into_tiles((64, 112), 64, 16)):
        blend.add(tile, np.full((1, 64, 64), value, np.float32))
    across = blend.image()[0, 30]
    assert (across[0], across[-1]) == (0, 1)
    assert np.diff(across).max() < 0.1
    assert (np.diff(across) >= 0).all()


def test_pixels_without_a_tile_are_background():
    blend = Blend((1, 64, 100), (0, 0))
    blend.add((slice(0, 64), slice(0, 64)), np.ones((1, 64, 64), np.float32))
    whole = blend.image(np.full((1, 64, 100), 7, np.float32))
    assert (whole[0, 0, 63], whole[0, 0, 64]) == pytest.approx((1, 7))
