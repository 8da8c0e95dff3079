"""Test which files a pattern matches."""

from __future__ import annotations

import pytest
from example_files import files

from napari_dip.files.image_io import read_image


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("[exp 1]/frame_t{}.tif", "[exp 1]/frame_t*.tif"),
        ("a[1]/b{}/x.tif", "a[1]/b*/x.tif"),
        ("img[A]_t{}.tif", "img[A]_t*.tif"),
        ("run1_t{}.tif", "run[1]_t*.tif"),
    ],
)
def test_brackets_in_existing_names_are_literal(tmp_path, name, pattern):
    files(tmp_path, name, range(3))
    assert read_image(tmp_path / pattern).image.shape == (3, 4, 5)
    if "run" not in name:
        assert read_image(tmp_path / name.format(1)).image.shape == (4, 5)
