"""Average filtered patches, whatever the filter."""

import torch

from napari_dip.patches.constants import PatchSearch
from napari_dip.patches.filter_pass import covariance, filter_pass

SEARCH = PatchSearch(side=3, step=2, radius=3, group_size=4, planes=2, plane_radius=1)


def images():
    random = torch.Generator().manual_seed(0)
    return (torch.rand(1, 2, 3, 9, 10, generator=random) for _ in range(2))


def values_of(_mean, _deviations, values, *_masks):
    return values


def guide_of(mean, deviations, _values, *_masks):
    return mean + deviations


def test_a_filter_that_changes_nothing_returns_the_image():
    guide, noisy = images()
    for noisy_guide in (False, True):
        kept = filter_pass(
            guide, noisy, lambda side: values_of, search=SEARCH, noisy_guide=noisy_guide
        )
        assert torch.allclose(kept, noisy, atol=1e-6)
    assert torch.allclose(
        filter_pass(guide, noisy, lambda side: guide_of, search=SEARCH), guide, atol=1e-6
    )


def test_the_filter_matches_its_patch_size():
    sides = []

    def make(side):
        sides.append(side)
        return values_of

    narrow = torch.rand(1, 1, 1, 2, 10)
    filter_pass(narrow, narrow, make, search=SEARCH)
    assert sides == [2]


def test_pixels_far_from_gaps_are_left_unchanged():
    guide = torch.rand(1, 1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    known = torch.ones(1, 1, 1, 20, 20)
    known[..., 1, 1] = 0
    search = PatchSearch(side=3, step=2, radius=2, group_size=2)
    changed = filter_pass(
        guide, guide, lambda side: lambda *_: _[2] + 1, search=search, known=known, gaps_only=True
    )
    assert torch.allclose(changed[..., 1, 1], guide[..., 1, 1] + 1)
    assert torch.equal(changed[..., 8:, 8:], guide[..., 8:, 8:])


def test_covariance_is_that_of_deviations():
    patches = torch.rand(3, 12, 5, generator=torch.Generator().manual_seed(0)).double()
    deviations = patches - patches.mean(dim=1, keepdim=True)
    for group, matrix in zip(patches, covariance(deviations), strict=True):
        assert torch.allclose(matrix, torch.cov(group.T))
