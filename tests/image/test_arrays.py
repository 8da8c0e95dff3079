"""Arrays of any library are converted; masked values are missing, and other types are refused."""

import pathlib
import warnings

import dask.array as da
import numpy as np
import pytest
import torch
from scipy import sparse

from napari_dip import Settings, denoise, inpaint, restore, super_resolve
from napari_dip.errors import AxesGuessed, BadImage, BadMask
from napari_dip.generators import finished
from napari_dip.image.arrays import split_mask
from napari_dip.image.problem import make_problem

pandas = pytest.importorskip("pandas", reason="pandas is not there")
xarray = pytest.importorskip("xarray", reason="xarray is not there")

QUICK = {"device": "cpu", "iterations": 3}
HOLES = np.zeros((16, 18), bool)
HOLES[4:6, 5:9] = HOLES[12, 2] = True


def plane(dtype="float32"):
    image = np.random.default_rng(0).poisson(40, (16, 18)).astype(dtype)
    image[HOLES] = 120  # a masked value, which must not be in the result
    return image


def masked_tensor(image):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that they are a prototype
        return torch.masked.masked_tensor(torch.tensor(image), torch.tensor(~HOLES))


def nullable(image):
    return pandas.DataFrame(np.where(HOLES, None, image)).astype("Int64")


MASKED = {
    "numpy": lambda dtype: np.ma.masked_array(plane(dtype), HOLES),
    "dask": lambda dtype: da.from_array(np.ma.masked_array(plane(dtype), HOLES), chunks=8),
    "xarray over dask": lambda dtype: xarray.DataArray(MASKED["dask"](dtype), dims=("y", "x")),
    "fill value": lambda dtype: xarray.DataArray(
        plane(dtype), dims=("y", "x"), attrs={"_FillValue": 120}
    ),
    "torch": lambda dtype: masked_tensor(plane(dtype)),
    "pandas": lambda dtype: nullable(plane(dtype)),
}


@pytest.mark.filterwarnings("ignore:.*MaskedTensors is in prototype")
@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize("kind", MASKED)
def test_masked_pixels_are_missing(kind, dtype):
    problem = make_problem(MASKED[kind](dtype), Settings(axes="YX", device="cpu"), None, None)
    seen = problem.observed.read(())
    np.testing.assert_array_equal(seen.known, ~HOLES)
    assert problem.survey.scales[0].high < 110
    only = problem.observed.extract(())
    np.testing.assert_array_equal(only.read(()).known, ~HOLES)


@pytest.mark.parametrize(
    ("chunked", "dtype"),
    [
        (False, "float32"),
        (True, "uint8"),
        pytest.param(False, "uint8", marks=pytest.mark.slow),
        pytest.param(True, "float32", marks=pytest.mark.slow),
    ],
)
def test_every_task_fills_masked_pixels(chunked, dtype):
    image = np.ma.masked_array(plane(dtype), HOLES)
    image = da.from_array(image, chunks=8) if chunked else image
    nothing_more = np.zeros(HOLES.shape, bool)
    nothing_more[0, 0] = True
    for restored in (
        denoise(image, **QUICK),
        super_resolve(image, 2, **QUICK)[::2, ::2],
        inpaint(image, nothing_more, **QUICK),
    ):
        assert type(restored) is np.ndarray
        assert restored.dtype == dtype
        assert np.isfinite(restored).all()
        assert restored[HOLES].max() < 100


def test_masked_pixels_of_a_mask_are_missing():
    mask = np.ma.masked_array(np.zeros(HOLES.shape, bool), HOLES)
    restored = inpaint(plane(), mask, **QUICK)
    assert restored[HOLES].max() < 100
    np.testing.assert_array_equal(restored[~HOLES], plane()[~HOLES])


def test_masked_nan_and_painted_pixels_are_missing():
    image = np.ma.masked_array(plane(), HOLES)
    image[1, 1] = np.nan
    painted = np.zeros(HOLES.shape, bool)
    painted[2, 2] = True
    known = make_problem(image, Settings(), painted, None).observed.read(()).known
    expected = HOLES | painted
    expected[1, 1] = True
    np.testing.assert_array_equal(known, ~expected)


def test_a_wholly_masked_image_is_refused():
    for image in (np.ma.masked_all((9, 9)), da.from_array(np.ma.masked_all((9, 9), "u1"))):
        with pytest.raises(BadMask, match="no pixel is known"):
            denoise(image, **QUICK)


