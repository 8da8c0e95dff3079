"""Architectures are frozen values whose levels agree."""

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from napari_dip.network.architectures import Network, SkipNet
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import NetworkName, Settings


@pytest.mark.parametrize("network", get_args(Network))
def test_architecture_is_a_frozen_value(network):
    one = network()
    assert one == network()
    assert hash(one) == hash(network())
    for name in vars(one):
        with pytest.raises(FrozenInstanceError):
            setattr(one, name, 3)


@pytest.mark.parametrize("preset", ["fast", "best", "paper"])
@pytest.mark.parametrize("name", [name for name in get_args(NetworkName) if name != "none"])
def test_levels_of_a_named_network_agree(name, preset):
    chosen = recipe(Settings(prior=name, preset=preset)).network
    assert isinstance(chosen, get_args(Network))
    if isinstance(chosen, SkipNet):
        assert len(chosen.down) == len(chosen.up) == len(chosen.skip)
