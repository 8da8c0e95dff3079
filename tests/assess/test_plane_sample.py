"""A sample of planes is spread over the image, the same for each channel."""

import numpy as np
import pytest

from napari_dip.assess.plane_sample import MAX_PARTS, MAX_SIDE, sample_planes
from napari_dip.image.axes import Layout


@pytest.mark.parametrize(
    ("axes", "shape", "parts", "of_parts"),
    [
        ("YX", (64, 64), 1, 1),
        ("TCYX", (3, 2, 64, 64), 3, 3),
        ("YXC", (64, 64, 2), 1, 1),
        ("ZYX", (400, 64, 64), MAX_PARTS, 400),
        ("YXS", (3000, 2048, 3), 6, 6),
    ],
)
def test_parts_of_each_channel_are_counted(axes, shape, parts, of_parts):
    samples = sample_planes(Layout(axes, shape))
    assert len(samples) == (shape[axes.index("C")] if "C" in axes else 1)
    for sample in samples:
        assert (len(sample.parts), sample.of_parts) == (parts, of_parts)


def test_small_image_is_covered_once():
    layout = Layout("TYX", (2, 1500, 1100))
    counts = np.zeros(layout.shape, int)
    (sample,) = sample_planes(layout)
    for part in sample.parts:
        counts[part.index] += 1
        assert max(counts[part.index].shape) <= MAX_SIDE
        assert [part.start[letter] for letter in "TYX"] == [
            index.start if isinstance(index, slice) else index for index in part.index
        ]
    assert (counts == 1).all()
    assert sample.describe() == ""


def test_long_stack_has_first_and_last_plane():
    (sample,) = sample_planes(Layout("ZYX", (400, 64, 64)))
    planes = [part.start["Z"] for part in sample.parts]
    assert (planes[0], planes[-1]) == (0, 399)
    assert len(set(planes)) == MAX_PARTS


def test_sections_are_planes_of_z_and_x():
    (sample,) = sample_planes(Layout("ZYX", (12, 40, 50), spatial="ZX", shared="Y"))
    assert sample.of_parts == 40
    assert sample.parts[1].index[0] == slice(0, 12)
    assert isinstance(sample.parts[1].index[1], int)
