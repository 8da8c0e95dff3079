"""Layers of every kind as masks, and new ones on the grid of an image."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="masks are napari's layers")

from napari.layers import Image, Labels, Shapes

from napari_dip.errors import BadMask
from napari_dip.plugin.controllers import viewer_layers
from napari_dip.plugin.controllers.viewer_layers import mask_grid
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.mask_layers import Mask

TILTED = {
    "scale": (0.3, 0.7),
    "rotate": -50,
    "shear": [0.2],
    "translate": (4, 9),
    "affine": [[1.1, 0.2, 5], [-0.3, 0.9, 2], [0, 0, 1]],
}
BOX = [[2, 1], [2, 5], [6, 5], [6, 1]]
"""Corners on pixel centres: rows 2 to 6, columns 1 to 5."""


def boxed(shape=(16, 18)):
    pixels = np.zeros(shape, bool)
    pixels[..., 2:7, 1:6] = True
    return pixels


def test_a_mask_on_another_grid_uses_world_positions():
    labels = np.random.default_rng(0).integers(0, 2, (30, 30), np.uint8)
    image = Image(np.zeros((16, 18)), **TILTED)
    mask = Labels(labels, scale=(0.5, 0.4), rotate=20, shear=[-0.3], translate=(8, 3))
    missing = Mask(mask).for_all_planes(image)
    expected = np.zeros(missing.shape, bool)
    for pixel in np.ndindex(missing.shape):
        place = np.rint(mask.world_to_data(image.data_to_world(pixel))).astype(int)
        expected[pixel] = ((place >= 0) & (place < 30)).all() and labels[tuple(place)]
    assert 20 < expected.sum() < 200
    np.testing.assert_array_equal(missing, expected)


@pytest.mark.parametrize(
    ("pixels", "rgb"),
    [
        pytest.param(boxed(), False, id="boolean"),
        pytest.param(boxed().astype(np.uint8) * 255, False, id="black-and-white"),
        pytest.param(boxed().astype(np.float32), False, id="zero-and-one"),
        pytest.param(boxed()[..., None] * np.uint8([200, 255, 9]), True, id="rgb"),
        pytest.param(np.dstack([*[boxed() * np.uint8(9)] * 3, boxed() * 0 + 255]), True, id="rgba"),
    ],
)
def test_an_image_can_be_a_mask(pixels, rgb):
    mask, image = Mask(Image(pixels, rgb=rgb)), Image(np.zeros((16, 18)))
    np.testing.assert_array_equal(mask.for_all_planes(image), boxed())
    assert not mask.project(image).note


@pytest.mark.parametrize("top", [np.uint8(255), np.float32(1)])
def test_grey_levels_are_cut_with_a_note(top):
    grey = np.zeros((16, 18), top.dtype)
    grey[2:7, 1:6] = top
    grey[1, 1:6], grey[7, 1:6] = 0.4 * top, 0.6 * top
    image = Image(np.zeros((16, 18)))
    words = Mask(Image(grey, name="soft")).describe(image)
    assert words.startswith("10.4 % of the pixels are missing.")  # 30 of 288
    assert f"'soft' has grey levels: those above {top / 2:g} count" in words


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_image_of_labels_is_read_as_labels(dtype):
    labels = boxed() * (250 + np.arange(18) // 2 % 6).astype(dtype)
    mask, image = Mask(Image(labels, name="cells")), Image(np.zeros((16, 18)))
    np.testing.assert_array_equal(mask.for_all_planes(image), boxed())
    assert mask.describe(image).endswith("'cells' holds labels: all but 0 count as painted.")


def test_what_is_painted_can_be_what_is_known():
    image = Image(np.zeros((16, 18)), name="cells")
    known = Mask(Labels(boxed().astype(np.uint8)), marks="known")
    np.testing.assert_array_equal(known.for_all_planes(image), ~boxed())
    np.testing.assert_array_equal(
        Mask(Shapes([BOX], shape_type="polygon"), marks="known").for_all_planes(image), ~boxed()
    )
    with pytest.raises(BadMask, match="no pixel is left to fill"):
        Mask(Labels(np.ones((16, 18), int)), marks="known").for_all_planes(image)


@pytest.mark.parametrize("kind", ["polygon", "rectangle"])
@pytest.mark.parametrize("place", [{}, TILTED])
def test_shapes_are_filled(kind, place):
    drawn = Shapes([BOX], shape_type=kind, **place)
    np.testing.assert_array_equal(
        Mask(drawn).for_all_planes(Image(np.zeros((16, 18)), **place)), boxed()
    )


def test_shapes_use_the_pixels_of_the_image():
    image = Image(np.zeros((160, 180)), scale=(0.1, 0.1))
    missing = Mask(Shapes([BOX], shape_type="rectangle")).for_all_planes(image)
    np.testing.assert_array_equal(np.argwhere(missing)[[0, -1]], [[20, 10], [60, 50]])


def test_ellipses_and_paths_mark_what_they_show():
    image = Image(np.zeros((40, 40)))
    disc = Mask(Shapes([[[10, 10], [10, 30], [30, 30], [30, 10]]], shape_type="ellipse"))
    y, x = np.ogrid[:40, :40]
    assert (disc.for_all_planes(image) != (np.hypot(y - 20, x - 20) <= 10)).sum() < 16
    path = Mask(Shapes([[[5, 5], [5, 30], [35, 30]]], shape_type="path", edge_width=4))
    missing = path.for_all_planes(image)
    assert missing[:, 15].sum() == missing[20].sum() == 5  # two pixels on either side
    assert missing[3:8, 30].all()  # the corner
    assert not missing[20, 15]


def test_a_shape_marks_one_plane_or_all():
    stack = Image(np.zeros((4, 16, 18)))
    inside = Shapes([np.insert(np.float64(BOX), 0, 2, axis=1)], shape_type="polygon")
    expected = np.zeros((4, 16, 18), bool)
    expected[2] = boxed()
    np.testing.assert_array_equal(Mask(inside).for_all_planes(stack), expected)
    np.testing.assert_array_equal(Mask(Shapes([BOX])).for_all_planes(stack), boxed())
    across = Shapes([[[0, 2, 1], [0, 2, 5], [3, 6, 5], [3, 6, 1]]], shape_type="polygon")
    with pytest.raises(BadMask, match="spans several planes"):
        Mask(across).for_all_planes(stack)
    with pytest.raises(BadMask, match="Nothing painted"):
        Mask(Shapes(ndim=2)).check()


def test_a_mask_can_mark_one_plane():
    stack = Image(np.zeros((2, 4, 16, 18), np.uint8))
    mask = Mask(Labels(boxed().astype(np.uint8)), plane=(1, 2))
    missing = mask.for_all_planes(stack)
    np.testing.assert_array_equal(missing[1, 2], boxed())
    assert missing.sum() == boxed().sum()
    assert "8.68 % of the pixels of this plane are missing" in mask.describe(stack)


def test_the_number_of_planes_with_gaps_is_reported():
    stack, painted = Image(np.zeros((4, 16, 18), np.uint8)), np.zeros((4, 16, 18), np.uint8)
    painted[1], painted[3] = boxed(), boxed()
    assert "are missing, in 2 of 4 planes." in Mask(Labels(painted)).describe(stack)
    assert "planes" not in Mask(Labels(painted[1])).describe(stack)  # it holds for all of them


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@pytest.mark.parametrize("most", [2**26, 100])
@pytest.mark.parametrize(
    ("shape", "place"),
    [
        pytest.param((16, 18), TILTED, id="plane"),
        pytest.param((3, 16, 18), {"scale": (5, 0.2, 0.3), "units": "um"}, id="stack"),
        pytest.param(
            (2, 3, 16, 18),
            {
                "scale": (1, 5, 0.2, 0.3),
                "translate": (3, 4, 5, 6),
                "shear": [0, 0, 0, 0, 0, 0.3],
                "axis_labels": "tzyx",
            },
            id="movie",
        ),
    ],
)
def test_a_new_mask_has_the_images_pixels(monkeypatch, shape, place, most):
    monkeypatch.setattr(viewer_layers, "MAX_MASK_PIXELS", most)
    image = Image(np.zeros((*shape, 3), np.uint8), rgb=True, **place)
    grid = mask_grid(image)
    large = most == 100 and len(shape) > 2
    assert grid.shape == (shape[-2:] if large else shape)
    assert grid.one_for_all == large
    mask = Labels(np.zeros(grid.shape, np.uint8), **grid.placement)
    assert mask.units == image.units[-mask.ndim :]
    assert mask.axis_labels == image.axis_labels[-mask.ndim :]
    for pixel in ((0, 0), (3, 7)):
        np.testing.assert_allclose(
            mask.data_to_world((*(0,) * (mask.ndim - 2), *pixel))[-2:],
            image.data_to_world((*(0,) * (image.ndim - 2), *pixel))[-2:],
            atol=1e-9,
        )
    mask.data[..., 2:7, 1:6] = 1
    np.testing.assert_array_equal(
        np.broadcast_to(Mask(mask).for_all_planes(image), shape), np.broadcast_to(boxed(), shape)
    )


def test_the_mask_is_read_with_the_layer():
    image = Image(np.zeros((16, 18)))
    np.testing.assert_array_equal(
        read_layer(image, Mask(Labels(boxed().astype(int)))).mask, boxed()
    )
