"""Denoise by non-local Bayes from the noisy image alone."""

import torch
from tensors import mse, tensor

from napari_dip.patches.nl_bayes import nl_bayes


def test_noisy_image_alone_is_denoised(texture, noisy):
    assert mse(nl_bayes(tensor(noisy), 0.08), tensor(texture)) < 0.3 * 0.08**2


def test_nearly_black_image_stays_finite():
    random = torch.Generator().manual_seed(4)
    photons = torch.poisson(torch.full((1, 1, 48, 48), 0.05), generator=random)
    refined = nl_bayes(photons, 0.3)
    assert torch.isfinite(refined).all()
    assert refined.std() < photons.std()
