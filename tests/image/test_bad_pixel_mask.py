"""Hot and dead pixels count as missing if the settings say so."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_dip import Inpaint, Settings, denoise, inpaint, problem, restore
from napari_dip.errors import BadMask
from napari_dip.generators import finished
from napari_dip.image.axes import Layout
from napari_dip.image.bad_pixel_mask import SparseMask, bad_pixel_mask

QUICK = {"device": "cpu", "iterations": 20}
HOT = 13, 21


def noisy(shape=(48, 48), seed=0):
    return np.random.default_rng(seed).normal(100, 3, shape)


@pytest.fixture
def image():
    values = noisy()
    values[HOT] = 2000
    return values


def parts(size):
    number = st.integers(-size, size - 1)
    edge = st.none() | st.integers(-size - 2, size + 2)
    return number | st.builds(slice, edge, edge, st.none() | st.integers(1, 3))


@given(st.tuples(parts(4), parts(5), parts(6)))
def test_sparse_mask_indexes_like_an_array(index):
    dense = np.random.default_rng(0).random((4, 5, 6)) < 0.2
    sparse = SparseMask(dense.shape, np.stack(np.nonzero(dense)))
    np.testing.assert_array_equal(sparse[index], dense[index])
    np.testing.assert_array_equal(np.asarray(sparse), dense)


@pytest.mark.parametrize(
    ("axes", "shape", "place"),
    [
        ("YX", (48, 48), (5, 7)),
        ("ZYX", (3, 48, 48), (2, 5, 7)),
        ("YXC", (48, 48, 2), (5, 7, 1)),
        ("TCYX", (2, 2, 48, 48), (1, 0, 5, 7)),
        ("XYT", (48, 48, 2), (5, 7, 1)),
    ],
)
def test_bad_pixel_is_found_in_its_place(axes, shape, place):
    values = noisy(shape)
    values[place] = 2000
    mask = np.asarray(bad_pixel_mask(values, Layout(axes, shape)))
    assert np.argwhere(mask).tolist() == [list(place)]


def test_one_bad_colour_makes_a_pixel_bad():
    values = noisy((48, 48, 3))
    values[5, 7, 2] = 2000
    mask = np.asarray(bad_pixel_mask(values, Layout("YXS", values.shape)))
    assert mask[5, 7].all()
    assert mask.sum() == 3


def test_channels_have_noise_of_their_own():
    values = np.stack([noisy(), 100 * noisy(seed=1)])
    values[0, 5, 7] = 400
    mask = np.asarray(bad_pixel_mask(values, Layout("CYX", values.shape)))
    assert np.argwhere(mask).tolist() == [[0, 5, 7]]


def test_hot_pixels_are_filled_only_if_asked():
    clean = 100 + 40 * np.sin(np.arange(64) / 6) * np.ones((64, 1))
    image = clean + noisy((64, 64)) - 100
    places = np.random.default_rng(2).choice(image.size, 12, replace=False)
    image.ravel()[places] += 150
    kept, filled = (
        np.abs(denoise(image, bad_pixels=each, **QUICK) - clean).ravel()[places].mean()
        for each in ("keep", "auto")
    )
    assert filled < 6
    assert kept > 2 * filled


def test_result_tells_how_many_were_missing(image):
    result = finished(restore(image, Settings(bad_pixels="auto", **QUICK)))
    assert "1 hot or dead pixels count as missing" in result.plan
    assert result.settings.bad_pixels == "auto"


def test_clean_image_has_no_missing_pixels():
    asked = problem(noisy(), Settings(bad_pixels="auto"))
    assert asked.bad_pixels == 0
    assert not np.asarray(asked.observed.missing).any()


def test_given_mask_stays(image):
    mask = np.zeros(image.shape, bool)
    mask[:2] = True
    missing = problem(image, Settings(bad_pixels="auto"), mask=mask).observed.missing
    assert np.asarray(missing[()]).sum() == 2 * 48 + 1


def test_lazy_stack_of_sections_is_searched():
    values = noisy((6, 20, 30))
    values[3, 9, 11] = 2000
    lazy = da.from_array(values, chunks=(1, 20, 30))
    settings = Settings(bad_pixels="auto", axes="ZYX", task="super-resolve", device="cpu")
    settings = settings.replace(task={"kind": "super-resolve", "axis": "Z", "factor": 2})
    assert problem(lazy, settings).bad_pixels == 1


def test_bad_pixels_alone_can_be_inpainted(image):
    settings = Settings(task=Inpaint(), bad_pixels="auto", **QUICK)
    result = finished(restore(image, settings)).image
    others = np.ones(image.shape, bool)
    others[HOT] = False
    np.testing.assert_array_equal(result[others], image[others])
    assert abs(result[HOT] - 100) < 15
    with pytest.raises(BadMask, match="nothing is missing"):
        list(restore(noisy(), settings))


def test_point_spread_of_a_sharp_spot_is_kept():
    spot = np.zeros((48, 48))
    spot[20, 20] = 4000
    image = noisy() + gaussian_filter(spot, 1.0)
    assert problem(image, Settings(bad_pixels="auto")).bad_pixels == 0


def test_input_is_not_modified(image):
    before = image.copy()
    inpaint(image, np.eye(48, dtype=bool), bad_pixels="auto", **QUICK)
    np.testing.assert_array_equal(image, before)
