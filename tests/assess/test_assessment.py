"""The sections about a result are gathered."""

import json

import numpy as np

from napari_dip import Settings, problem
from napari_dip.assess.assessment import assess


def test_findings_and_residual_are_sections():
    noisy = np.random.default_rng(0).normal(100, 5, (64, 64))
    found = assess(problem(noisy, Settings(device="cpu", noise=5.0)), np.full((64, 64), 100.0))
    assert [section.heading for section in found.sections] == ["Before the run", "Residual"]
    record = json.loads(json.dumps(found.as_dict()))
    assert record["Residual"]["verdict"] == "noise"
    assert record["Residual"]["sentences"][0] in str(found)
