"""Test along which axes the levels of a network are halved."""

import pytest

from napari_dip.network.size import NetworkSize


@pytest.mark.parametrize(
    ("shape", "kernel", "strides"),
    [
        pytest.param((32, 32), 3, ((2, 2), (2, 2)), id="large"),
        pytest.param((32, 2), 3, ((2, 1), (2, 1)), id="one short axis"),
        pytest.param((32, 3), 3, ((2, 2), (2, 1)), id="halved once"),
        pytest.param((8, 8), 5, ((2, 2), (1, 1)), id="wide kernel"),
    ],
)
def test_axes_are_halved_while_the_padding_fits(shape, kernel, strides):
    assert NetworkSize(1, 1, shape, (1.0,) * len(shape)).strides(2, kernel) == strides


def test_wide_voxels_wait_for_the_others():
    size = NetworkSize(1, 1, (16, 64, 64), (4.0, 1.0, 1.0))
    assert size.strides(3) == ((1, 2, 2), (1, 2, 2), (2, 2, 2))
