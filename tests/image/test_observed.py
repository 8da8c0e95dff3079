"""Parts of an image and its mask are read, extracted and digested."""

import pickle

import numpy as np
import pytest

from napari_dip.image.axes import Layout
from napari_dip.image.lazy import ChunkedArray
from napari_dip.image.observed import Fingerprint, ObservedImage, ObservedPart, affected_planes

STACK = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_nan_and_masked_pixels_are_missing():
    stack, mask = STACK.copy(), np.zeros(STACK.shape, bool)
    stack[1, 0, 0], stack[1, 0, 1], mask[1, 2, 3] = np.nan, np.inf, True
    part = ObservedImage(stack, mask).read((1,))
    assert np.argwhere(~part.known).tolist() == [[0, 0], [0, 1], [2, 3]]
    assert part.values[2, 3] == 23


def test_masked_values_are_read_as_nan():
    masked = np.ma.masked_greater(STACK, 22)
    assert np.isnan(ObservedImage(masked, None).read_values((1, 2, 3)))


@pytest.mark.parametrize(("missing", "constant"), [([], False), ([0], True)])
def test_only_known_values_decide_about_contrast(missing, constant):
    values, known = np.array([9, 4, 4]), np.ones(3, bool)
    known[missing] = False
    assert ObservedPart(values, known).constant is constant


def test_an_extracted_part_holds_nothing_else():
    large = np.zeros((1000, 8, 8))
    part = ObservedImage(large, large > 0).extract((3,))
    assert part.image.shape == large.shape
    assert len(pickle.dumps(part)) < 4000
    assert part.read((3,)).known.all()
    with pytest.raises(LookupError, match=r"only the part \(3,\)"):
        part.read((4,))


def test_an_array_in_files_is_not_copied():
    in_file = ChunkedArray(STACK)
    assert ObservedImage(in_file, None).extract((1,)).image is in_file


def test_the_digest_depends_on_values_and_mask():
    known = np.ones(STACK.shape, bool)
    masked = known.copy()
    masked[0, 0, 0] = False
    digests = set()
    for part in (
        ObservedPart(STACK, known),
        ObservedPart(STACK + 1, known),
        ObservedPart(STACK, masked),
    ):
        fingerprint = Fingerprint(Layout("ZYX", STACK.shape))
        fingerprint.add((), part)
        digests.add((fingerprint.values, fingerprint.known))
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("planes", "clause"), [([], ""), ([1], ", in 1 of 3 planes"), ([0, 1, 2], "")]
)
def test_the_number_of_affected_planes_is_reported(planes, clause):
    missing = np.zeros((3, 4, 4), bool)
    missing[planes, 1, 1] = True
    assert affected_planes(missing) == clause
