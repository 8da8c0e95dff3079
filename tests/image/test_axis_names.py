"""Axes are named by dimensions, or guessed with a warning."""

import numpy as np
import pytest

from napari_dip.errors import AxesGuessed
from napari_dip.image.axis_names import named_axes, with_axes
from napari_dip.settings import Settings


class Named:
    """An array with named dimensions."""

    def __init__(self, *dims, shape=(4, 16, 18)):
        self.dims, self.shape = dims, shape

    def __array__(self, *_, **__):
        return np.zeros(self.shape)


@pytest.mark.parametrize(
    ("dims", "axes"),
    [
        (("c", "y", "x"), "CYX"),
        (("T", "Y", "X"), "TYX"),
        (("time", "y", "x"), None),
        (("q", "y", "x"), None),
        (("z", "z", "x"), None),
        (("z", "c", "x"), None),
        ((0, 1, 2), None),
    ],
)
def test_dimensions_with_known_letters_are_axes(dims, axes):
    assert named_axes(Named(*dims)) == axes


def test_a_plain_array_has_no_names():
    assert named_axes(np.zeros((8, 8))) is None


def test_given_axes_are_kept():
    settings = Settings(axes="QYX")
    assert with_axes(Named("z", "y", "x"), settings, 1) is settings


def test_named_dimensions_set_the_axes():
    assert with_axes(Named("z", "y", "x"), Settings(), 1).axes == "ZYX"


@pytest.mark.parametrize(
    ("samples", "words"), [(4, r"4 channels.*axes='YXS'"), (2, r"2 channels \(axes='YXC'\);")]
)
def test_guessed_channels_give_a_warning(samples, words):
    with pytest.warns(AxesGuessed, match=words) as caught:
        settings = with_axes(np.zeros((16, 18, samples)), Settings(), 2)
    assert settings.axes == "YXC"
    assert caught[0].filename == __file__


@pytest.mark.parametrize("image", [np.zeros((16, 18)), np.zeros((16, 18, 3)), [[1, 2], [3]]])
def test_a_clear_shape_needs_no_axes(image):
    assert with_axes(image, Settings(), 1).axes is None
