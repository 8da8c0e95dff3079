"""The sections about a result are gathered."""

import json

import numpy as np

from napari_dip import Settings, problem
from napari_dip.assess.assessment import assess


def test_the_residual_is_a_section():
    noisy = np.random.default_rng(0).normal(100, 5, (64, 64))
    found = assess(problem(noisy, Settings(device="cpu", noise=5.0)), np.full((64, 64), 100.0))
    assert [section.heading for section in found.sections][0:] and "Residual" in str(found)
    record = json.loads(json.dumps(found.as_dict()))
    assert record["Residual"]["verdict"] == "noise"
    assert record["Residual"]["sentences"][0] in str(found)
