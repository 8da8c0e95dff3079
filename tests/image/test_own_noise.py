"""Noise of a user's own, defined outside the package, is given, recorded, and read back."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from napari_dip import Settings, denoise, restore
from napari_dip.files.survey_cache import SurveyCache
from napari_dip.generators import finished
from napari_dip.image.intensity import Scale
from napari_dip.image.survey import Survey
from napari_dip.noise.model import from_record

SHORT = {"iterations": 60, "device": "cpu", "precision": "float32", "axes": "YX"}
LOOKS = 10
EXAMPLES = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture(scope="module")
def speckle():
    """Import the module of the noise, as a user would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        return importlib.import_module("speckle")


@pytest.fixture(scope="module")
def truth():
    y, x = np.mgrid[:48, :48] / 48
    disc = 60 * ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.05)
    return 20 + 100 * (np.sin(6 * x) * np.cos(5 * y) + 1) + disc


@pytest.fixture(scope="module")
def noisy(truth):
    gamma = np.random.default_rng(0).gamma(LOOKS, 1 / LOOKS, truth.shape)
    return (truth * gamma).astype(np.float32)


def test_own_noise_takes_few_lines():
    assert len((EXAMPLES / "speckle.py").read_text(encoding="utf-8").splitlines()) < 60


def test_own_model_is_stabilised_without_bias(speckle):
    model = speckle.SpeckleModel(LOOKS, floor=1.0, dark=100.0).rescaled(50.0, 1000.0)
    x = 0.35
    n = np.random.default_rng(0).gamma(LOOKS, 1 / LOOKS, 200_000)
    stabilised = model.stabilise(model.dark + (x - model.dark) * n)
    assert stabilised.std() == pytest.approx(1, abs=0.02)
    assert model.unstabilise(stabilised.mean()) == pytest.approx(x, rel=0.01)


def test_own_noise_restores_better_than_estimated(speckle, truth, noisy):
    def error(image):
        return float(np.sqrt(np.mean((image - truth) ** 2)))

    given = error(denoise(noisy, noise=speckle.Speckle(looks=LOOKS), **SHORT))
    assert given < 0.35 * error(noisy)
    assert given < error(denoise(noisy, noise="auto", **SHORT))


def test_result_records_own_noise(speckle, noisy):
    settings = Settings(
        noise=speckle.Speckle(looks=LOOKS), refinement=0, **SHORT | {"iterations": 2}
    )
    record = json.loads(json.dumps(finished(restore(noisy, settings)).provenance()))
    assert Settings.from_json(json.dumps(record["settings"])) == settings
    of_unit = from_record(record["units"][0]["noise"])
    assert isinstance(of_unit, speckle.SpeckleModel)
    assert of_unit.looks == LOOKS


def test_survey_cache_keeps_own_noise(speckle, tmp_path):
    survey = Survey(
        (Scale(0.0, 9.0),), (speckle.SpeckleModel(4, 0.1),), frozenset(), "of all values"
    )
    (tmp_path / ".napari-dip").mkdir()
    SurveyCache("one").save(tmp_path, survey)
    assert SurveyCache("one").load(tmp_path) == survey
