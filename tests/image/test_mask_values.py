"""Labels are distinguished from the grey levels of antialiasing, blur and JPEG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data, measure, transform

from napari_dip import Inpaint, Settings, inpaint, restore
from napari_dip.errors import BadMask, MaskHasGreyLevels
from napari_dip.image.mask_values import find_marked_pixels, grey_threshold

BLOBS = data.binary_blobs(128, 0.1, volume_fraction=0.4, rng=1)
LABELS = measure.label(BLOBS)
DOTS = measure.label(np.random.default_rng(0).random((128, 128)) > 0.9, connectivity=1)
SQUARES = np.kron(np.arange(256).reshape(16, 16), np.pad(np.ones((5, 5), int), 2))


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    content = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(content, "JPEG", quality=quality)
    return np.array(Image.open(content))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(LABELS, id="regions"),
        pytest.param(LABELS % 3 * BLOBS, id="kinds"),
        pytest.param(DOTS % 255 + (DOTS % 255 == 0) * (DOTS > 0), id="small"),
        pytest.param(SQUARES, id="as many as a byte holds"),
        pytest.param(BLOBS + 254 * (SQUARES[:128, :128] > 230), id="1 and 255"),
        pytest.param(np.array([[0, 1, 2]]), id="three pixels"),
        pytest.param(np.stack([0 * LABELS, LABELS]), id="a stack"),
    ],
)
def test_labels_of_any_dtype_are_all_marked(labels, dtype):
    np.testing.assert_array_equal(find_marked_pixels(labels.astype(dtype)).pixels, labels > 0)


def test_nan_is_the_background_of_float_labels():
    np.testing.assert_array_equal(find_marked_pixels(np.where(BLOBS, LABELS, np.nan)).pixels, BLOBS)
    np.testing.assert_array_equal(find_marked_pixels(np.where(BLOBS, 1.0, np.nan)).pixels, BLOBS)


@pytest.mark.parametrize("top", [255, 4095, 65535])
@pytest.mark.parametrize(
    "soft",
    [
        pytest.param(transform.resize(BLOBS * 1.0, (50, 50), anti_aliasing=True), id="smaller"),
        pytest.param(transform.resize(BLOBS * 1.0, (300, 300), order=1), id="larger"),
        pytest.param(ndimage.gaussian_filter(BLOBS * 1.0, 0.7), id="blurred"),
        pytest.param(ndimage.gaussian_filter(BLOBS * 1.0, 2), id="blurred more"),
        pytest.param(as_jpeg(BLOBS * 255, 50) / 255, id="JPEG"),
        pytest.param(as_jpeg(~BLOBS * 255, 90) / 255, id="JPEG, inverted"),
    ],
)
def test_the_threshold_depends_on_the_levels_present(soft, top):
    values = (soft * top).astype(np.uint16)
    middle = (int(values.min()) + int(values.max())) / 2
    assert grey_threshold(values) == middle
    np.testing.assert_array_equal(find_marked_pixels(values).pixels, values > middle)
    assert grey_threshold(soft.astype(np.float32)) == pytest.approx((soft.min() + soft.max()) / 2)


@pytest.mark.parametrize("ends", [(0, 1), (0, 255), (0, 65535), (0, -1), (1, 2), (-1.0, 1.0)])
def test_two_values_are_background_and_mask(ends):
    np.testing.assert_array_equal(find_marked_pixels(np.where(BLOBS, *ends[::-1])).pixels, BLOBS)


def test_a_complex_mask_is_refused():
    with pytest.raises(BadMask, match="complex64"):
        find_marked_pixels(np.zeros((4, 4), np.complex64))


def test_a_mask_with_grey_levels_gives_a_warning():
    mask = ndimage.gaussian_filter(np.pad(np.full((8, 8), 255.0), 8), 1).astype(np.uint8)
    image = np.add.outer(np.arange(24.0), np.arange(24.0))
    quick = {"device": "cpu", "iterations": 1}
    with pytest.warns(MaskHasGreyLevels, match="give mask > 127;") as caught:
        inpaint(image, mask, **quick)
    assert caught[0].filename == __file__
    with pytest.warns(MaskHasGreyLevels) as caught:
        restore(image, Settings(task=Inpaint(), **quick), mask=mask)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "mask", [BLOBS, BLOBS * 255, LABELS, BLOBS * 0.5], ids=["bool", "white", "labels", "half"]
)
def test_labels_give_no_warning(mask):
    restore(BLOBS * 1.0, Settings(task=Inpaint(), device="cpu"), mask=mask)
