"""Test that a result is saved in another folder."""

from __future__ import annotations

import numpy as np

from napari_dip.files.fallback_save import save_elsewhere
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
)


def test_missing_folder_falls_back_to_another(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    stored = StoredImage(np.eye(8), "YX")
    first, second = (save_elsewhere(tmp_path / "gone" / "a.ome.zarr", stored) for _ in range(2))
    assert (first, second) == (
        tmp_path / "here" / "a.rescued.tif",
        tmp_path / "here" / "a.rescued-2.tif",
    )
    np.testing.assert_array_equal(read_image(first).image, stored.image)
