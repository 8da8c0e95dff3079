"""Noise as a setting: words, numbers, sensors, and what is refused."""

from typing import Literal

import numpy as np
import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import GivenNoise, SensorNoise, Settings


class Hum(GivenNoise):
    kind: Literal["test-hum"] = "test-hum"
    level: float


@pytest.mark.parametrize("noise", ["auto", "gaussian", "none", 12.5, SensorNoise(gain=2)], ids=str)
def test_valid_noise_is_kept(noise):
    assert Settings(noise=noise).noise == noise


@pytest.mark.parametrize("noise", [3, np.float32(3), np.int64(3)], ids=repr)
def test_number_of_any_type_is_a_sigma(noise):
    assert Settings(noise=noise).noise == 3


def test_dictionary_is_a_sensor():
    noise = Settings(noise={"gain": 2, "offset": 100}).noise
    assert noise == SensorNoise(gain=2, offset=100)


def test_json_names_the_kind_of_own_noise():
    settings = Settings(noise=Hum(level=3))
    assert settings.model_dump(mode="json")["noise"] == {"kind": "test-hum", "level": 3}
    assert Settings.from_json(settings.to_json()).noise == Hum(level=3)


def test_json_of_a_sensor_has_no_kind():
    noise = SensorNoise(gain=2, read=1)
    assert Settings(noise=noise).model_dump()["noise"] == {"gain": 2, "offset": 0, "read": 1}
    assert str(noise) == "of gain 2, offset 0, read noise 1"


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (-1, "noise=-1: choose .* above 0"),
        (float("nan"), "noise=nan"),
        (1e-200, r"1e-150 to 1e\+150"),
        (10**400, "noise="),
        ({"gain": 0}, "gain and read are both 0; .*'none'"),
        ({"gain": -1, "read": 1}, "gain=-1"),
        ({"gain": float("inf")}, "gain=inf"),
        ({"gain": 1e-200}, "^gain=1e-200 is too small"),
        ({"read": 1}, "gain is missing; give"),
        ({"gain": 1, "ofset": 3}, "^ofset=3: there is no such setting; did you mean 'offset'"),
        ([1, 2], r"noise=\[1, 2\]: choose"),
        (np.array([1.0, 2.0]), "noise=array.*: choose"),
        ({"kind": "rain"}, "noise of kind 'rain' is unknown; choose 'sensor'"),
        ("loud", "noise='loud'"),
        (0, "noise=0"),
        (True, "noise=True"),
    ],
)
def test_invalid_noise_is_refused(noise, message):
    with pytest.raises(BadSettings, match=message):
        Settings(noise=noise)
