"""Settings are frozen, checked values that survive JSON."""

import numpy as np
import pytest

from napari_dip import restore
from napari_dip.errors import BadSettings
from napari_dip.settings import (
    Denoise,
    Discrepancy,
    Fixed,
    HeldOut,
    Inpaint,
    MovingVariance,
    Prior,
    SensorNoise,
    Settings,
    SuperResolve,
    WindowedVariance,
)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(Settings(), id="defaults"),
        pytest.param(Settings(task=SuperResolve(factor=8, downsampler="box")), id="task"),
        pytest.param(Settings(task=Inpaint(missing="hole", keep_known=False)), id="inpaint"),
        pytest.param(Settings(prior=Prior(network="pixels", tv_weight=0.1)), id="prior"),
        pytest.param(Settings(stopping=WindowedVariance(window=7, patience=9)), id="stopping"),
        pytest.param(Settings(noise=SensorNoise(gain=2, offset=100, read=3)), id="camera"),
        pytest.param(Settings(preset="best", members=3, refinement=0), id="best"),
        pytest.param(Settings(stopping="consensus"), id="consensus"),
        pytest.param(Settings(noise=12.5, axes="tzyx", device="cuda:1", ndim=3), id="others"),
    ],
)
def test_json_gives_the_settings_back(settings):
    assert Settings.from_json(settings.to_json()) == settings


def test_a_name_stands_for_the_thing_with_its_defaults():
    by_name = Settings(task="denoise", stopping="held-out", prior="unet")
    assert by_name == Settings(task=Denoise(), stopping=HeldOut(), prior=Prior(network="unet"))
    for name, rule in [
        ("fixed", Fixed()),
        ("es-wmv", WindowedVariance()),
        ("es-emv", MovingVariance()),
        ("discrepancy", Discrepancy()),
    ]:
        assert Settings(stopping=name).stopping == rule


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        pytest.param(
            {"preset": "slow"}, ["preset='slow'", "'fast', 'best' or 'paper'"], id="preset"
        ),
        pytest.param({"iterations": 0}, ["iterations=0", "greater"], id="iterations"),
        pytest.param({"iterations": "many"}, ["iterations='many'"], id="iterations-word"),
        pytest.param({"noise": -1}, ["noise=-1", "above 0"], id="noise"),
        pytest.param({"noise": float("nan")}, ["noise=nan"], id="noise-nan"),
        pytest.param({"device": "gpu"}, ["device='gpu'", "'cuda:N'"], id="device"),
        pytest.param({"axes": "QQ"}, ["axes='QQ'", "Y and X"], id="axes-without-plane"),
        pytest.param({"axes": "YXB"}, ["axes='YXB'", "letters"], id="axes-unknown"),
        pytest.param({"axes": "ZZYX"}, ["axes='ZZYX'", "once"], id="axes-twice"),
        pytest.param({"averaging": 1}, ["averaging=1", "less than 1"], id="averaging"),
        pytest.param({"stopping": "soon"}, ["soon", "'es-wmv'"], id="stopping"),
        pytest.param({"prior": "magic"}, ["network='magic'", "'unet'"], id="prior"),
        pytest.param({"task": {"kind": "super-resolve", "factor": 9}}, ["factor=9"], id="factor"),
        pytest.param({"sharpen": True}, ["sharpen=True", "no such setting"], id="unknown"),
        pytest.param({"nose": 3}, ["nose=3", "did you mean 'noise'?"], id="misspelt"),
    ],
)
def test_a_bad_value_is_named_with_its_cure(keywords, words):
    with pytest.raises(BadSettings) as caught:
        Settings(**keywords)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"tile": 64}, "overlap=32 is not below half of tile=64"),
        ({"task": SuperResolve(axis="Z"), "share": "Z"}, "share='Z': Z is what"),
    ],
)
def test_settings_that_contradict_are_named_alone(keywords, words):
    with pytest.raises(BadSettings, match=f"^{words}"):
        Settings(**keywords)


@pytest.mark.parametrize("settings", [{"iterations": 2}, Denoise(), "fast"], ids=str)
def test_restore_says_what_settings_are(settings):
    with pytest.raises(BadSettings, match=r"give napari_dip\.Settings"):
        restore([[1.0, 2.0]], settings)


@pytest.mark.parametrize("text", ["{", "[]", '{"preset": "slow"}', '{"sharpen": 1}'])
def test_bad_json_is_a_clear_error(text):
    with pytest.raises(BadSettings):
        Settings.from_json(text)


def test_tasks_check_themselves():
    with pytest.raises(BadSettings, match="factor=1"):
        SuperResolve(factor=1)


def test_settings_cannot_be_changed_but_replaced():
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.seed = 3
    assert settings.replace(seed=3).seed == 3
    assert settings.seed == 0
    with pytest.raises(BadSettings, match="seed=-1"):
        settings.replace(seed=-1)


@pytest.mark.parametrize(
    ("noise", "says"),
    [
        ({"gain": 0}, "gain and read are both 0"),
        ({"gain": -1, "read": 1}, "gain=-1"),
        ({"gain": float("inf")}, "gain=inf"),
        ({"read": 1}, "gain is missing"),
        ({"gain": 1, "ofset": 3}, "^ofset=3: there is no such setting; did you mean 'offset'"),
        ([1, 2], r"noise=\[1, 2\]: choose"),
        (np.array([1.0, 2.0]), "noise=array.*: choose"),
        ("loud", "noise='loud'"),
        (0, "noise=0"),
        (True, "noise=True"),
    ],
)
def test_noise_that_is_none_is_refused(noise, says):
    with pytest.raises(BadSettings, match=says):
        Settings(noise=noise)


def test_numbers_of_numpy_are_numbers():
    settings = Settings(task={"kind": "super-resolve", "factor": np.int64(2)}, noise=np.float32(3))
    assert (settings.task.factor, settings.noise) == (2, 3)


def test_text_that_is_no_json_names_the_place():
    with pytest.raises(BadSettings, match=r"^the text is no JSON \(.* line 1 column 9\); correct"):
        Settings.from_json(b'{"task":1')
