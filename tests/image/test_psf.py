"""A point spread function is normalised, ordered by axes and checked."""

import numpy as np
import pytest

from napari_dip.errors import BadImage
from napari_dip.image.axes import Layout
from napari_dip.image.psf import normalised_psf

PLANE = Layout("YX", (8, 9))
VOLUME = Layout("XYZ", (9, 8, 5), "ZYX")


def test_no_psf_means_no_blur():
    assert normalised_psf(None, PLANE, None) is None


def test_the_sum_becomes_one():
    psf = normalised_psf(np.array([[1, 2, 1]]), PLANE, None)
    assert (psf.dtype, psf.tolist()) == (np.float32, [[0.25, 0.5, 0.25]])


@pytest.mark.parametrize(
    ("layout", "axes", "expected"),
    [
        pytest.param(VOLUME, None, (5, 3, 1), id="order-of-the-image"),
        pytest.param(VOLUME, "zxy", (1, 5, 3), id="named"),
        pytest.param(Layout("ZYX", (5, 8, 9), "ZYX"), None, (1, 3, 5), id="same-order"),
    ],
)
def test_axes_are_put_in_the_order_zyx(layout, axes, expected):
    assert normalised_psf(np.ones((1, 3, 5)), layout, axes).shape == expected


def test_axes_of_xarray_are_used():
    xarray = pytest.importorskip("xarray", reason="xarray is missing")
    psf = xarray.DataArray(np.ones((1, 3)), dims=("x", "y"))
    assert normalised_psf(psf, PLANE, None).shape == (3, 1)


@pytest.mark.parametrize(
    ("psf", "axes", "words"),
    [
        pytest.param(np.ones((2, 3)), None, "odd size", id="even"),
        pytest.param(np.ones(3), None, "one axis for each of YX", id="line"),
        pytest.param(np.ones((3, 3)), "ZX", "axes 'ZX'", id="other-axes"),
        pytest.param(np.ones((3, 21)), None, "larger than the image", id="large"),
        pytest.param(np.zeros((3, 3)), None, "positive sum", id="zero"),
        pytest.param(np.full((3, 3), np.nan), None, "finite", id="nan"),
        pytest.param(np.ones((3, 3), complex), None, "array of numbers", id="complex"),
        pytest.param(None, "YX", "psf_axes='YX'", id="axes-alone"),
        pytest.param(np.ones((3, 3)), 7, "psf_axes=7", id="number"),
    ],
)
def test_a_psf_that_does_not_fit_is_refused(psf, axes, words):
    with pytest.raises(BadImage, match=words):
        normalised_psf(psf, PLANE, axes)
