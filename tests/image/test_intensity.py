"""Intensities are scaled and converted back, with their dtype and range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import median_filter

from napari_dip.image.intensity import IntensityRange, Scale

DTYPES = [bool, "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">u2", ">f4"]


def measure(values, known=None):
    known = np.ones(values.shape, dtype=bool) if known is None else known
    extent = IntensityRange()
    for look in (extent.add, extent.count):
        for plane, there in zip(np.atleast_3d(values.T).T, np.atleast_3d(known.T).T, strict=True):
            look(plane, there)
    return extent.scale(values.dtype)


def test_outliers_of_float16_are_found():
    values = np.full((8, 9), 5000, np.float16)
    values[2:5, 0:3], values[5:8, 5:8] = -(2.0**14), 2.0**14
    scale = measure(values)
    assert scale.low < -(2.0**14) < 2.0**14 < scale.high


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_scaling_there_and_back_keeps_values(dtype, data):
    dtype = np.dtype(dtype)
    elements = {}
    if dtype.kind == "f":
        largest = 2.0**100 if dtype.itemsize > 2 else 2.0**14
        elements = {"min_value": -largest, "max_value": largest, "allow_nan": False}
        elements["allow_subnormal"] = False
    values = data.draw(arrays(dtype, (8, 9), elements=elements or None))
    scale = measure(values)
    if scale is None:
        assert values.min() == values.max()
        return
    back = scale.from_unit(scale.to_unit(values), dtype)
    values = values.astype(float).clip(scale.low, scale.high)
    assert back.dtype == dtype
    # float32 has a relative precision of 6e-8
    span = float(values.max()) - float(values.min())
    step = 0 if dtype.kind in "bf" else 1
    error = np.abs(back.astype(float) - values.astype(float))
    eps = 2e-3 if dtype == np.float16 else 1e-5
    assert error.max() <= step + eps * max(span, np.abs(values.astype(float)).max() * 1e-2)


def test_the_range_maps_inside_the_unit_interval():
    values = np.linspace(100.0, 200.0, 400).reshape(20, 20)
    scale = measure(values)
    assert (scale.low, scale.high) == pytest.approx((95, 205))
    assert scale.to_unit(values).dtype == np.float32


def test_unsigned_integers_stay_within_their_dtype():
    values = np.array([[0, 255] * 8] * 16, dtype=np.uint8)
    assert measure(values) == Scale(0, 255)
    out = Scale(0, 255).from_unit(np.float32([-0.2, 1.3]), values.dtype)
    assert out.tolist() == [0, 255]


def test_a_hot_pixel_does_not_extend_the_range():
    values = np.random.default_rng(0).normal(100, 20, (64, 64))
    hot = values.copy()
    hot[10, 10] = 65_000
    scale = measure(hot)
    assert scale.span < 4 * measure(values).span
    assert scale.to_unit(hot).max() == 1


def test_single_pixels_count_in_a_constant_image():
    black = np.zeros((64, 64))
    black[10, 10] = 1000
    scale = measure(black)
    assert scale.low <= 0 < 1000 <= scale.high


def test_a_small_spot_is_within_the_range():
    y, x = np.mgrid[:32, :32] - 16
    spot = 5 + 1000 * np.exp(-(x**2 + y**2) / 2 / 0.8**2)
    assert measure(spot).high > 1005


def test_many_bright_points_are_structure():
    points = np.random.default_rng(0).normal(0, 1, (64, 64))
    points[::8, ::8] = 1000
    assert measure(points).high > 1000


def test_unknown_values_do_not_count():
    values = np.random.default_rng(0).random((16, 16))
    known = np.ones_like(values, dtype=bool)
    known[:4] = False
    filled = np.where(known, values, np.nan)
    assert measure(filled, known) == measure(np.where(known, values, 1e9), known)


def test_a_constant_image_has_no_scale():
    assert measure(np.full((8, 8), 7)) is None


def test_each_plane_is_filtered_separately():
    stack = np.zeros((3, 16, 16))
    stack[1] = 100  # one bright plane is signal, not an outlier
    stack[0, 0, 0] = 1
    assert measure(stack).high == pytest.approx(105)


def test_the_range_does_not_depend_on_plane_order():
    stack = (
        np.random.default_rng(0).normal(0, 1, (20, 24, 24)) * np.linspace(1, 9, 20)[:, None, None]
    )
    stack[3, 5, 5] = 1e6
    whole = IntensityRange()
    for look in (whole.add, whole.count):
        look(stack, np.ones(stack.shape, bool))
    assert measure(stack) == whole.scale(stack.dtype)
    smooth = median_filter(stack, (1, 3, 3))
    assert (whole.filtered_low, whole.filtered_high) == (smooth.min(), smooth.max())
