"""A layer is reproduced by copied Python, by a copied command, and in the panel."""

from __future__ import annotations

import shlex
import subprocess

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtWidgets import QApplication
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image

KINDS = {
    "Denoise": "denoise",
    "Super-resolution": "super-resolve",
    "Inpaint": "inpaint",
}


LEVEL = {"noise": "known level", "noise_level": 4.5}


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(0).poisson(20, (24, 28)).astype(np.uint16)


@pytest.fixture(scope="module")
def painted(counts):
    labels = np.zeros(counts.shape, np.uint8)
    labels[8:12, 5:20] = 2
    labels[20:22, 5:20] = 1
    return labels


@pytest.fixture
def folder(tmp_path, counts, painted):
    """Files with a blank in their names."""
    for name, pixels in (("my cells.tif", counts), ("my mask.tif", painted)):
        write_image(tmp_path / name, StoredImage(pixels, "YX"))
    return tmp_path


def opened(kind, path):
    """A layer that napari opened from a file."""
    from napari.layers._source import layer_source

    with layer_source(path=str(path)):
        return kind(read_image(path).whole(), name=path.stem)


@pytest.fixture
def run(open_panel):
    """Set controls, run to the end, and return the panel and the layer."""

    def to_the_end(name, *layers, **asked):
        panel = open_panel(name, *layers)
        panel["device"].setCurrentText("processor (cpu)")
        panel["iterations"].setValue(3)
        panel["seed"].setValue(7)
        for control, value in asked.items():
            native = panel[control]
            set_value = getattr(native, "setValue", None) or getattr(
                native, "setCurrentText", getattr(native, "setChecked", None)
            )
            set_value(value)
        panel.press("run")
        panel.wait_until_idle()
        assert panel.said.startswith("Done"), panel.said
        return panel, panel.viewer.layers[-1]

    return to_the_end


def copied(panel, what):
    QApplication.clipboard().clear()
    panel.press(f"copy_{what}")
    return QApplication.clipboard().text()


@pytest.fixture
def three(run, folder):
    """A layer of each task, with its copied texts."""
    asked = {
        "Denoise": {**LEVEL, "stopping": "held-out pixels"},
        "Super-resolution": {"factor": 3, "downsampler": "camera binning"},
        "Inpaint": {"keep_known": False, "missing": "a hole"},
    }
    made = {}
    for name, controls in asked.items():
        layers = [opened(Image, folder / "my cells.tif")]
        if name == "Inpaint":
            layers.append(opened(Labels, folder / "my mask.tif"))
        panel, layer = run(name, *layers, **controls)
        texts = {what: copied(panel, what) for what in ("python", "command")}
        made[name] = np.array(layer.data), layer.metadata["napari-dip"]["settings"], texts
    return made


def test_copied_code_makes_the_same_pixels(three):
    for name, (pixels, settings, texts) in three.items():
        assert "Save it first" not in texts["python"]
        there = {}
        exec(texts["python"], there)
        np.testing.assert_array_equal(there["restored"], pixels, err_msg=name)
        program, *words = shlex.split(texts["command"], comments=True)
        assert (program, words[0]) == ("napari-dip", KINDS[name])
        done = CliRunner().invoke(app, [*words, "--quiet"])
        assert done.exit_code == 0, done.output
        out = words[3 if name == "Inpaint" else 2]
        np.testing.assert_array_equal(read_image(out).whole(), pixels, err_msg=name)
        assert read_provenance(out)["settings"] == settings


@pytest.mark.slow
def test_the_command_is_one_for_a_shell(three):
    pixels, _, texts = three["Denoise"]
    subprocess.run(["bash", "-c", texts["command"]], check=True)
    out = shlex.split(texts["command"], comments=True)[3]
    np.testing.assert_array_equal(read_image(out).whole(), pixels)


