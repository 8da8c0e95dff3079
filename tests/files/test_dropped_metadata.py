"""Test that metadata without a place in the output format are listed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_dip.files.dropped_metadata import dropped_metadata
from napari_dip.image.metadata import Channel, StoredImage

IMAGE = np.zeros((2, 8, 8), np.uint16)
RICH = StoredImage(
    IMAGE,
    "CYX",
    {"Y": 0.1, "X": 0.1, "Z": 0.5},
    {"Y": "µm", "X": "µm", "Z": "µm"},
    {
        "imagej": {"Info": "63x", "Labels": ["a", "b"]},
        "imagej_plane": {"shape": (8, 8), "entries": {"ROI": b"region"}},
        "imagej_calibration": {"dtype": IMAGE.dtype, "entries": {"cf": 0}},
        "ome": {"Description": "plate 4"},
        "tiff": {"orientation": 6},
    },
    translate={"X": 10.0},
    channels=(Channel("DAPI"), Channel("actin")),
)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("imagej", {"description"}),
        ("ome", {"grey value calibration", "ImageJ regions and overlays", "ImageJ's Info"}),
        (
            "zarr",
            {
                "grey value calibration",
                "ImageJ regions and overlays",
                "ImageJ's Info",
                "description",
                "orientation tag",
                "size along Z, without such an axis",
            },
        ),
    ],
)
def test_each_format_drops_what_it_cannot_hold(form, expected):
    assert set(dropped_metadata(form, RICH, IMAGE.dtype, {})) == expected


def test_other_dtype_drops_the_calibration():
    assert "grey value calibration" in dropped_metadata("imagej", RICH, np.dtype("float32"), {})


def test_refined_image_drops_regions():
    dropped = dropped_metadata("imagej", RICH, IMAGE.dtype, {"Y": 2, "X": 2})
    assert "ImageJ regions and overlays" in dropped


@pytest.mark.parametrize("form", ["imagej", "ome", "shaped", "png", "zarr"])
def test_plain_image_drops_nothing(form):
    assert dropped_metadata(form, StoredImage(np.eye(8), "YX"), np.dtype("uint8"), {}) == ()
