"""The settings of deconvolution describe one point spread function."""

import pytest

from napari_dip import Deconvolve, Settings
from napari_dip.errors import BadSettings

OIL = {"na": 1.4, "ri": 1.518, "wavelength": 520}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (3, "3 px"),
        ("2.5", "2.5 px"),
        ("0.25um", "0.25 µm"),
        ("250 nm", "250 nm"),
        ((6, 3, 3), "6,3,3 px"),
        ("0.8, 0.25,0.25 µm", "0.8,0.25,0.25 µm"),
    ],
)
def test_a_width_has_one_form(given, text):
    task = Deconvolve(fwhm=given)
    assert task.fwhm == text
    assert Deconvolve(fwhm=task.fwhm) == task


@pytest.mark.parametrize("given", ["wide", "-3", "0", "1,2,3,4", "3 inches", "nan", [[1], 2]])
def test_a_bad_width_is_refused(given):
    with pytest.raises(BadSettings, match=r"fwhm=.*give a full width at half maximum"):
        Deconvolve(fwhm=given)


def test_widths_become_pixels():
    task = Deconvolve(fwhm="250nm", pixel_size=0.1, z_step=0.5)
    assert task.gaussian_widths("ZYX") == pytest.approx((0.5, 2.5, 2.5))
    assert Deconvolve(fwhm=3).gaussian_widths("YX") == (3, 3)
    assert Deconvolve().gaussian_widths("YX") == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"fwhm": "250nm"}, "size of the pixels is unknown", id="no-pixel-size"),
        pytest.param({"fwhm": "3,4,5"}, "3 widths; give one, or one for each of Y, X", id="many"),
        pytest.param({"fwhm": "20um", "pixel_size": 0.01}, "is 2e\\+03 pixels", id="wide"),
    ],
)
def test_widths_that_do_not_fit_are_refused(settings, words):
    with pytest.raises(BadSettings, match=words):
        Deconvolve(**settings).gaussian_widths("YX")


def test_a_gaussian_has_no_microscope():
    with pytest.raises(BadSettings, match="leave out one of both"):
        Deconvolve(fwhm=3, na=1.4)
    assert Deconvolve(fwhm=3, pixel_size=0.1).microscope is None


def test_settings_pass_through_json():
    settings = Settings(task=Deconvolve(modality="confocal", depth=3, **OIL))
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.task.microscope.na == 1.4


def test_words_name_the_source():
    assert Deconvolve(fwhm=3).details({}) == "(Gaussian, 3 px full width at half maximum)"
    assert "NA 1.4" in Deconvolve(**OIL).details({})
    assert Deconvolve().details({}) == ""
    assert not Deconvolve(pixel_size=0.1).describes_psf
