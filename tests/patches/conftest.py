"""Share an image among the tests."""

import pytest
from skimage import data


@pytest.fixture(scope="module")
def texture():
    """Woven cloth, 64 x 64, in 0..1."""
    return data.brick()[100:164, 100:164] / 255
