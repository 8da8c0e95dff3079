"""Find similar patches in images and stacks, and describe noise in a patch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_dip.patches.constants import PatchSearch
from napari_dip.patches.search import (
    PatchGrid,
    cosine_transform,
    patch_noise_covariance,
    similar_patch_groups,
)

SMALL = PatchSearch(side=3, step=2, radius=4, group_size=5)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def groups(images, search, **options):
    grid = PatchGrid.over(images.shape, search)
    return torch.cat([pixels[0] for pixels in similar_patch_groups(images, grid, **options)])


def test_nearest_patches_are_those_of_a_full_comparison():
    image = noise(1, 11, 13)
    search = PatchSearch(side=3, step=2, radius=20, group_size=6)
    patches = image[0].unfold(0, 3, 1).unfold(1, 3, 1).reshape(-1, 9)
    for group in groups(image, search):
        found = image.flatten()[group]
        distance = (patches - found[0]).square().sum(dim=1)
        assert torch.allclose(
            (found - found[0]).square().sum(dim=1).sort().values,
            distance.sort().values[:6],
            atol=1e-4,
        )


def test_each_group_begins_with_its_reference():
    first = groups(noise(1, 12, 12), SMALL)[:, 0, 0]
    rows, columns = (first // 12).unique().tolist(), (first % 12).unique().tolist()
    assert rows == columns == [0, 2, 4, 6, 8, 9]
    assert len(first) == 36


@given(st.tuples(st.integers(1, 4), st.integers(3, 12), st.integers(3, 12)), st.integers(0, 3))
def test_groups_cover_every_pixel(shape, offset):
    search = PatchSearch(side=3, step=3, radius=2, group_size=3, planes=2, plane_radius=2)
    grid = PatchGrid.over(shape, search)
    pixels = list(similar_patch_groups(noise(*shape), grid, offset=offset))
    covered = torch.cat([each.flatten() for each in pixels]).unique()
    assert covered.tolist() == list(range(np.prod(shape)))


def test_search_stays_within_its_radius():
    image = torch.zeros(1, 30, 30)  # all patches are equal
    first = groups(image, PatchSearch(side=3, step=5, radius=4, group_size=81))[:, :, 0]
    rows, columns = first // 30, first % 30
    for place in (rows, columns):
        assert (place.amax(dim=1) - place.amin(dim=1)).max() == 8


def test_similar_patch_is_found_in_another_plane():
    images = noise(3, 16, 16)
    images[2] = images[0]
    search = PatchSearch(side=5, step=4, radius=3, group_size=2, plane_radius=2)
    found = groups(images, search)
    assert (found[:, 1, 0] - found[:, 0, 0]).abs().eq(2 * 16 * 16).sum() >= len(found) / 2


def test_only_references_with_required_pixels_are_used():
    required = torch.zeros(144, dtype=torch.bool)
    required[5 * 12 + 5] = True
    found = groups(noise(1, 12, 12), SMALL, required=required)
    assert len(found) == 1
    assert required[found[:, 0]].any(dim=1).all()


def test_batches_hold_fewer_groups_of_larger_values():
    image = noise(1, 64, 64)
    grid = PatchGrid.over(image.shape, PatchSearch(side=7, step=2, radius=4, group_size=30))
    few, many = (
        [each.shape[1] for each in similar_patch_groups(image, grid, values_per_pixel=values)]
        for values in (1, 49)
    )
    assert sum(few) == sum(many) == 900
    assert max(few) > 10 * max(many)


def test_patch_shrinks_to_a_narrow_image():
    grid = PatchGrid.over((1, 4, 40), PatchSearch(7, 4, 8, 30, planes=4))
    assert (grid.search.side, grid.search.planes) == (4, 1)
    assert grid.positions == (1, 1, 37)


def test_noise_covariance_is_that_of_drawn_noise():
    drawn = gaussian_filter(np.random.default_rng(0).normal(size=(600, 600)), (0.6, 0))
    drawn /= drawn.std()
    patches = np.lib.stride_tricks.sliding_window_view(drawn, (3, 3)).reshape(-1, 9)
    covariance = patch_noise_covariance(((0.46, 0.07), ()), 3).numpy()
    assert covariance == pytest.approx(np.cov(patches.T), abs=0.03)


def test_impossible_correlations_give_a_positive_covariance():
    covariance = patch_noise_covariance(((0.98, 0.0), (0.9,)), 5)
    assert torch.linalg.eigvalsh(covariance.double()).min() > 0


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_cosine_transform_keeps_lengths(size):
    transform = cosine_transform(size)
    assert torch.allclose(transform.T @ transform, torch.eye(size), atol=1e-6)
    assert transform[0] == pytest.approx(np.full(size, size**-0.5))
