"""Small image files for the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_dip.files.image_io import StoredImage, write_image


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A calibrated 16-bit image of 24x20 pixels."""
    image = np.random.default_rng(0).poisson(50, (24, 20)).astype(np.uint16)
    sizes = {"Y": 0.5, "X": 0.5}
    write_image(tmp_path / "cells.tif", StoredImage(image, "YX", sizes, dict.fromkeys("YX", "µm")))
    return tmp_path / "cells.tif"


@pytest.fixture
def hole(tmp_path: Path) -> Path:
    """A mask of the cells: a white square."""
    mask = np.zeros((24, 20), dtype=np.uint8)
    mask[8:14, 5:12] = 255
    Image.fromarray(mask).save(tmp_path / "hole.png")
    return tmp_path / "hole.png"
