"""All settings of a run: JSON, names in place of values, contradictions, derived values."""

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
        pytest.param(Settings(voxel=(4, 0.8, 0.8), memory="4GB"), id="voxel"),
    ],
)
def test_json_restores_the_settings(settings):
    assert Settings.from_json(settings.to_json()) == settings


def test_name_stands_for_a_value_with_defaults():
    by_name = Settings(task="denoise", stopping="held-out", prior="unet")
    assert by_name == Settings(task=Denoise(), stopping=HeldOut(), prior=Prior(network="unet"))


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("fixed", Fixed()),
        ("es-wmv", WindowedVariance()),
        ("es-emv", MovingVariance()),
        ("discrepancy", Discrepancy()),
    ],
)
def test_name_stands_for_a_stopping_rule(name, rule):
    assert Settings(stopping=name).stopping == rule


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        pytest.param(
            {"preset": "slow"}, ["preset='slow': choose 'fast', 'best' or 'paper'"], id="preset"
        ),
        pytest.param(
            {"iterations": 0},
            ["iterations=0: give a value greater than or equal to 1"],
            id="iterations",
        ),
        pytest.param(
            {"iterations": "many"},
            ["iterations='many': give a valid integer"],
            id="iterations-word",
        ),
        pytest.param({"device": "gpu"}, ["device='gpu'", "'cuda:N'"], id="device"),
        pytest.param({"axes": "QQ"}, ["axes='QQ'", "Y and X are missing"], id="axes-without-plane"),
        pytest.param({"axes": "YXB"}, ["axes='YXB'", "letters"], id="axes-unknown"),
        pytest.param({"axes": "ZZYX"}, ["axes='ZZYX'", "at most once"], id="axes-twice"),
        pytest.param({"averaging": 1}, ["averaging=1: give a value less than 1"], id="averaging"),
        pytest.param(
            {"stopping": "soon"},
            ["stopping='soon': choose one of 'consensus', 'held-out'"],
            id="stopping",
        ),
        pytest.param({"prior": "magic"}, ["network='magic'", "'unet'"], id="prior"),
        pytest.param({"tile": 8}, ["tile=8", "64"], id="tile"),
        pytest.param({"memory": "much"}, ["memory='much'", "'4GB'"], id="memory"),
        pytest.param({"voxel": (1, 1)}, ["voxel.2 is missing"], id="voxel"),
    ],
)
def test_invalid_value_is_named_with_its_remedy(keywords, words):
    with pytest.raises(BadSettings) as caught:
        Settings(**keywords)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"tile": 64}, "overlap=32 is not below half of tile=64"),
        ({"task": SuperResolve(axis="Z"), "share": "Z"}, "share='Z' cannot be used"),
    ],
)
def test_contradiction_is_named_alone(keywords, words):
    with pytest.raises(BadSettings, match=f"^{words}"):
        Settings(**keywords)


@pytest.mark.parametrize("settings", [{"iterations": 2}, Denoise(), "fast"], ids=str)
def test_restore_refuses_other_types(settings):
    with pytest.raises(BadSettings, match=r"give napari_dip\.Settings"):
        restore([[1.0, 2.0]], settings)


@pytest.mark.parametrize("text", ["{", "[]", '{"preset": "slow"}', '{"sharpen": 1}'])
def test_invalid_json_raises_bad_settings(text):
    with pytest.raises(BadSettings):
        Settings.from_json(text)


def test_values_are_frozen_and_can_be_replaced():
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.seed = 3
    assert settings.replace(seed=3).seed == 3
    assert settings.seed == 0
    with pytest.raises(BadSettings, match="seed=-1"):
        settings.replace(seed=-1)


@pytest.mark.parametrize(
    ("keywords", "factors"),
    [
        ({}, {"Y": 1, "X": 1}),
        ({"ndim": 3}, {"Z": 1, "Y": 1, "X": 1}),
        ({"task": SuperResolve(factor=3)}, {"Y": 3, "X": 3}),
        ({"task": SuperResolve(factor=3), "ndim": 3}, {"Z": 3, "Y": 3, "X": 3}),
        ({"task": SuperResolve(factor=3, axis="YX"), "ndim": 3}, {"Z": 1, "Y": 3, "X": 3}),
        ({"task": SuperResolve(factor=3, axis="Z")}, {"Z": 3, "X": 1}),
        (
            {"task": SuperResolve(factor="isotropic"), "voxel": (4, 1, 1), "ndim": 3},
            {"Z": 4, "Y": 1, "X": 1},
        ),
    ],
)
def test_factors_are_those_of_the_fitted_axes(keywords, factors):
    settings = Settings(**keywords)
    assert settings.factors == factors
    assert settings.spatial == "".join(factors)


def test_voxel_of_a_file_is_used_if_needed():
    file = (4.0, 1.0, 1.0)
    volume = Settings(ndim=3)
    assert volume.with_voxel(file).voxel == file
    assert volume.with_voxel(None) == volume
    assert volume.replace(voxel=(2, 1, 1)).with_voxel(file).voxel == (2, 1, 1)
    assert Settings().with_voxel(file).voxel is None


def test_memory_is_given_in_bytes():
    assert Settings(memory="2 kB").memory_bytes == 2000
    assert Settings().memory_bytes is None


def test_known_pixels_are_kept_in_inpainting_alone():
    assert Settings(task="inpaint").keeps_known
    assert not Settings(task=Inpaint(keep_known=False)).keeps_known
    assert not Settings().keeps_known
