"""A result of another shape is refused, and the pixels of a part of the image are found in it."""

import numpy as np
import pytest

from napari_dip import Settings, SuperResolve, problem
from napari_dip.assess.result_pixels import checked_result, index_in_result
from napari_dip.errors import BadImage

STACK = np.random.default_rng(0).normal(50, 5, (6, 16, 20))


def test_result_of_another_shape_is_refused():
    asked = problem(STACK, Settings(axes="ZYX", noise=5.0, device="cpu"))
    assert checked_result(asked, STACK).shape == STACK.shape
    with pytest.raises(BadImage, match=r"uncertainty has the shape \(6, 16\).*\(6, 16, 20\)"):
        checked_result(asked, STACK[..., 0], "uncertainty")


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        pytest.param((2, slice(None), slice(3, 7)), (7, slice(None), slice(3, 7)), id="plane"),
        pytest.param((slice(1, 3), 4, 5), (slice(3, 9), 4, 5), id="column"),
    ],
)
def test_finer_planes_are_those_of_the_same_place(index, expected):
    task = SuperResolve(factor=3, axis="Z")
    asked = problem(STACK, Settings(axes="ZYX", task=task, noise=5.0, device="cpu"))
    assert index_in_result(asked, index) == expected
