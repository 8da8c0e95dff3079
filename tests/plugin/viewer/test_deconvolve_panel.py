"""The point spread function in the panel Deconvolve: from the optics, a bead, or a width."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtWidgets import QApplication, QComboBox
from scipy.signal import fftconvolve
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.files.image_io import StoredImage, read_image, write_image
from napari_dip.optics.microscope_psf import optical_psf
from napari_dip.optics.psf import gaussian_psf
from napari_dip.plugin.models.opened_file import OpenedFile
from napari_dip.settings import Deconvolve, Optics

MICROSCOPE = {"na": 1.4, "ri": 1.518, "wavelength": 520.0}

OBJECTIVE = {"na": "1.4", "ri": "oil", "wavelength": "520"}

LENGTHS = {"scale": (0.1, 0.1), "units": "um", "axis_labels": ("y", "x")}


@pytest.fixture
def cells():
    return Image(
        np.random.default_rng(0).poisson(20, (32, 40)).astype(np.uint16), name="cells", **LENGTHS
    )


@pytest.fixture
def zstack():
    counts = np.random.default_rng(0).poisson(20, (6, 24, 28)).astype(np.uint16)
    axes = {"units": "um", "axis_labels": ("z", "y", "x")}
    return Image(counts, name="stack", scale=(0.3, 0.1, 0.1), **axes)


@pytest.fixture
def bead():
    counts = 1000 * np.pad(gaussian_psf((3.0, 3.0)).values, ((4, 2), (3, 2))) + 100
    return Image(counts.astype(np.float32), name="bead", **LENGTHS)


def fill(panel, texts):
    for name, text in texts.items():
        panel[name].setText(text)


def choose(panel, name, text):
    box = panel.dock.findChild(QComboBox, name)
    assert box.findText(text) >= 0, text
    box.setCurrentText(text)


def visible(panel, *names):
    return [name for name in names if panel[name].isVisibleTo(panel.widget.native)]


def described(panel, qtbot, words):
    qtbot.waitUntil(lambda: words in panel["psf"].text())


def test_typed_numbers_make_the_task(open_panel, cells):
    panel = open_panel("Deconvolve", cells)
    assert not panel["run"].isEnabled()
    fill(panel, {"na": "1,4", "ri": "Oil", "wavelength": "520 nm", "sample_ri": "water"})
    assert panel["run"].isEnabled()
    known = {"modality": "widefield", "sample_ri": 1.33}
    assert panel.widget.task() == Deconvolve(**MICROSCOPE, **known)
    task = panel.widget.template().for_layer(cells).settings.task
    assert task.pixel_size == pytest.approx(0.1)


def test_only_rows_that_matter_are_visible(open_panel, cells):
    panel = open_panel("Deconvolve", cells)
    names = ("na", "wavelength", "excitation", "pinhole", "sheet", "bead", "open_bead", "fwhm")
    assert visible(panel, *names) == ["na", "wavelength"]
    choose(panel, "modality", "confocal")
    assert visible(panel, *names) == ["na", "wavelength", "excitation", "pinhole"]
    choose(panel, "modality", "two-photon")
    assert visible(panel, *names) == ["na", "excitation"]
    choose(panel, "modality", "light sheet")
    assert visible(panel, *names) == ["na", "wavelength", "sheet"]
    choose(panel, "psf_source", "measured (bead)")
    assert visible(panel, *names) == ["bead", "open_bead"]
    choose(panel, "psf_source", "Gaussian (width)")
    assert visible(panel, *names) == ["fwhm"]


def test_wrong_numbers_are_told_before_a_run(open_panel, cells):
    panel = open_panel("Deconvolve", cells)
    empty = dict.fromkeys(OBJECTIVE, "")
    for texts, said in (
        (empty, "Type the NA, the emission wavelength and the immersion."),
        ({"wavelength": ""}, "Type the emission wavelength."),
        ({"na": "1.6"}, "NA 1.6 is not below the index of the immersion"),
        ({"na": "high"}, "NA: 'high' is not a number"),
        ({"wavelength": "0.52"}, "for 0.52 µm give 520"),
        ({"ri": "3"}, "Immersion 3 is not possible"),
    ):
        fill(panel, OBJECTIVE)
        assert panel["run"].isEnabled()
        fill(panel, OBJECTIVE | texts)
        assert said in panel["estimate"].text()
        assert not panel["run"].isEnabled()
        assert not panel["show_psf"].isEnabled()


def test_pixel_sizes_are_checked_before_a_run(open_panel):
    panel = open_panel("Deconvolve")
    for placed, said in (
        ({}, "The pixel size of 'cells' is not known"),
        ({"scale": (0.1, 0.2), "units": "um"}, "need square ones"),
        ({"scale": (90, 90), "units": "um"}, "is 90 µm, and a microscope"),
    ):
        panel.viewer.layers.clear()
        panel.viewer.add_layer(Image(np.ones((32, 32)), name="cells", **placed))
        fill(panel, OBJECTIVE)
        assert said in panel["estimate"].text()
        assert not panel["run"].isEnabled()
        panel.widget.image.value.scale = (0.1, 0.1)
        panel.widget.image.value.units = "um"
        assert panel["run"].isEnabled()


def test_metadata_fill_the_fields(open_panel, cells):
    known = {"optics": {**MICROSCOPE, "modality": "confocal"}}
    other = Image(np.ones((32, 32)), name="other", metadata=known, **LENGTHS)
    panel = open_panel("Deconvolve", cells, other)
    panel.widget.image.value = other
    assert [panel[name].text() for name in OBJECTIVE] == ["1.4", "1.518", "520 nm"]
    assert panel["modality"].currentText() == "confocal"
    panel["wavelength"].setText("525")
    panel.widget.image.value = cells  # it knows nothing: what was typed stays, the rest goes
    assert [panel[name].text() for name in OBJECTIVE] == ["", "", "525"]


def test_metadata_that_contradict_are_shown(open_panel):
    wrong = {"optics": {**MICROSCOPE, "ri": 1.33}}
    panel = open_panel("Deconvolve", Image(np.ones((32, 32)), metadata=wrong, **LENGTHS))
    assert [panel[name].text() for name in OBJECTIVE] == ["1.4", "1.33", "520 nm"]
    assert "NA 1.4 is not below the index of the immersion, 1.33" in panel["estimate"].text()


def test_channels_have_wavelengths_of_their_own(open_panel, qtbot):
    counts = np.random.default_rng(0).poisson(20, (2, 32, 40)).astype(np.uint16)
    axes = {"axis_labels": ("c", "y", "x"), "units": ("pixel", "um", "um")}
    layer = Image(counts, name="two", scale=(1, 0.12, 0.12), **axes)
    panel = open_panel("Deconvolve", layer)
    fill(panel, OBJECTIVE | {"wavelength": "461, 600 nm"})
    assert panel.widget.task().wavelength == (461, 600)
    described(panel, qtbot, "PSF: widefield, first channel: 0.2")
    assert "Below Nyquist sampling (0.082 µm)" in panel["psf"].text()
    assert "600 nm" in panel["psf"].toolTip()
    assert panel["run"].isEnabled()
    assert not panel["estimate_psf"].isEnabled()
    fill(panel, {"wavelength": "520,5"})
    assert panel.widget.task().wavelength == 520.5
    fill(panel, {"wavelength": "461, 520, 600"})
    qtbot.waitUntil(lambda: "wavelengths of 3 channels" in panel["estimate"].text(), timeout=30_000)


def test_coarse_sampling_is_told_before_a_run(open_panel, zstack, qtbot):
    panel = open_panel("Deconvolve", zstack)
    fill(panel, OBJECTIVE)
    described(panel, qtbot, "Below Nyquist sampling (0.093 µm, 0.28 µm along Z)")
    assert "no deconvolution recovers" in panel["psf"].toolTip()
    zstack.scale = (0.2, 0.05, 0.05)
    described(panel, qtbot, "wide")
    qtbot.waitUntil(lambda: "Nyquist" not in panel["psf"].text())


def test_a_stack_is_a_volume_or_planes(open_panel, zstack, cells):
    panel = open_panel("Deconvolve", cells, zstack)
    panel.widget.image.value = cells
    fill(panel, OBJECTIVE)
    assert not visible(panel, "stack")
    panel.widget.image.value = zstack
    assert visible(panel, "stack")
    settings = panel.widget.template().for_layer(zstack).settings
    assert (settings.ndim, settings.task.z_step) == (3, pytest.approx(0.3))
    choose(panel, "stack", "plane by plane")
    assert panel.widget.template().for_layer(zstack).settings.ndim == 2


def test_the_psf_is_shown_with_its_size(open_panel, zstack, qtbot):
    panel = open_panel("Deconvolve", zstack)
    fill(panel, OBJECTIVE)
    for _ in range(2):  # the second replaces the first
        panel.press("show_psf")
        qtbot.waitUntil(lambda: panel.said == "Added 'stack PSF'.")
        panel.widget.controller.say("")
    first, shown = panel.viewer.layers
    assert (first, shown.name) == (zstack, "stack PSF")
    np.testing.assert_allclose(shown.scale, zstack.scale)
    assert [*map(str, shown.units)] == [*map(str, zstack.units)]
    assert shown.data.sum() == pytest.approx(1, abs=1e-4)
    middles = [
        np.array(layer.data_to_world((np.array(layer.data.shape) - 1) / 2))
        for layer in (zstack, shown)
    ]
    np.testing.assert_allclose(*middles)
    assert panel.widget.image.value is zstack


def test_aberrations_are_estimated_into_their_fields(open_panel, qtbot):
    microscope = {"na": 1.2, "ri": 1.33, "wavelength": 520, "pixel_size": 0.08, "z_step": 0.25}
    random = np.random.default_rng(0)
    points = np.zeros((12, 50, 50))
    points[tuple(random.integers((2, 8, 8), (10, 42, 42), (20, 3)).T)] = 3e4
    psf = optical_psf(Optics(**microscope, spherical=0.2), (8, 32, 32)).values
    seen = random.poisson(fftconvolve(points, psf, mode="same").clip(0) + 5)[2:10, 9:41, 9:41]
    axes = {"units": "um", "axis_labels": ("z", "y", "x")}
    layer = Image(seen.astype(np.uint16), name="points", scale=(0.25, 0.08, 0.08), **axes)
    panel = open_panel("Deconvolve", layer)
    assert not panel["estimate_psf"].isEnabled()  # numbers are missing
    fill(panel, {"na": "1.2", "ri": "water", "wavelength": "520"})
    panel.press("estimate_psf")
    assert not panel["estimate_psf"].isEnabled()
    qtbot.waitUntil(lambda: panel.said.startswith("Estimated"))
    assert float(panel["spherical"].text().removesuffix(" waves")) == pytest.approx(0.2, abs=0.09)
    assert "spherical aberration" in panel.said
    assert panel["estimate_psf"].isEnabled()
    choose(panel, "stack", "plane by plane")
    assert not panel["estimate_psf"].isEnabled()


def test_a_bead_is_chosen_and_checked(open_panel, zstack, bead, qtbot):
    colours = Image(np.ones((16, 16, 3), np.uint8), name="colours", rgb=True)
    panel = open_panel("Deconvolve", zstack, bead, colours)
    panel.widget.image.value = zstack
    choose(panel, "psf_source", "measured (bead)")
    assert "Choose a Bead" in panel["estimate"].text()
    choose(panel, "bead", "bead")
    assert "'bead' is a single plane" in panel["estimate"].text()
    choose(panel, "bead", "colours")
    assert "'colours' has colours" in panel["estimate"].text()
    choose(panel, "bead", "bead")
    choose(panel, "stack", "plane by plane")
    assert panel["run"].isEnabled()
    described(panel, qtbot, "PSF: measured, 0.3")
    assert "Its background of 100 was subtracted." in panel["psf"].toolTip()
    bead.data = np.ones((16, 16))
    qtbot.waitUntil(lambda: "shows no bead" in panel["estimate"].text())
    assert not panel["run"].isEnabled()


def test_a_gaussian_has_a_width(open_panel, cells, qtbot):
    panel = open_panel("Deconvolve", cells)
    choose(panel, "psf_source", "Gaussian (width)")
    assert "Type the full width" in panel["estimate"].text()
    panel["fwhm"].setText("wide")
    assert "Full width: 'wide' is not a width" in panel["estimate"].text()
    panel["fwhm"].setText("250")
    choose(panel, "fwhm_unit", "nm")
    described(panel, qtbot, "PSF: Gaussian, 0.25 µm wide.")
    assert panel.widget.task() == Deconvolve(fwhm="250 nm")


@pytest.fixture
def result(open_panel, tmp_path, cells, bead):
    """Deconvolve with a bead, both from files, and return the panel and the result."""
    micrometres = {"Y": 0.1, "X": 0.1}, {"Y": "µm", "X": "µm"}
    layers = []
    for layer in (cells, bead):
        path = tmp_path / f"{layer.name}.ome.tif"
        write_image(path, StoredImage(layer.data, "YX", *micrometres))
        layers += OpenedFile.open(path).layers()
    panel = open_panel("Deconvolve", *layers)
    panel.widget.image.value = layers[0]
    choose(panel, "psf_source", "measured (bead)")
    choose(panel, "bead", "bead")
    choose(panel, "device", "processor (cpu)")
    panel["iterations"].setValue(3)
    panel.press("run")
    panel.wait_until_idle()
    assert panel.said.startswith("Done"), panel.said
    return panel, panel.viewer.layers[-1]


def copied(panel, what):
    panel.press(f"copy_{what}")
    return QApplication.clipboard().text()


def test_a_run_with_a_bead_is_reproduced(result):
    panel, layer = result
    record = layer.metadata["napari-dip"]["input"]
    assert record["bead"]["layer"] == "bead"
    there = {}
    exec(copied(panel, "python"), there)
    np.testing.assert_array_equal(there["restored"], layer.data)
    _, *words = shlex.split(copied(panel, "command"), comments=True)
    assert words[words.index("--psf") + 1] == record["bead"]["path"]
    done = CliRunner().invoke(app, [*words, "--quiet"])
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(read_image(words[2]).whole(), layer.data)


def test_an_unsaved_bead_is_saved_first(result, tmp_path, monkeypatch):
    panel, layer = result
    (tmp_path / "bead.ome.tif").unlink()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.ome.tif").unlink()
    text = copied(panel, "python")
    assert "Save the input first" in panel.said
    saving = [line[4:] for line in text.splitlines() if line.startswith("#   ")]
    exec("\n".join(saving), {"viewer": panel.viewer})
    there = {}
    exec(text, there)
    np.testing.assert_array_equal(there["restored"], layer.data)


def test_settings_with_a_bead_are_loaded(result):
    panel, _ = result
    choose(panel, "psf_source", "from the optics")
    choose(panel, "bead", "none")
    panel.press("reapply")
    assert panel.said == "Loaded the settings of 'cells (deconvolved)'."
    assert panel["psf_source"].currentText() == "measured (bead)"
    assert panel["bead"].currentText() == "bead"
    panel.viewer.layers.remove("bead")  # its file is opened again
    panel.press("reapply")
    assert panel["bead"].currentText() == "bead"
    assert panel["run"].isEnabled()


def test_a_lost_bead_is_named(result, tmp_path):
    panel, _ = result
    panel.viewer.layers.remove("bead")
    (tmp_path / "bead.ome.tif").unlink()
    panel.press("reapply")
    assert "The bead 'bead' is gone" in panel["estimate"].text()
    assert not panel["run"].isEnabled()


def test_optics_are_loaded_and_copied(open_panel, zstack):
    panel = open_panel("Deconvolve", zstack)
    choose(panel, "device", "processor (cpu)")
    panel["iterations"].setValue(2)
    choose(panel, "modality", "confocal")
    fill(
        panel,
        OBJECTIVE
        | {"excitation": "488", "pinhole": "1.5", "spherical": "0.1", "astigmatism": "0.2"},
    )
    panel.press("run")
    panel.wait_until_idle()
    assert panel.said.startswith("Done"), panel.said
    settings = panel.viewer.layers[-1].metadata["napari-dip"]["settings"]
    command = copied(panel, "command")
    for words in (
        "--modality confocal",
        "--excitation 488.0",
        "--pinhole 1.5",
        "--spherical 0.1",
        "--astigmatism 0.2",
        "--ndim 3",
    ):
        assert words in command
    assert "z_step=0.3" in copied(panel, "python")
    choose(panel, "modality", "widefield")
    choose(panel, "stack", "plane by plane")
    fill(
        panel, dict.fromkeys([*OBJECTIVE, "excitation", "pinhole", "spherical", "astigmatism"], "")
    )
    panel.press("reapply")
    assert panel.said == "Loaded the settings of 'stack (deconvolved)'."
    again = panel.widget.template().for_layer(zstack).settings
    assert again.model_dump(mode="json")["task"] == settings["task"]
    assert again.ndim == 3


def test_loaded_settings_tell_pixel_sizes(open_panel, cells, engine):
    panel = open_panel("Deconvolve", cells)
    engine.finish.set()
    fill(panel, OBJECTIVE)
    panel.press("run")
    panel.wait_until_idle()
    loaded = "Loaded the settings of 'cells (deconvolved)'."
    cells.scale, cells.units = (0.2, 0.2), "um"
    panel.press("reapply")
    stays = "The pixel size stays that of 'cells', 0.2 µm; that of the run was 0.1 µm."
    assert panel.said == f"{loaded} {stays}"
    assert panel.widget.template().for_layer(cells).settings.task.pixel_size == 0.2
    cells.scale, cells.units = (1, 1), "pixel"
    panel.press("reapply")
    assert panel.said == f"{loaded} The pixel size of 'cells' was not known: set to 0.1 µm."
    assert panel["size_x"].text() == "0.1"
    assert panel["run"].isEnabled()
    assert panel.widget.template().for_layer(cells).settings.task.pixel_size == 0.1


def test_a_deconvolved_layer_is_checked_later(result, qtbot):
    panel, layer = result
    panel.widget._result._provenance.check.set_finished(None)  # as in a later session
    panel.press("residual")
    qtbot.waitUntil(lambda: panel.said.startswith("Added"))
    panel.viewer.layers["bead"].data = panel.viewer.layers["bead"].data[:, ::-1] ** 1.5
    panel.viewer.layers.selection = {layer}
    panel.press("residual")
    qtbot.waitUntil(lambda: "its bead is not what" in panel.said)


def test_bright_points_stay_within_the_contrast(open_panel, cells):
    cells.data = np.pad(np.full((2, 2), 4000), ((16, 14), (20, 18))) + cells.data
    cells.contrast_limits = (0, 500)
    panel = open_panel("Deconvolve", cells, Labels(np.zeros((32, 40), int)))
    choose(panel, "psf_source", "Gaussian (width)")
    panel["fwhm"].setText("2.5")
    panel["iterations"].setValue(2)
    panel.press("run")
    panel.wait_until_idle()
    assert panel.viewer.layers[-1].contrast_limits[1] > 500
    assert tuple(cells.contrast_limits) == (0, 500)
