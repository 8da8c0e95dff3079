"""The controls of the noise and the stopping rule."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtWidgets import QComboBox

from napari_dip.errors import BadSettings
from napari_dip.plugin.views.axes_controls import AxesControls
from napari_dip.plugin.views.settings_controls import NoiseControls, SettingsControls
from napari_dip.settings import RULES, Denoise, Fixed, Settings
from napari_dip.settings.camera import GivenNoise, SensorNoise


@pytest.fixture
def panel(open_panel):
    opened = open_panel("Super-resolution", Image(np.ones((32, 32))))
    opened["advanced"].expand(animate=False)
    return opened


def test_only_numbers_of_the_choice_are_shown(panel):
    numbers = ("noise_level", "gain", "offset", "read_noise")
    for known, shown in (
        ("estimated", []),
        ("estimated, constant", []),
        ("known level", ["noise_level"]),
        ("known camera", ["gain", "offset", "read_noise"]),
        ("none", []),
    ):
        panel["noise"].setCurrentText("known camera")
        panel["noise"].setCurrentText(known)
        assert [name for name in numbers if panel[name].isVisibleTo(panel.dock)] == shown


def test_run_waits_for_the_numbers_and_says_which(panel):
    for known, number, cure in (
        ("known level", "noise_level", "Type the level of the noise"),
        ("known camera", "read_noise", "Type the gain or the read noise"),
    ):
        panel["noise"].setCurrentText(known)
        assert not panel["run"].isEnabled()
        assert cure in panel["estimate"].text()
        panel[number].setValue(2.5)
        assert panel["run"].isEnabled()


@pytest.mark.usefixtures("qtbot")
@pytest.mark.parametrize(
    "noise", ["auto", "gaussian", "none", 2.5, SensorNoise(gain=2.1, offset=-100, read=3.5)]
)
def test_controls_cover_all_noise_settings(noise):
    controls = NoiseControls()
    controls.value = noise
    assert controls.value == noise


@pytest.mark.usefixtures("qtbot")
def test_own_noise_has_no_controls():
    controls = NoiseControls()
    controls.value = GivenNoise()
    assert controls.value == "auto"


@pytest.mark.usefixtures("qtbot")
def test_numbers_that_are_missing_are_asked_for():
    controls = NoiseControls()
    controls.kind.value = "level"
    with pytest.raises(BadSettings, match="level"):
        _ = controls.value


@pytest.mark.usefixtures("qtbot")
def test_every_registered_rule_can_be_chosen(monkeypatch):
    monkeypatch.setitem(RULES, "other", type("Other", (Fixed,), {"label": ""}))
    controls = SettingsControls([], AxesControls(ViewerModel()))
    assert controls.stopping.choices == ("", *RULES)
    names = [controls.stopping.native.itemText(i) for i in range(len(RULES) + 1)]
    assert names == ["default", *(RULES[name].label for name in [*RULES][:-1]), "other"]
    assert controls.set_values(Settings(stopping="consensus")) == []
    assert controls.settings(Denoise()).stopping.rule == "consensus"


def test_the_panel_lists_an_installed_rule(installed, open_panel):
    installed("plateau_rule")
    stopping = open_panel("Denoise")["stopping"]
    assert RULES["plateau"].label == stopping.itemText(stopping.count() - 1)


def test_the_panel_opens_without_broken_extension(installed, open_panel, notifications):
    installed("no_such_module")
    assert open_panel("Denoise")["stopping"].count() == len(RULES) + 1
    (shown,) = notifications
    assert "the extension 'no_such_module'" in shown.message


def test_the_published_method_replaces_the_preset(panel):
    panel["preset"].setCurrentText("best")
    panel["published"].setChecked(True)
    assert panel["preset"].currentText() == "paper"
    assert not panel["preset"].isEnabled()
    assert panel.widget.template().settings.preset == "paper"
    panel["published"].setChecked(False)
    assert panel["preset"].currentText() == "best"
    assert panel.widget.template().settings.preset == "best"


def test_the_published_method_is_not_remembered(panel):
    panel["published"].setChecked(True)
    dock, _ = panel.viewer.window.add_plugin_dock_widget("napari-dip", "Inpaint")
    assert dock.findChild(QComboBox, "preset").currentText() == "fast"