def test_copied_code_saves_unsaved_inputs(run, counts, painted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask = Labels(painted[::2, ::2], name="mask", scale=(2, 2), translate=(0.5, 0.5))
    panel, layer = run("Inpaint", Image(counts, name="a/b"), mask, label=2)
    text = copied(panel, "python")
    assert "Save the input first: see the top lines" in panel.said
    saving = [line[4:] for line in text.splitlines() if line.startswith("#   ")]
    exec("\n".join(saving), {"viewer": panel.viewer})
    there = {}
    exec(text, there)
    np.testing.assert_array_equal(there["restored"], layer.data)


def test_a_changed_file_is_not_named(run, folder, counts):
    panel, _ = run("Denoise", opened(Image, folder / "my cells.tif"))
    path = str(folder / "my cells.tif")
    assert path in copied(panel, "command")
    write_image(folder / "my cells.tif", StoredImage(counts + 1, "YX"), overwrite=True)
    text = copied(panel, "command")
    assert path not in text
    assert "write_image('my cells.tif', " in text


def test_what_was_done_by_hand_is_told(run, counts):
    panel, _ = run("Denoise", Image(counts, name="cells"))
    panel["strength"].setValue(50)
    panel.widget._result.run_view.finished.set_strength(0.5)
    assert "set to a strength of 50.0 %; this code does not repeat it" in copied(panel, "python")


def test_buttons_are_enabled_only_for_result_layers(run, counts):
    panel, layer = run("Denoise", Image(counts, name="cells"))
    names = ("copy_python", "copy_command", "reapply")
    viewer = panel.viewer
    assert panel[names[0]].isEnabled()
    for name in names:
        assert panel[name].toolTip() and panel[name].accessibleName()
    assert (
        viewer.layers.selection.active is viewer.layers["cells"]
    )  # the buttons apply to the last result
    viewer.layers.remove(layer)
    assert not panel[names[0]].isEnabled()
    viewer.add_layer(layer)
    assert panel[names[0]].isEnabled()


def test_settings_are_reapplied_to_the_controls(run, counts, painted):
    asked = {
        "label": 2,
        "keep_known": False,
        "missing": "a hole",
        "published": True,
        **LEVEL,
        "stopping": "after all iterations",
    }
    panel, layer = run("Inpaint", Image(counts, name="cells"), Labels(painted, name="m"), **asked)
    settings = layer.metadata["napari-dip"]["settings"]
    panel["label"].setValue(0)
    panel["keep_known"].setChecked(True)
    panel["missing"].setCurrentIndex(0)
    panel["published"].setChecked(False)
    for name in ("noise", "stopping", "device"):
        panel[name].setCurrentIndex(0)
    for name in ("iterations", "noise_level", "seed"):
        panel[name].setValue(0)
    panel.press("reapply")
    assert panel.said == "Loaded the settings of 'cells (inpainted)'."
    assert panel["label"].value() == 2
    panel.press("run")
    panel.wait_until_idle()
    again = panel.viewer.layers[-1].metadata["napari-dip"]["settings"]
    assert again == settings


def test_what_the_controls_cannot_say_is_told(run, counts):
    panel, layer = run("Denoise", Image(counts, name="cells"))
    record = layer.metadata["napari-dip"]
    record["settings"] |= {"share": "none", "task": {"kind": "inpaint"}}
    panel.press("reapply")
    assert "Its task, inpaint, has another panel" in panel.said
    assert "no control for share='none'" in panel.said


@pytest.mark.parametrize("record", [{"input": {}}, {"input": {}, "settings": 5}], ids=str)
def test_a_damaged_record_is_told(run, counts, record):
    panel, layer = run("Denoise", Image(counts, name="cells"))
    layer.metadata = {"napari-dip": record}
    for button in ("copy_python", "copy_command"):
        panel.press(button)
        assert "not a valid record" in panel.said or "settings are missing" in panel.said
        panel.widget.controller.say("")
    panel.press("reapply")
    assert "its settings are missing or have another form" in panel.said
