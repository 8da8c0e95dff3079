"""A Gaussian point spread function has the width that was asked for."""

import numpy as np
import pytest

from napari_dip import gaussian_psf


def test_a_gaussian_has_its_full_width():
    values = gaussian_psf((6.0, 9.0)).values
    assert values.sum() == pytest.approx(1)
    for axis, width in enumerate((6.0, 9.0)):
        line = values.sum(axis=1 - axis)
        places = np.arange(len(line)) - len(line) // 2
        variance = (line * places**2).sum() - 1 / 12  # that of a pixel
        assert np.sqrt(8 * np.log(2) * variance) == pytest.approx(width, rel=0.02)
