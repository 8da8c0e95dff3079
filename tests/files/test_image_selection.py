"""Test the selection of one of several images in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_dip.errors import FileProblem
from napari_dip.files.image_selection import MAX_LISTED, select_image

FILE = Path("cells.tif")


@pytest.mark.parametrize(("number", "expected"), [(None, 0), (0, 0), (1, 1), (np.int64(1), 1)])
def test_number_selects_an_image(number, expected):
    selected, (note,) = select_image(FILE, number, ["8 x 8 YX", "9 x 9 YX"])
    assert selected == expected
    assert f"number {expected} is used" in note
    assert "0: 8 x 8 YX; 1: 9 x 9 YX" in note


def test_single_image_needs_no_note():
    assert select_image(FILE, None, ["8 x 8 YX"]) == (0, ())


@pytest.mark.parametrize("number", [-1, 2])
def test_missing_image_is_refused_with_a_list(number):
    with pytest.raises(FileProblem, match=rf"no image number {number} .*0: a; 1: b"):
        select_image(FILE, number, ["a", "b"])


@pytest.mark.parametrize("number", ["1", 1.0])
def test_only_whole_numbers_select_an_image(number):
    with pytest.raises(FileProblem, match="give a whole number"):
        select_image(FILE, number, ["a", "b"])


def test_long_list_is_shortened():
    _, (note,) = select_image(FILE, None, ["a"] * (MAX_LISTED + 3))
    assert note.endswith("; and 3 more.")
