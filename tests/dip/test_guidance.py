"""Test that the first iterations draw missing pixels to their interpolation."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_dip import Settings, restore
from napari_dip.dip.guidance import Guidance
from napari_dip.generators import finished


def test_only_missing_pixels_have_a_distance():
    missing = torch.zeros(1, 1, 4, 4)
    missing[..., 0] = 1
    guidance = Guidance(torch.full_like(missing, 0.25), missing)
    x = torch.zeros_like(missing)
    assert guidance.distance(x).item() == pytest.approx(4 * 0.25**2 / 12)
    x[..., 0] = 0.25
    x[..., 1:] = 7
    assert guidance.distance(x).item() == 0


def test_without_known_pixels_the_distance_is_finite():
    everything = torch.ones(1, 1, 2, 3)
    assert Guidance(torch.zeros_like(everything), everything).distance(everything).item() == 6


def spots():
    """Return bright spots on a dark field, 64 x 64, from 0 to 1; most pixels are near 0."""
    field = np.zeros((64, 64))
    field[12::20, 12::20] = 1
    field[32] = 0
    field = gaussian_filter(field, 2)
    return (field / field.max()).astype(np.float32)


@pytest.mark.parametrize("gap", [np.s_[26:38, :], np.s_[22:42, 22:42]], ids=["rows", "hole"])
def test_gaps_in_dark_images_are_not_grey(gap):
    image, missing = spots(), np.zeros((64, 64), bool)
    missing[gap] = True
    settings = Settings(task="inpaint", iterations=60, device="cpu")
    restored = np.asarray(finished(restore(image, settings, mask=missing)).image)
    assert abs(restored - image)[missing].mean() < 0.06
