"""Changes to the prior of a preset check their own values."""

import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import Prior, Settings


def test_defaults_change_nothing():
    assert set(Prior().model_dump().values()) == {None}


def test_network_name_stands_for_a_prior():
    assert Settings(prior="resnet").prior == Prior(network="resnet")


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"network": "vgg"}, "network='vgg': .*'skip'.* 'pixels'"),
        ({"code_channels": 0}, "code_channels=0"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"tv_weight": -1}, "tv_weight=-1"),
        ({"optimizer": "adam"}, "optimizer='adam': .*did you mean 'optimiser'"),
    ],
)
def test_invalid_value_is_named(keywords, message):
    with pytest.raises(BadSettings, match=message):
        Prior(**keywords)
