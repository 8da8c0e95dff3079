"""Numbers of a microscope are checked, and errors name the cure."""

import pytest

from napari_dip import Optics
from napari_dip.errors import BadSettings

OIL = {"na": 1.4, "ri": 1.518, "wavelength": 520}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"ri": 1.33}, "na=1.4 is not below ri=1.33", id="aperture-above-index"),
        pytest.param({"wavelength": 0.52}, "for 0.52 µm give 520", id="wavelength-in-µm"),
        pytest.param({"excitation": 1e5}, "give nanometres, from 150 to 3000$", id="wavelength"),
        pytest.param({"pixel_size": 65}, "for 65 nm give 0.065", id="pixel-in-nm"),
        pytest.param({"z_step": -1}, "give micrometres, from 0.001", id="negative"),
        pytest.param({"modality": "lightsheet"}, "choose 'widefield'", id="modality"),
        pytest.param(
            {"modality": "confocal", "excitation": 640}, "exchange them", id="excited-by-longer"
        ),
        pytest.param(
            {"modality": "confocal", "wavelength": (520, 600), "excitation": (488, 640)},
            "excitation=640 is longer than wavelength=600",
            id="excited-by-longer-in-a-channel",
        ),
        pytest.param({"n_a": 1.2}, "did you mean 'na'", id="unknown"),
    ],
)
def test_a_bad_number_is_refused_with_a_cure(changes, words):
    with pytest.raises(BadSettings, match=words):
        Optics(**OIL | changes)


def test_cutoffs_are_those_of_the_textbook():
    optics = Optics(**OIL)
    assert optics.cutoff == pytest.approx(2 * 1.4 / 0.52)
    assert optics.axial_cutoff == pytest.approx((1.518 - (1.518**2 - 1.4**2) ** 0.5) / 0.52)


def test_a_sample_of_low_index_limits_the_aperture():
    assert Optics(**OIL, sample_ri=1.36).aperture < 1.36


def test_metadata_fill_only_what_is_unknown():
    found = {"na": 1.2, "excitation": 488.0, "pixel_size": 0.1}
    optics = Optics(**OIL).with_metadata(found)
    assert (optics.na, optics.excitation, optics.pixel_size) == (1.4, 488, 0.1)


def test_pixel_sizes_alone_are_no_optics():
    assert not Optics(pixel_size=0.1, z_step=0.3).given
    assert Optics(na=0.5).given


def test_the_description_names_what_was_assumed():
    text = Optics(**OIL, modality="confocal", sample_ri=1.4, depth=3).describe()
    assert "excited at 490 nm (assumed)" in text
    assert "3 µm deep in a sample of 1.4" in text


@pytest.mark.parametrize("given", ["461,520,600", [461, 520, 600], (461, 520, 600.0)])
def test_wavelengths_of_channels_are_read(given):
    optics = Optics(**OIL | {"wavelength": given})
    assert optics.wavelength == (461, 520, 600)
    assert optics.channels == 3
    assert optics.of_channel(1) == Optics(**OIL)
    assert Optics.model_validate_json(optics.model_dump_json()) == optics
    assert "461, 520, 600 nm" in optics.describe()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param("461;520", "wavelength='461;520'", id="separator"),
        pytest.param("0.461,0.52", "for 0.461 µm give 461", id="micrometres"),
        pytest.param((), "one for each channel: 461,520", id="none"),
        pytest.param((461, None), "one for each channel: 461,520", id="gap"),
    ],
)
def test_bad_wavelengths_of_channels_are_refused(given, words):
    with pytest.raises(BadSettings, match=words):
        Optics(wavelength=given)


def test_emission_and_excitation_have_as_many_channels():
    with pytest.raises(BadSettings, match="different numbers of channels"):
        Optics(wavelength=(461, 520, 600), excitation=(405, 488))
    assert Optics(wavelength=(461, 520), excitation=405).of_channel(1).excitation == 405
