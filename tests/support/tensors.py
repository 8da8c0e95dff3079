"""Make tensors of images, and compare them."""

from __future__ import annotations

import numpy as np
import torch


def tensor(array):
    """Copy an image into a float32 tensor, ``(1, 1, height, width)``."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))[None, None]


def mse(one, other):
    """Return the mean squared difference."""
    return (one - other).square().mean().item()