def test_only_a_masked_frame_is_unchanged():
    stack = np.ma.masked_array(np.random.default_rng(0).random((3, 9, 9)), np.zeros((3, 9, 9)))
    stack[1] = np.ma.masked
    result = finished(restore(stack, Settings(axes="TYX", **QUICK)))
    assert np.isnan(result.image[1]).all()
    assert np.isfinite(result.image[[0, 2]]).all()
    assert result.unchanged == ({"T": 1},)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        pytest.param(lambda a: torch.tensor(a, requires_grad=True), "float32", id="gradient"),
        pytest.param(lambda a: torch.tensor(a).bfloat16(), "float32", id="bfloat16"),
        pytest.param(lambda a: torch.tensor(a).half(), "float16", id="half"),
        pytest.param(lambda a: torch.tensor(a).to_sparse(), "float32", id="sparse"),
        pytest.param(lambda a: torch.tensor(a).to(torch.uint8), "uint8", id="uint8"),
        pytest.param(lambda a: a.tolist(), "float64", id="list"),
        pytest.param(np.asmatrix, "float32", id="matrix"),
        pytest.param(np.longdouble, np.longdouble, id="longdouble"),
        pytest.param(pandas.DataFrame, "float32", id="pandas"),
        pytest.param(sparse.csr_array, "float32", id="scipy-sparse"),
    ],
)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_arrays_of_other_libraries_are_converted(make, dtype):
    restored = denoise(make(plane()), **QUICK)
    assert type(restored) is np.ndarray
    assert (restored.dtype, restored.shape) == (dtype, (16, 18))
    assert np.isfinite(restored).all()


class OnDevice:
    """An array like that of cupy: NumPy cannot convert it, ``get`` copies it."""

    def __init__(self, array):
        self._array = array

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def get(self):
        return self._array


def test_an_array_on_a_device_is_copied():
    np.testing.assert_array_equal(split_mask(OnDevice(plane())).values, plane())


@pytest.mark.parametrize(
    ("image", "words"),
    [
        pytest.param(
            np.zeros((9, 9), [("a", int), ("b", int)]), "choose a field.*'a'", id="records"
        ),
        pytest.param(np.full((9, 9), None), "dtype object", id="objects"),
        pytest.param(np.zeros((9, 9), "M8[D]"), "not numbers", id="dates"),
        pytest.param(torch.empty(9, 9, device="meta"), "image is not an array", id="no-data"),
        pytest.param(object(), "dtype object", id="no-array"),
        pytest.param("cells.tif", "file name, 'cells.tif'; read", id="name"),
        pytest.param(pathlib.Path("cells.tif"), "file name, 'cells.tif'; read", id="path"),
        pytest.param(
            da.from_array(np.ones((9, 9)))[da.from_array(np.ones(9)) > 0],
            "compute_chunk_sizes",
            id="unknown-size",
        ),
    ],
)
def test_other_types_than_numbers_are_refused(image, words):
    with pytest.raises(BadImage, match=words):
        denoise(image, **QUICK)


@pytest.mark.parametrize(
    ("shape", "axes", "words"),
    [
        ((16, 18, 4), "YXC", "4 channels.*axes='YXC'.*alpha, give axes='YXS'"),
        ((16, 18, 2), "YXC", "2 channels"),
    ],
)
def test_guessed_channels_give_a_warning(shape, axes, words):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    image[..., 4:6, 5:9, -1] = np.nan
    with pytest.warns(AxesGuessed, match=words) as caught:
        restored = denoise(image, **QUICK)
    assert caught[0].filename == __file__
    assert np.isfinite(restored).all()
    np.testing.assert_array_equal(restored, denoise(image, axes=axes, **QUICK))
    with pytest.warns(AxesGuessed) as caught:
        restore(image, Settings(**QUICK))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_three_samples_are_colours_without_a_warning(dtype):
    image = (np.random.default_rng(0).random((16, 18, 3)) * 1.9).astype(dtype)
    result = finished(restore(image, Settings(**QUICK)))
    assert (result.axes, result.image.dtype) == ("YXS", dtype)


def test_a_fourth_channel_is_restored_alpha_is_not():
    image = np.random.default_rng(0).random((16, 18, 4)).astype(np.float32)
    as_channels, as_alpha = (denoise(image, axes=axes, **QUICK) for axes in ("YXC", "YXS"))
    assert (as_channels[..., 3] != image[..., 3]).any()
    np.testing.assert_array_equal(as_alpha[..., 3], image[..., 3])
