"""The sections about a result are gathered."""

import json

import numpy as np

from napari_dip import Settings, problem
from napari_dip.assess.assessment import assess

FURTHER = ["Uncertainty", "Resolution", "Invented structure"]


def test_findings_residual_and_intensity_are_sections():
    noisy = np.random.default_rng(0).normal(100, 5, (64, 64))
    found = assess(problem(noisy, Settings(device="cpu", noise=5.0)), np.full((64, 64), 100.0))
    assert [section.heading for section in found.sections] == [
        "Before the run",
        "Residual",
        "Intensity",
    ]
    record = json.loads(json.dumps(found.as_dict()))
    assert record["Residual"]["verdict"] == "noise"
    assert record["Residual"]["sentences"][0] in str(found)


def test_further_sections_are_added_on_request():
    rows, columns = np.indices((64, 64))
    clean = 100 + 40 * np.sin(rows / 4) * np.cos(columns / 5)
    noisy = clean + np.random.default_rng(0).normal(0, 10, clean.shape)
    asked = problem(noisy, Settings(device="cpu", noise=10.0, iterations=3))
    found = assess(asked, clean, uncertainty=True, resolution=True, invented=True)
    headings = [section.heading for section in found.sections]
    assert headings[1:] == ["Residual", "Intensity", *FURTHER]
    assert json.loads(json.dumps(found.as_dict()))["Uncertainty"]["probability"] == 0.9
    known = assess(asked, clean, half_widths=np.full(clean.shape, 3.0))
    assert "the result ± 3 in units of the image" in known.sections[3].sentences()[0]


def test_warnings_of_all_sections_are_gathered():
    rows, columns = np.indices((96, 96))
    clean = 100 + 80 * np.exp(-((rows - 48) ** 2 + (columns - 48) ** 2) / 200)
    noisy = clean + np.random.default_rng(0).normal(0, 5, clean.shape)
    striped = noisy + 6 * np.sin(columns * 2 * np.pi / 6)
    asked = problem(striped, Settings(device="cpu"))
    pattern, structure = assess(asked, np.full(clean.shape, 100.0)).warnings()
    assert pattern.startswith("A pattern repeats every 6.0 pixels")
    assert structure.startswith("Structure was smoothed away")
    assert assess(problem(noisy, Settings(device="cpu")), clean).warnings() == ()


def test_resolution_is_in_the_given_unit():
    rows, columns = np.indices((64, 64))
    clean = 100 + 40 * np.sin(rows / 4) * np.cos(columns / 5)
    noisy = clean + np.random.default_rng(0).normal(0, 10, clean.shape)
    asked = problem(noisy, Settings(device="cpu", noise=10.0, iterations=3))
    found = assess(asked, clean, resolution=True, pixel_size=0.2, unit="µm")
    assert "µm" in found.sections[3].sentences()[0]
