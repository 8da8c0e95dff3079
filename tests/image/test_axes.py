"""Axes are guessed from shapes, and images are divided along the leading axes."""

import numpy as np
import pytest

from napari_dip.errors import BadImage
from napari_dip.image.axes import Layout, guess_axes


@pytest.mark.parametrize(
    ("shape", "rgb", "axes"),
    [
        ((512, 512), None, "YX"),
        ((512, 512, 3), None, "YXS"),
        ((512, 512, 4), None, "YXC"),
        ((512, 512, 5), None, "YXC"),
        ((512, 512, 8), None, "QYX"),
        ((512, 512, 3), False, "QYX"),
        ((3, 512, 512), None, "QYX"),
        ((3, 4, 4), None, "QYX"),
        ((9, 512, 512, 3), None, "QYXS"),
        ((2, 3, 9, 64, 64), None, "QQQYX"),
        ((1, 64, 64), None, "QYX"),
        ((64, 64, 1), None, "YXQ"),
        ((64, 1, 64), None, "YQX"),
        ((1, 64, 1, 64, 3), True, "QYQXS"),
        ((1, 64), None, "YX"),
    ],
)
def test_axes_are_guessed_from_the_shape(shape, rgb, axes):
    assert guess_axes(shape, rgb) == axes


def test_an_image_has_at_least_two_axes():
    with pytest.raises(BadImage, match=r"\(7,\)"):
        guess_axes((7,))


@pytest.mark.parametrize(
    ("axes", "shape", "spatial", "units", "block"),
    [
        pytest.param("YX", (8, 9), "YX", 1, (1, 8, 9), id="plane"),
        pytest.param("YXS", (8, 9, 3), "YX", 1, (3, 8, 9), id="rgb"),
        pytest.param("SYX", (3, 8, 9), "YX", 1, (3, 8, 9), id="rgb-first"),
        pytest.param("XY", (9, 8), "YX", 1, (1, 8, 9), id="transposed"),
        pytest.param("TCZYX", (2, 3, 4, 8, 9), "YX", 24, (1, 8, 9), id="hyperstack"),
        pytest.param("TCZYX", (2, 3, 4, 8, 9), "ZYX", 6, (1, 4, 8, 9), id="volumes"),
        pytest.param("YXC", (8, 9, 5), "YX", 5, (1, 8, 9), id="channels-last"),
        pytest.param("ZYXS", (4, 8, 9, 3), "ZYX", 1, (3, 4, 8, 9), id="colour-volume"),
        pytest.param("TYXZ", (2, 3, 8, 4), "ZX", 6, (1, 4, 8), id="sections"),
        pytest.param("ZYXS", (4, 5, 9, 3), "ZX", 5, (3, 4, 9), id="colour-sections"),
    ],
)
def test_blocks_are_converted_there_and_back(axes, shape, spatial, units, block):
    image = np.arange(np.prod(shape)).reshape(shape)
    layout = Layout(axes, shape, spatial)
    assert layout.units == units
    indices = list(layout.indices())
    assert len(indices) == units
    restored = np.zeros_like(image)
    for index in indices:
        cut = layout.to_block(image[index])
        assert cut.shape == block
        restored[index] = layout.from_block(cut)
    assert np.array_equal(restored, image)


def test_blocks_have_y_before_x():
    image = np.arange(8 * 9).reshape(9, 8)
    assert np.array_equal(Layout("XY", (9, 8)).to_block(image)[0], image.T)


@pytest.mark.parametrize(
    ("axes", "shape", "spatial", "words"),
    [
        pytest.param("YX", (2, 8, 8), "YX", "one letter for each", id="too-few-letters"),
        pytest.param("ZYX", (0, 8, 8), "YX", "Z is empty", id="empty"),
        pytest.param("TYX", (5, 8, 8), "ZYX", "axes='ZYX'", id="no-z"),
        pytest.param("ZYX", (1, 8, 8), "ZYX", "two planes", id="singleton-z"),
        pytest.param("TYX", (5, 8, 8), "ZX", "along Z needs an axis Z", id="no-z-to-refine"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes, shape, spatial, words):
    with pytest.raises(BadImage, match=words):
        Layout(axes, shape, spatial)


@pytest.mark.parametrize(
    ("axes", "index", "channels"),
    [
        ("CYX", (2,), [2]),
        ("CYX", (slice(1, 3),), [1, 2]),
        ("CYX", (), [0, 1, 2]),
        ("TYX", (2,), [0]),
    ],
)
def test_an_index_selects_channels(axes, index, channels):
    assert list(Layout(axes, (3, 8, 9)).channels_of(index)) == channels


@pytest.mark.parametrize(
    ("spatial", "shared", "is_section", "shares_planes"),
    [
        ("YX", "", False, False),
        ("YX", "Z", False, True),
        ("YX", "C", False, False),
        ("ZX", "Y", True, True),
        ("ZYX", "", False, False),
    ],
)
def test_a_layout_knows_sections_and_shared_planes(spatial, shared, is_section, shares_planes):
    layout = Layout("CZYX", (2, 4, 8, 9), spatial, shared)
    assert (layout.is_section, layout.shares_planes) == (is_section, shares_planes)
