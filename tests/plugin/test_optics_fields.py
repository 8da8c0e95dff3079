"""Numbers of a microscope are read as a user types them."""

from __future__ import annotations

import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

from napari_dip.errors import BadSettings
from napari_dip.plugin.models.optics_fields import fields_of, number_text, optics_values

TYPED = {"na": "0.8", "ri": "air", "wavelength": "600"}


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        pytest.param({"ri": "Glycerol"}, {"ri": 1.47}, id="name"),
        pytest.param({"wavelength": "0520 nm"}, {"wavelength": 520}, id="unit"),
        pytest.param({"na": " 0,75 "}, {"na": 0.75}, id="comma"),
        pytest.param({"sheet": "3", "pinhole": "x"}, {}, id="fields of other microscopes"),
    ],
)
def test_texts_become_numbers(texts, values):
    found = optics_values("widefield", TYPED | texts)
    assert found == {"modality": "widefield", "na": 0.8, "ri": 1.0, "wavelength": 600} | values


@pytest.mark.parametrize(
    ("modality", "texts", "said"),
    [
        ("two-photon", {}, "Type the excitation wavelength."),
        ("light-sheet", {}, "Type the thickness of the sheet."),
        ("widefield", {"na": "1"}, "NA 1 is not below the index of the immersion, 1"),
        ("widefield", {"depth": "-1"}, "Depth -1 is not possible"),
        ("confocal", {"pinhole": "one"}, "Pinhole: 'one' is not a number"),
    ],
)
def test_a_mistake_names_its_field(modality, texts, said):
    with pytest.raises(BadSettings, match=said):
        optics_values(modality, TYPED | texts)


@pytest.mark.parametrize("text", ["461, 520 nm", "461;520", "461 520", "461,520"])
def test_channels_have_a_wavelength_each(text):
    values = optics_values("widefield", TYPED | {"wavelength": text})
    assert values["wavelength"] == (461, 520)


@pytest.mark.parametrize("text", ["461, blue", "461, 5"])
def test_a_wrong_list_names_its_field(text):
    with pytest.raises(BadSettings, match=r"Emission: .* is not a number"):
        optics_values("widefield", TYPED | {"wavelength": text})


def test_fields_show_what_was_recorded():
    assert [number_text("pinhole", 1.0), number_text("depth", 0.0)] == ["1 AU", ""]
    assert number_text("wavelength", (461.0, 520.0)) == "461, 520 nm"
    assert [number_text("na", 1.45), number_text("ri", None)] == ["1.45", ""]
    assert "sheet" in fields_of("light-sheet") and "excitation" not in fields_of("widefield")
