"""Test the downsampling of planes."""

from __future__ import annotations

import numpy as np
import pytest
from example_files import values

from napari_dip.files.pyramid_layout import downsample


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", "bool", "int64"])
def test_downsampling_keeps_dtype_and_mean(dtype):
    image = values((3, 7, 9), dtype)
    small = downsample(image)
    assert (small.shape, small.dtype) == ((3, 4, 5), image.dtype)
    if dtype == "int64":
        np.testing.assert_array_equal(small, image[:, ::2, ::2])
    else:
        mean = image[:, :2, :2].astype(float).mean((1, 2))
        np.testing.assert_allclose(small[:, 0, 0].astype(float), mean, atol=0.51)
