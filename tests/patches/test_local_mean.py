"""Average over squares around the pixels."""

import torch
from scipy.ndimage import uniform_filter

from napari_dip.patches.local_mean import local_mean


def test_inside_is_a_uniform_filter():
    image = torch.rand(1, 1, 20, 23, generator=torch.Generator().manual_seed(0))
    expected = torch.from_numpy(uniform_filter(image[0, 0].numpy(), 5))
    assert torch.allclose(local_mean(image, 5)[0, 0, 2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-5)


def test_constant_stays_constant_at_the_border():
    constant = torch.full((1, 2, 3, 4), 0.7)
    assert torch.allclose(local_mean(constant, 25), constant)
