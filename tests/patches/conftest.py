"""Share an image among the tests."""

import numpy as np
import pytest
from skimage import data


@pytest.fixture(scope="module")
def texture():
    """Woven cloth, 64 x 64, in 0..1."""
    return data.brick()[100:164, 100:164] / 255


@pytest.fixture
def noisy(texture):
    """The texture with noise of 0.08."""
    return texture + np.random.default_rng(0).normal(0, 0.08, texture.shape)
