"""The command `deconvolve` finds the point spread function in options and files."""

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_dip import gaussian_psf
from napari_dip.cli.app import app
from napari_dip.files.image_io import read_image, read_provenance

QUICK = "--device", "cpu", "--iterations", "2"
BEAD = gaussian_psf((3.0, 3.0)).values
WATER = "--na", "0.8", "--ri", "1.33"
OME = {"PhysicalSizeX": 0.12, "PhysicalSizeY": 0.12, "Channel": {"EmissionWavelength": 520}}


@pytest.fixture
def cells(tmp_path):
    """Write an OME-TIFF of blurred discs, whose metadata know the wavelength and the pixels."""
    y, x = np.indices((48, 52))
    clean = 50 + 200 * np.exp(-((y % 24 - 12) ** 2 + (x % 26 - 13) ** 2) / 30)
    noisy = np.random.default_rng(0).poisson(clean).astype(np.uint16)
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, noisy, metadata={"axes": "YX", **OME})
    return path


def call(*arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    return result


def test_metadata_complete_the_options(cells, tmp_path):
    output = tmp_path / "out.ome.tif"
    result = call("deconvolve", cells, output, *WATER, *QUICK)
    words = "widefield, NA 0.8, 520 nm, refractive index 1.33, pixels of 0.12 µm"
    assert f"The point spread function: {words}" in result.stderr
    assert read_image(output).pixel_size["X"] == pytest.approx(0.12)
    record = read_provenance(output)
    assert record["settings"]["task"]["wavelength"] == 520
    assert record["psf"]["description"].startswith(words)
    assert len(record["psf"]["digest"]) == 32


def test_recorded_settings_give_the_same_pixels(cells, tmp_path):
    first, second = tmp_path / "a.tif", tmp_path / "b.tif"
    call("deconvolve", cells, first, *WATER, "--modality", "confocal", *QUICK)
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(read_provenance(first)["settings"]))
    call("deconvolve", cells, second, "--settings", settings)
    np.testing.assert_array_equal(tifffile.imread(first), tifffile.imread(second))


def test_a_bead_is_named_in_the_record(cells, tmp_path):
    bead, output = tmp_path / "bead.tif", tmp_path / "out.tif"
    tifffile.imwrite(bead, (gaussian_psf((3.0, 3.0)).values * 1e5 + 100).astype(np.uint16))
    result = call("deconvolve", cells, output, "--psf", bead, *QUICK)
    assert "Its background of 100 was subtracted." in result.stderr
    assert read_provenance(output)["psf"]["file"] == str(bead)


def test_other_tasks_take_a_bead_too(cells, tmp_path):
    bead = tmp_path / "bead.tif"
    tifffile.imwrite(bead, gaussian_psf((3.0, 3.0)).values)
    text = call("plan", cells, "--task", "denoise", "--psf", bead, *QUICK).stdout
    assert "Point spread function: measured" in text
    call("denoise", cells, tmp_path / "out.tif", "--psf", bead, *QUICK)


def test_a_width_in_micrometres_uses_the_pixel_size(cells):
    text = call("plan", cells, "--task", "deconvolve", "--fwhm", "0.36um", *QUICK).stdout
    assert text.startswith("Task: Deconvolving (Gaussian, 0.36 µm full width at half maximum)")
    assert "Point spread function: Gaussian of 3 × 3 pixels" in text


def test_coarse_pixels_are_noted(cells, tmp_path):
    options = "--na", "1.4", "--ri", "1.518", *QUICK
    result = call("deconvolve", cells, tmp_path / "out.tif", *options)
    assert "(Nyquist)" in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param([], "needs na, ri; give na=1.4 (--na 1.4) and ri=1.518", id="nothing"),
        pytest.param(["--na", "1.4", "--ri", "1.33"], "na=1.4 is not below ri=1.33", id="index"),
        pytest.param([*WATER, "--wavelength", "0.5"], "for 0.5 µm give 500", id="micrometres"),
        pytest.param(["--na", "0.8"], "give ri=1.518 (--ri 1.518", id="part"),
        pytest.param([*WATER, "--fwhm", "3"], "leave out one of both", id="twice"),
    ],
)
def test_a_wrong_call_names_the_cure(cells, tmp_path, options, words):
    result = call("deconvolve", cells, tmp_path / "out.tif", *options, *QUICK, code=2)
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "out.tif").exists()


