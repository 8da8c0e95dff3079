"""An image is compared with its result where both are known, colour by colour."""

import numpy as np
import pytest

from napari_dip import Settings, problem, residual_of
from napari_dip.assess.compared_planes import compared_planes

IMAGE = np.random.default_rng(0).integers(50, 90, (16, 20, 3))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_each_colour_is_compared_with_its_residual(dtype):
    image = IMAGE.astype(dtype)
    mask = np.zeros(image.shape, bool)
    mask[3, 4] = True
    asked = problem(image, Settings(device="cpu", axes="YXS"), mask=mask)
    planes = [*compared_planes(asked, (slice(None),) * 3, residual_of(asked, image - 7))]
    assert len(planes) == 3
    for number, plane in enumerate(planes):
        np.testing.assert_array_equal(plane.image, image[..., number])
        np.testing.assert_array_equal(plane.compared, ~mask[..., number])
        assert (plane.residual[plane.compared] == 7).all()


@pytest.mark.parametrize(("dtype", "empty"), [("uint8", 0), ("float32", np.nan)])
def test_planes_that_were_not_restored_are_left_out(dtype, empty):
    image = IMAGE[..., 0].astype(dtype)
    asked = problem(image, Settings(device="cpu"))
    residual = residual_of(asked, np.full(image.shape, empty, dtype))
    assert not [*compared_planes(asked, (slice(None),) * 2, residual)]
