"""A point spread function is normalised, ordered by axes and checked."""

import warnings

import numpy as np
import pytest

from napari_dip import (
    PSF,
    Deconvolve,
    Denoise,
    Optics,
    Settings,
    deconvolve,
    gaussian_psf,
    measured_psf,
    optical_psf,
    problem,
    restore,
)
from napari_dip.assess.residual import residual_of
from napari_dip.errors import BadImage, BadSettings, DoubtfulPsf, InputError
from napari_dip.generators import finished
from napari_dip.image.axes import Layout
from napari_dip.image.problem import make_problem
from napari_dip.image.psf import normalised_psf, psf_of, refuse_two_psfs

PLANE = Layout("YX", (8, 9))
VOLUME = Layout("XYZ", (9, 8, 5), "ZYX")


def test_no_psf_means_no_blur():
    assert normalised_psf(None, PLANE, None) is None


def test_the_sum_becomes_one():
    psf = normalised_psf(np.array([[1, 2, 1]]), PLANE, None)
    assert (psf.dtype, psf.tolist()) == (np.float32, [[0.25, 0.5, 0.25]])


@pytest.mark.parametrize(
    ("layout", "axes", "expected"),
    [
        pytest.param(VOLUME, None, (5, 3, 1), id="order-of-the-image"),
        pytest.param(VOLUME, "zxy", (1, 5, 3), id="named"),
        pytest.param(Layout("ZYX", (5, 8, 9), "ZYX"), None, (1, 3, 5), id="same-order"),
    ],
)
def test_axes_are_put_in_the_order_zyx(layout, axes, expected):
    assert normalised_psf(np.ones((1, 3, 5)), layout, axes).shape == expected


def test_axes_of_xarray_are_used():
    xarray = pytest.importorskip("xarray", reason="xarray is missing")
    psf = xarray.DataArray(np.ones((1, 3)), dims=("x", "y"))
    assert normalised_psf(psf, PLANE, None).shape == (3, 1)


@pytest.mark.parametrize(
    ("psf", "axes", "words"),
    [
        pytest.param(np.ones((2, 3)), None, "odd size", id="even"),
        pytest.param(np.ones(3), None, "one axis for each of YX", id="line"),
        pytest.param(np.ones((3, 3)), "ZX", "axes 'ZX'", id="other-axes"),
        pytest.param(np.ones((3, 21)), None, "larger than the image", id="large"),
        pytest.param(np.zeros((3, 3)), None, "positive sum", id="zero"),
        pytest.param(np.full((3, 3), np.nan), None, "finite", id="nan"),
        pytest.param(np.ones((3, 3), complex), None, "array of numbers", id="complex"),
        pytest.param(np.array([[-1, 9, 1]]), None, "has negative values", id="negative"),
        pytest.param(None, "YX", "psf_axes='YX'", id="axes-alone"),
        pytest.param(np.ones((3, 3)), 7, "psf_axes=7", id="number"),
    ],
)
def test_a_psf_that_does_not_fit_is_refused(psf, axes, words):
    with pytest.raises(BadImage, match=words):
        normalised_psf(psf, PLANE, axes)


def test_rounding_below_zero_is_clipped():
    assert normalised_psf(np.array([[-0.001, 9, 1]]), PLANE, None).min() == 0


def test_a_doubtful_psf_is_told():
    image = np.random.default_rng(0).poisson(20, (48, 48))
    good = gaussian_psf((3, 3)).values
    for psf, words in (
        (np.roll(np.pad(good, 3), 2, axis=0), r"2.0 along Y, 0.0 along X pixels"),
        (np.pad(good, 4) + 0.002, "background has .* of the light"),
    ):
        with pytest.warns(DoubtfulPsf, match=words):
            problem(image, Settings(task=Deconvolve()), psf=psf)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DoubtfulPsf)
        for psf in (good, np.ones((5, 5)), measured_psf(np.pad(good, 4) + 0.002)):
            problem(image, Settings(task=Deconvolve()), psf=psf)


OIL = {"na": 1.2, "ri": 1.33, "wavelength": 520, "pixel_size": 0.08, "z_step": 0.2}
LARGE, DEEP = Layout("YX", (64, 72)), Layout("XYZ", (64, 72, 12), "ZYX")


