"""The noise level is found whatever the image is."""

import numpy as np
import pytest
import torch
from skimage import data

from napari_dip.prior.noise import estimate_sigma


@pytest.mark.parametrize(
    # The photograph's own texture adds to the least of them.
    ("sigma", "tolerance"),
    [(5, 0.3), (25, 0.05), (50, 0.05)],
)
def test_sigma_is_found_on_a_photograph(sigma, tolerance):
    clean = data.camera().astype(np.float32)
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape).astype(np.float32)
    y = torch.from_numpy(clean + noise)[None, None]
    assert estimate_sigma(y, torch.ones_like(y)) == pytest.approx(sigma, rel=tolerance)


def test_unknown_pixels_are_left_out():
    y = torch.randn(1, 1, 64, 65, generator=torch.Generator().manual_seed(0))
    known = torch.ones_like(y)
    known[..., ::5, ::7] = 0
    corrupted = torch.where(known == 1, y, torch.tensor(1e6))
    assert estimate_sigma(corrupted, known) == pytest.approx(1, abs=0.1)


def test_no_whole_block_means_no_estimate():
    y = torch.rand(1, 1, 8, 8)
    assert estimate_sigma(y, torch.zeros_like(y)) == 0