@pytest.fixture
def of_bead(cells, tmp_path, monkeypatch):
    """A result whose point spread function was given by a name in the current folder."""
    tifffile.imwrite(tmp_path / "bead.tif", (BEAD * 1e5 + 100).astype(np.uint16))
    monkeypatch.chdir(tmp_path)
    call("deconvolve", cells, tmp_path / "out.tif", "--psf", "bead.tif", *QUICK)
    return tmp_path / "out.tif"


def test_a_result_is_reproduced_without_its_psf(cells, of_bead, tmp_path):
    call("reproduce", of_bead)
    call("deconvolve", cells, tmp_path / "computed.tif", *WATER, *QUICK)
    call("reproduce", tmp_path / "computed.tif")


def test_a_bead_is_found_from_every_folder(of_bead, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    call("reproduce", of_bead)
    with_input = "reproduce", of_bead, "--input", tmp_path / "cells.ome.tif"
    moved = (tmp_path / "bead.tif").rename(tmp_path / "moved.tif")
    error = call(*with_input, code=2).stderr
    assert f"its point spread function is not at {tmp_path / 'bead.tif'}; give it" in error
    call(*with_input, "--psf", moved)


def test_a_bead_can_be_given_to_assess(cells, of_bead, tmp_path):
    moved = (tmp_path / "bead.tif").rename(tmp_path / "moved.tif")
    assert "Residual" in call("assess", cells, of_bead, "--psf", moved).stdout


@pytest.mark.parametrize("known", [True, False], ids=["file", "option"])
def test_channels_have_wavelengths_of_their_own(tmp_path, known):
    image, output = tmp_path / "cells.ome.tif", tmp_path / "out.ome.tif"
    noisy = np.random.default_rng(0).poisson(50, (2, 48, 52)).astype(np.uint16)
    channels = {"Channel": {"EmissionWavelength": [461, 600]}} if known else {}
    sizes = {"PhysicalSizeX": 0.12, "PhysicalSizeY": 0.12}
    tifffile.imwrite(image, noisy, metadata={"axes": "CYX", **sizes, **channels})
    given = [] if known else ["--wavelength", "461,600"]
    result = call("deconvolve", image, output, *WATER, *given, *QUICK)
    assert "channel 1: widefield, NA 0.8, 461 nm" in result.stderr
    assert "channel 2: widefield, NA 0.8, 600 nm" in result.stderr
    assert read_provenance(output)["settings"]["task"]["wavelength"] == [461, 600]
    call("deconvolve", image, output, *WATER, "--wavelength", "461,520,600", *QUICK, code=2)


def test_pixels_that_are_not_square_are_told(cells, tmp_path):
    image = tifffile.imread(cells)
    tifffile.imwrite(cells, image, metadata={"axes": "YX", **OME, "PhysicalSizeY": 0.24})
    result = call("deconvolve", cells, tmp_path / "out.tif", *WATER, *QUICK, code=2)
    assert "its pixels are 0.24 × 0.12 µm" in result.stderr


def test_numbers_that_override_the_file_are_told(cells, tmp_path):
    result = call("deconvolve", cells, tmp_path / "out.tif", *WATER, *QUICK, "--pixel-size", 0.1)
    assert "its metadata have pixel_size=0.12, and 0.1 is used, as given" in result.stderr
    assert "have wavelength" not in result.stderr
    result = call("deconvolve", cells, tmp_path / "o.tif", "--wavelength", "520nm", code=2)
    assert "give a number of nanometres, or one for each channel" in result.output