def of(task, layout=LARGE, psf=None, ndim=2):
    return psf_of(psf, None, layout, Settings(task=task, ndim=ndim))


def test_the_microscope_gives_a_psf():
    psf = of(Deconvolve(**OIL))
    assert psf.describe().startswith("widefield, NA 1.2, 520 nm")
    assert of(Deconvolve(**OIL), DEEP, ndim=3).values.ndim == 3


def test_a_width_gives_a_gaussian():
    assert of(Deconvolve(fwhm="0.24 µm", pixel_size=0.08)).source.startswith("Gaussian of 3 × 3")
    deep = of(Deconvolve(fwhm="4,2,2"), DEEP, ndim=3).values
    assert deep.shape[0] > deep.shape[1] == deep.shape[2]


def test_a_given_psf_keeps_its_words():
    given = gaussian_psf((3.0, 3.0))
    found = of(Denoise(), psf=given)
    assert isinstance(found, PSF)
    assert found.source == given.source
    assert of(Deconvolve(pixel_size=0.1), psf=given.values).source == "given"
    assert of(Denoise()) is None


@pytest.mark.parametrize(
    ("task", "psf", "words"),
    [
        pytest.param(Deconvolve(), None, "needs a point spread function; give the", id="nothing"),
        pytest.param(Deconvolve(na=1.4), None, "needs wavelength, ri", id="part"),
        pytest.param(Deconvolve(fwhm=120), None, "larger than the image", id="wide"),
    ],
)
def test_an_unclear_psf_is_refused(task, psf, words):
    with pytest.raises(InputError, match=words):
        of(task, psf=psf)


def test_two_psfs_are_refused():
    with pytest.raises(InputError, match="leave out one of both"):
        refuse_two_psfs(Settings(task=Deconvolve(fwhm=3)))
    refuse_two_psfs(Settings(task=Deconvolve(pixel_size=0.1)))


OBJECTIVE = {"na": 0.4, "ri": 1.0, "pixel_size": 0.25}
CHANNELS = Settings(
    task=Deconvolve(wavelength=(450, 700), **OBJECTIVE), axes="CYX", device="cpu", dtype="float32"
)


def noise(*shape):
    return np.random.default_rng(0).poisson(30, shape).astype(np.uint16)


def test_each_channel_has_its_own_wavelength():
    image = noise(2, 48, 50)
    made = make_problem(image, CHANNELS, None, None)
    kernels = [made.psf_of(unit) for unit in made.plan.units]
    for kernel, wavelength in zip(kernels, (450, 700), strict=True):
        alone = optical_psf(Optics(wavelength=wavelength, **OBJECTIVE), (48, 50))
        np.testing.assert_array_equal(kernel, alone.values)
    words = made.blur.describe()
    assert "channel 1: widefield, NA 0.4, 450 nm" in words
    assert "channel 2: widefield, NA 0.4, 700 nm" in words


def test_channels_are_restored_as_if_alone():
    image = noise(2, 40, 44)
    both = finished(restore(image, CHANNELS.replace(iterations=2)))
    same = deconvolve(
        image, wavelength=700, axes="CYX", iterations=2, device="cpu", dtype="float32", **OBJECTIVE
    )
    np.testing.assert_array_equal(both.image[1], same[1])
    assert np.abs(both.image[0] - same[0]).max() > 0.01
    residual = residual_of(both.problem, both.image)
    alone = problem(image, CHANNELS.replace(task=Deconvolve(wavelength=450, **OBJECTIVE)))
    np.testing.assert_array_equal(residual[0], residual_of(alone, both.image)[0])


@pytest.mark.parametrize(
    ("shape", "axes", "share", "words"),
    [
        pytest.param((3, 40, 44), "CYX", "auto", "of 2 channels, and the image has 3", id="three"),
        pytest.param((40, 44), "YX", "auto", "of 2 channels, and the image has 1", id="plane"),
        pytest.param((2, 40, 44), "CYX", "C", "choose share='none'", id="together"),
    ],
)
def test_a_wrong_number_of_wavelengths_is_refused(shape, axes, share, words):
    with pytest.raises(BadSettings, match=words):
        make_problem(noise(*shape), CHANNELS.replace(axes=axes, share=share), None, None)
