"""The type of the gaps of a mask is found, for planes and stacks."""

import numpy as np
import pytest

from napari_dip.image.gap_types import gap_type
from napari_dip.settings import Inpaint


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        pytest.param(np.s_[20:50, 20:50], "hole", id="hole"),
        pytest.param(np.s_[10:60, 10:90], "large-hole", id="large-hole"),
        pytest.param(np.s_[30:33, :], "scratches", id="scratch"),
        pytest.param(np.s_[::2, :], "pixels", id="every-other-line"),
        pytest.param(np.s_[:0, :], "scratches", id="nothing"),
    ],
)
def test_the_type_of_gaps_is_found(missing, expected):
    known = np.ones((1, 100, 100), dtype=bool)
    known[0][missing] = False
    assert gap_type(known, Inpaint()) == expected
    assert gap_type(known, Inpaint(missing="hole")) == "hole"


def test_gaps_that_change_between_planes_are_small():
    known = np.random.default_rng(0).random((8, 50, 50)) > 0.4
    assert gap_type(known, Inpaint()) == "pixels"
    known[3, 10:30, 10:30] = False
    assert gap_type(known, Inpaint()) == "large-hole"


@pytest.mark.parametrize(
    ("name", "expected"), [("kate", "scratches"), ("vase", "hole"), ("library", "large-hole")]
)
def test_the_published_masks_are_distinguished(shared_data, name, expected):
    from skimage.io import imread

    mask = imread(shared_data / "dip_repo" / f"{name}_mask.png")
    known = (mask if mask.ndim == 2 else mask[..., 0])[None] != 0
    assert gap_type(known, Inpaint()) == expected
